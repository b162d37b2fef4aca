"""Facts that did not see one another come in any order, with one outcome: the streams of three producers, merged."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mediation_svc.domain.agreement import Obligation
from mediation_svc.domain.case import MediationCase
from mediation_svc.domain.states import CaseState
from mediation_svc.events import HANDLERS
from mediation_svc.store.work import MediationWork
from referral_schemas import followup, intake, triage
from referral_schemas.envelope import PublicEvent
from referral_schemas.registry import EVENTS
from support.mediation import DEBT, NOW, REFERRAL, a_case, an_agreement
from support.mediation_in_memory import a_work, outcome, tell


def told(model: type[PublicEvent], **changes: Any) -> PublicEvent:
    """The published example, with some fields changed."""
    body = json.loads(model.example().model_dump_json())
    return model.parse(json.dumps({**body, **changes}, default=str).encode())


INTAKE = [
    told(intake.CallLinked),
    told(intake.CallCorrected),
    told(intake.BlockSet, code="X_DV"),
    told(intake.BlockSet, code="X_CRIMINAL"),
    told(intake.BlockLifted, lifts=[3]),
    told(intake.CallWithdrawn),
]
TRIAGE = [
    told(triage.ReferralClassified, grade="yellow"),
    told(triage.ReferralDispatched, hop=1),
    told(triage.PartyContacted, hop=1, contacted_at=NOW),
    told(triage.GradeChanged, grade="orange"),
    told(triage.HandedToMediation, hop=1),
    told(triage.ReferralReclassified, category="medical"),
]
FOLLOWUP = [
    told(followup.SupervisionOrdered),
    told(followup.VisitRecorded),
    told(followup.SupervisionAnswered),
]


@st.composite
def merged(draw: st.DrawFn, *streams: list[PublicEvent]) -> list[PublicEvent]:
    """Each producer's own order stands; between them anything goes."""
    turns = draw(st.permutations([place for place, stream in enumerate(streams) for _ in stream]))
    queues = [iter(stream) for stream in streams]
    return [next(queues[place]) for place in turns]


def after(events: list[PublicEvent], case: MediationCase | None = None) -> dict[str, Any]:
    work = begun(case)
    tell(work, told(intake.ReferralOpened))
    for event in events:
        tell(work, event)
    return outcome(work)


def begun(case: MediationCase | None) -> MediationWork:
    work = a_work()
    if case is not None:
        work.cases.put(REFERRAL, case)
        work.mirrors.put(REFERRAL, work.mirror(REFERRAL).touched())
        work.keep()
    return work


@given(merged(INTAKE, TRIAGE, FOLLOWUP))
def test_the_streams_of_the_others_come_to_one_outcome_however_they_are_merged(events: list[PublicEvent]) -> None:
    assert after(events) == after([*INTAKE, *TRIAGE, *FOLLOWUP])


LATE: list[PublicEvent] = [
    told(intake.BlockSet, code="X_DV"),
    told(intake.CallLinked),
    told(intake.CallWithdrawn),
    told(triage.GradeChanged, grade="red"),
    told(triage.ReferralEnded, end="back_to_police", hop=1),
    told(triage.ReferralDispatched, hop=2),
    told(triage.PartyContacted, hop=2, contacted_at=NOW),
    told(triage.HandedToMediation, hop=2),
    told(followup.ReferralClosed, cycle=1),
    told(followup.ReferralReopened, cycle=2, target="mediation"),
    told(followup.ReferralReopened, cycle=2, target="triage"),
    told(followup.VisitRecorded, performance=[{"obligation_id": str(DEBT), "state": "not_performed"}]),
    told(followup.SupervisionOrdered),
]
SUSPENDED = a_case(CaseState.SUSPENDED, suspended_from=CaseState.IN_MEDIATION)
OWING = an_agreement(Obligation(DEBT, "payment"))
WITH_AGREEMENT = {
    CaseState.EFFECTIVE, CaseState.PERFORMING, CaseState.PERFORMED, CaseState.BREACHED, CaseState.BREACHED_TOLD,
}  # fmt: skip
CASES = [
    SUSPENDED if state is CaseState.SUSPENDED else a_case(state, agreement=OWING if state in WITH_AGREEMENT else None)
    for state in CaseState
    if state not in (CaseState.APPLIED, CaseState.REOPENED, CaseState.AGREED_ORAL)  # never at rest there
]


