"""A person's grade: a dispatcher may raise, lowering has a named approver (DOMAIN §4.3)."""

from itertools import product

import pytest
from referral_schemas import triage as told
from triage_svc.domain.errors import GuardRefused, OfAnother
from triage_svc.domain.referral import Closing, Verdict
from triage_svc.domain.states import State
from triage_svc.use_cases.grade_referral import GradeReferral, grade_referral
from unit.triage.working import DISPATCHER, REFERRAL, SUPERVISOR, THURSDAY, a_referral, holding, stated

ORDER = ["red", "orange", "yellow", "blue"]


@pytest.mark.parametrize(("held", "given"), [pair for pair in product(ORDER, ORDER) if pair[0] != pair[1]])
def test_a_dispatcher_raises_and_only_a_supervisor_lowers_by_name(held: str, given: str) -> None:
    is_lower = ORDER.index(given) > ORDER.index(held)
    by_dispatcher = GradeReferral(REFERRAL, DISPATCHER, given, "seen")
    if is_lower:
        with pytest.raises(OfAnother, match="approver_needed"):
            grade_referral(by_dispatcher, holding(a_referral(State.SIGNED, grade=held)))
    else:
        assert grade_referral(by_dispatcher, holding(a_referral(State.SIGNED, grade=held))).verdict.grade == given
    work = holding(a_referral(State.SIGNED, grade=held))
    graded = grade_referral(GradeReferral(REFERRAL, SUPERVISOR, given, "seen"), work)
    event = stated(work)[0]
    assert isinstance(event, told.GradeChanged)
    assert (event.grade, event.previous, event.cause) == (given, held, "person")
    assert event.approved_by == (SUPERVISOR.staff_id if is_lower else None)
    assert (graded.verdict.needs_review, graded.version) == (False, 2)


def test_each_grade_leaves_a_decision_with_who_and_why() -> None:
    work = holding(a_referral(State.SIGNED, grade="red"))
    grade_referral(GradeReferral(REFERRAL, SUPERVISOR, "blue", "visits_show_calm"), work)
    work.keep()
    (decision,) = work.decisions.changed().values()
    assert (decision.kind, decision.outcome) == ("grade", "blue")
    assert decision.evidence == {"reason": "visits_show_calm", "previous": "red", "by": SUPERVISOR.staff_id}


def test_a_person_confirms_what_the_machine_held_without_a_fact_for_others() -> None:
    unsure = a_referral(State.SIGNED, verdict=Verdict("neighbour", "red", needs_review=True))
    work = holding(unsure)
    confirmed = grade_referral(GradeReferral(REFERRAL, DISPATCHER, "red", "looked_at"), work)
    assert (confirmed.verdict.needs_review, confirmed.version, stated(work)) == (False, 2, [])
    assert len(work.decisions.changed()) == 1


def test_the_grade_it_has_already_and_a_closed_referral_are_refused() -> None:
    with pytest.raises(GuardRefused, match="grade_unchanged"):
        grade_referral(
            GradeReferral(REFERRAL, SUPERVISOR, "red", "seen"), holding(a_referral(State.SIGNED, grade="red"))
        )
    closed = a_referral(State.NO_CONSENT, closing=Closing(1, THURSDAY, "no_consent"))
    with pytest.raises(GuardRefused, match="referral_closed"):
        grade_referral(GradeReferral(REFERRAL, SUPERVISOR, "red", "seen"), holding(closed))
