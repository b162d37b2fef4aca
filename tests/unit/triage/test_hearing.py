"""What others state: blocks hold a referral, calls and visits raise its grade, followup closes and reopens it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from chassis.delivery.gate import Position
from chassis.ids import new_id
from referral_schemas import followup, intake, mediation
from referral_schemas import triage as told
from referral_schemas.envelope import PublicEvent
from triage_svc.domain.errors import GuardRefused
from triage_svc.domain.halts import Halt
from triage_svc.domain.referral import Closing, Referral
from triage_svc.domain.states import ENDED, State
from triage_svc.events import HANDLERS
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.contact_parties import Contacted, ContactParties, contact_parties
from triage_svc.use_cases.end_referral import (
    RecordNoConsent,
    RecordSelfResolved,
    record_no_consent,
    record_self_resolved,
)
from triage_svc.use_cases.hand_over import HandOver, hand_over
from triage_svc.use_cases.sign_referral import SignReferral, sign_referral
from unit.triage.working import OFFICE, REFERRAL, THURSDAY, a_referral, holding, names, now_of, stated

LATER = THURSDAY + timedelta(days=1)
STATED = LATER - timedelta(minutes=1)  # by another service, before it is heard of here


def hear(work: TriageWork, event: PublicEvent, *, seq: int = 7) -> Referral:
    """As the gate lets it through: the next of its producer's stream, a cause of its own."""
    work.keep()
    gate, producer = work.gates[REFERRAL], event.TYPE.split(".")[2]
    gate.positions[producer] = Position(seq - 1)
    work.begin_event(REFERRAL, new_id(), STATED)
    HANDLERS[type(event)](event, work)
    gate.positions[producer] = Position(seq)
    return now_of(work)


def a_call(repeats: int = 0, narrative: str | None = None) -> intake.CallLinked:
    counters = {"calls": repeats + 1, "duplicates": 0, "repeats": repeats}
    event = intake.CallLinked.example()
    return event.model_copy(update={"counters": intake.Counters(**counters), "narrative": narrative})


def a_visit(grade: str | None) -> followup.VisitRecorded:
    return followup.VisitRecorded.example().model_copy(update={"proposed_grade": told.Grade(grade) if grade else None})


def a_block(code: str = "X_DV") -> intake.BlockSet:
    return intake.BlockSet.example().model_copy(update={"code": code, "at": LATER})


def a_lift(*seqs: int) -> intake.BlockLifted:
    return intake.BlockLifted.example().model_copy(update={"lifts": seqs})


def reopening(target: str = "triage") -> followup.ReferralReopened:
    return followup.ReferralReopened(cycle=2, target=followup.ReopenTarget(target), reason="new_facts")


# ── blocks ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_block_before_any_office_stops_it_outright_and_lifting_it_asks_a_person() -> None:
    work = holding(a_referral(State.UNDER_REVIEW))
    assert hear(work, a_block(), seq=4).state == "blocked"
    assert {timer.clock: timer.state for timer in work.clocks_of(REFERRAL)} == {"dispatch": "paused"}
    freed = hear(work, a_lift(4), seq=5)
    assert (freed.state, freed.review_reason) == ("under_review", "block_lifted")
    assert {timer.clock: timer.state for timer in work.clocks_of(REFERRAL)} == {"dispatch": "running"}
    (halted,) = stated(work)
    assert isinstance(halted, told.ReferralHalted)


@pytest.mark.parametrize("state", [state for state in State if state not in (State.OPENED, State.UNDER_REVIEW)])
def test_later_a_block_leaves_the_state_and_halts_it(state: State) -> None:
    work = holding(a_referral(state))
    assert hear(work, a_block()).state is state
    assert [halt.code for halt in work.standing_halts(REFERRAL)] == ["X_DV"]


def test_a_lift_frees_from_the_blocks_that_it_names_and_from_no_other() -> None:
    work = holding(a_referral(State.UNDER_REVIEW))
    hear(work, a_block("X_DV"), seq=4)
    hear(work, a_block("X_DV"), seq=5)
    assert hear(work, a_lift(4), seq=6).state == "blocked"
    assert [halt.seq for halt in work.standing_halts(REFERRAL)] == [5]
    assert hear(work, a_lift(5), seq=7).state == "under_review"


def halted(state: State) -> TriageWork:
    work = holding(a_referral(state))
    work.put_halt(Halt(REFERRAL, "intake", 4, "X_DV", THURSDAY))
    return work


def test_while_halted_nobody_is_contacted_handed_over_or_done_with() -> None:
    acts: list[Callable[[], object]] = [
        lambda: contact_parties(ContactParties(REFERRAL, "phone", (Contacted("applicant"),)), halted(State.SIGNED)),
        lambda: hand_over(HandOver(REFERRAL), halted(State.CONTACTED)),
        lambda: record_no_consent(RecordNoConsent(REFERRAL, THURSDAY), halted(State.CONTACTED)),
        lambda: record_self_resolved(RecordSelfResolved(REFERRAL), halted(State.CONTACTED)),
    ]
    for act in acts:
        with pytest.raises(GuardRefused, match="halted") as refusal:
            act()
        assert refusal.value.concerns == ("X_DV",)


def test_while_halted_an_office_may_still_sign() -> None:
    assert sign_referral(SignReferral(REFERRAL), halted(State.DISPATCHED)).state == "signed"


def test_a_referral_sent_again_while_halted_has_clocks_that_stand_still() -> None:
    work = holding(a_referral(State.NO_CONSENT))
    hear(work, a_block())
    assert hear(work, reopening()).state == "dispatched"
    assert work.clocks_of(REFERRAL)[-1].state == "paused"