NEVER_APART = {triage.ReferralEnded, followup.ReferralReopened}


def producer(event: PublicEvent) -> str:
    return event.TYPE.split(".")[2]


def may_be_apart(first: PublicEvent, second: PublicEvent, case: MediationCase) -> bool:
    """What waits for consent is closed on triage's word alone: that end is then the cause of any reopening."""
    is_of_one_stream = producer(first) == producer(second)
    is_cause = case.state is CaseState.CONSENT_PENDING and {type(first), type(second)} == NEVER_APART
    return not is_of_one_stream and not is_cause


PAIRS = [
    pytest.param(first, second, case, id=f"{first.TYPE.split('.')[3]}-{second.TYPE.split('.')[3]}-{case.state}-{at}")
    for at, first in enumerate(LATE)
    for second in LATE[at + 1 :]
    for case in CASES
    if may_be_apart(first, second, case)
]


@pytest.mark.parametrize(("first", "second", "case"), PAIRS)
def test_any_two_facts_of_different_producers_commute_in_every_state(
    first: PublicEvent, second: PublicEvent, case: MediationCase
) -> None:
    assert after([first, second], case) == after([second, first], case)


@pytest.mark.parametrize("event", LATE, ids=lambda event: event.TYPE.split(".")[3])
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.state))
def test_no_fact_of_another_service_is_too_late_to_be_taken_in(event: PublicEvent, case: MediationCase) -> None:
    """Raising would park the referral for a person; nothing here is worth that."""
    after([event], case)


def test_everything_that_concerns_mediation_has_a_handler() -> None:
    """CONTRACTS §1, by hand: who acts on what."""
    expected = """referral_opened call_linked call_corrected call_withdrawn block_set block_lifted referral_classified
        referral_reclassified grade_changed referral_dispatched party_contacted handed_to_mediation referral_ended
        referral_reopened referral_closed visit_recorded supervision_ordered supervision_answered"""
    assert {model.TYPE.split(".")[3] for model in HANDLERS} == set(expected.split())
    assert all(EVENTS[model.TYPE] is model for model in HANDLERS)


def test_a_lift_frees_the_case_only_when_no_block_is_left() -> None:
    case = a_case()
    one = after([told(intake.BlockSet, code="X_DV"), told(intake.BlockSet, code="X_DV")], case)
    assert len(one["halts"]) == 2
    half = after([*(told(intake.BlockSet, code="X_DV") for _ in range(2)), told(intake.BlockLifted, lifts=[2])], case)
    assert len(half["halts"]) == 1
    free = after(
        [*(told(intake.BlockSet, code="X_DV") for _ in range(2)), told(intake.BlockLifted, lifts=[2, 3])], case
    )
    assert free["halts"] == set()


def test_a_block_holds_the_answer_that_is_due_and_not_the_limits_of_the_law() -> None:
    work = begun(None)
    for event in (told(intake.ReferralOpened), *TRIAGE[:3]):
        tell(work, event)
    work.start_clock(REFERRAL, "general_limit", "30d", rule="r", key="1")
    work.keep()
    tell(work, told(intake.BlockSet))
    states = {timer.clock: timer.state.value for timer in work.clocks_of(REFERRAL)}
    assert states == {"accept_or_decline": "paused", "general_limit": "running"}
    tell(work, told(intake.BlockLifted, lifts=[2]))
    assert {timer.state.value for timer in work.clocks_of(REFERRAL)} == {"running"}


def test_what_the_office_ended_before_acceptance_ends_without_a_word_of_ours() -> None:
    work = begun(replace(a_case(), file=None, accepted_at=None))
    before = len(work.numbered)
    tell(work, told(triage.ReferralEnded, end="back_to_police", hop=1))
    case = work.cases.find(REFERRAL)
    assert case is not None
    assert (case.state, case.terminated_for) == (CaseState.TERMINATED, "referral_ended")
    assert [event.recorded.model.TYPE for event in work.numbered[before:]] == []