# ── grades ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("repeats", "narrative", "grade"),
    [
        (0, None, "yellow"),
        (1, None, "orange"),
        (2, "还是为漏水争吵", "orange"),
        (2, "他拿菜刀威胁", "red"),
        (2, "互相推搡打了起来", "red"),
        (1, "互相推搡打了起来", "orange"),
        (0, "他拿菜刀威胁", "red"),
    ],
)
def test_further_calls_raise_the_grade_by_their_number_and_by_what_they_say(
    repeats: int, narrative: str | None, grade: str
) -> None:
    work = holding(a_referral(State.SIGNED))
    assert hear(work, a_call(repeats, narrative)).verdict.grade == grade
    changes = [event for event in stated(work) if isinstance(event, told.GradeChanged)]
    assert [(event.grade, event.previous, event.cause) for event in changes] == (
        [(grade, "yellow", "calls")] if grade != "yellow" else []
    )


@pytest.mark.parametrize("held", ["red", "orange", "yellow", "blue"])
@pytest.mark.parametrize("proposed", ["red", "orange", "yellow", "blue", None])
def test_a_visit_raises_the_grade_and_never_lowers_it(held: str, proposed: str | None) -> None:
    order = ["red", "orange", "yellow", "blue"]
    work = holding(a_referral(State.HANDED_TO_MEDIATION, grade=held))
    after = hear(work, a_visit(proposed)).verdict
    assert after.grade == min(held, proposed or held, key=order.index)
    assert after.needs_review is (after.grade != held)


# ── going on, closing, reopening ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("state", sorted(ENDED))
def test_reopened_for_triage_it_goes_to_its_office_again_with_a_hop_more(state: State) -> None:
    work = holding(a_referral(state, closing=Closing(1, THURSDAY, "no_consent")))
    again = hear(work, reopening())
    assert (again.state, again.hop, again.office_code, again.is_closed) == ("dispatched", 2, OFFICE, False)
    assert again.closing.cycle == 2
    assert names(work)[-1] == "ReferralDispatched"


def test_reopened_for_mediation_it_stays_where_it_is() -> None:
    work = holding(a_referral(State.HANDED_TO_MEDIATION, closing=Closing(1, THURSDAY, "agreement_performed")))
    again = hear(work, reopening("mediation"))
    assert (again.state, again.is_closed, names(work)) == ("handed_to_mediation", False, [])


@pytest.mark.parametrize("state", [state for state in State if state not in ENDED])
def test_what_is_under_way_is_not_sent_a_second_time(state: State) -> None:
    work = holding(a_referral(state))
    assert hear(work, reopening()).state is state
    assert names(work) == []


def test_what_never_had_an_office_waits_for_a_dispatcher_when_the_police_refer_it_again() -> None:
    work = holding(
        a_referral(State.BACK_TO_POLICE, office_code=None, hop=0, dispatched_at=None, scope_path="31/310109")
    )
    waiting = hear(work, intake.ReferredAgain(hop=1))
    assert (waiting.state, waiting.awaits_dispatch) == ("back_to_police", True)
    (clock_set,) = stated(work)
    assert isinstance(clock_set, told.DeadlineSet)


def test_the_police_s_decision_on_a_return_is_shown_and_moves_nothing() -> None:
    work = holding(a_referral(State.BACK_TO_POLICE))
    decided = intake.ReturnDecided.example()
    heard = hear(work, decided)
    assert (heard.state, heard.told.police_decision) == ("back_to_police", decided.decision)


def test_a_closing_is_followup_s_and_leaves_the_state() -> None:
    heard = hear(holding(a_referral(State.NO_CONSENT)), followup.ReferralClosed.example())
    assert (heard.state, heard.is_closed, heard.version) == ("no_consent", True, 1)


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (mediation.AgreementEffective.example().model_copy(update={"effective_at": LATER}), "met"),
        (mediation.AgreementEffective.example().model_copy(update={"effective_at": THURSDAY}), "met"),
        (
            mediation.AgreementEffective.example().model_copy(
                update={"effective_at": THURSDAY - timedelta(microseconds=1)}
            ),
            "running",
        ),
        (mediation.CaseTerminated.example(), "met"),
    ],
)
def test_an_agreement_or_an_end_meets_the_target_of_the_dispatch_it_belongs_to(event: PublicEvent, state: str) -> None:
    work = holding(a_referral(State.HANDED_TO_MEDIATION))
    hear(work, event)
    settle = work.find_clock(REFERRAL, "settle", "1")
    assert settle is not None
    assert settle.state == state


FLAGS: list[tuple[PublicEvent, dict[str, Any]]] = [
    (intake.CallCorrected.example(), {"corrections": 1}),
    (intake.CallWithdrawn.example(), {"withdrawn_at": STATED}),
    (mediation.ObligationBreached.example(), {"breached_at": STATED}),
    (followup.ReferralEscalated.example().model_copy(update={"level": 2}), {"escalation_level": 2}),
    (followup.SupervisionOrdered.example(), {"supervised_at": STATED}),
]


@pytest.mark.parametrize(("event", "shown"), FLAGS)
@pytest.mark.parametrize("state", State)
def test_what_is_only_to_be_seen_is_shown_in_any_state_and_no_page_gets_out_of_date(
    event: PublicEvent, shown: dict[str, Any], state: State
) -> None:
    before = a_referral(state)
    after = hear(holding(before), event)
    assert after == replace(before, told=replace(before.told, **shown))
