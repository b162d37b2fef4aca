"""Facts that neither knew the other come in either order: what intake makes of them is the same (DELIVERY §3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from chassis.delivery.gate import ReferralGate
from chassis.workdays import load_calendar
from hypothesis import given, settings
from hypothesis import strategies as st
from intake_svc.domain.call import Call, CallId, CallState, ReferralId
from intake_svc.events import handlers
from intake_svc.main import work_maker
from intake_svc.rules.loading import load_rules
from intake_svc.store.work import IntakeWork
from referral_schemas import followup, mediation, triage

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
REFERRAL, CALL = UUID(int=1), UUID(int=2)
RULES = load_rules()
HANDLERS = handlers(RULES.desk.sources)
MAKE_WORK = work_maker(RULES, load_calendar())

_signed = triage.ReferralSigned.example()
_ended = triage.ReferralEnded.example()
# One producer's facts keep their order; between producers any order may come.
FACTS: st.SearchStrategy[tuple[list[Any], ...]] = st.tuples(
    st.lists(
        st.sampled_from(
            [
                _signed,
                _signed.model_copy(update={"hop": 2}),
                _ended,
                _ended.model_copy(update={"end": triage.End.BACK_TO_POLICE, "hop": 1}),
                _ended.model_copy(update={"end": triage.End.BACK_TO_POLICE, "hop": 2}),
            ]
        ),
        max_size=3,
    ),
    st.lists(
        st.sampled_from(
            [
                mediation.CaseAccepted.example(),
                mediation.AgreementEffective.example(),
                mediation.CaseTerminated.example(),
            ]
        ),
        max_size=3,
    ),
    st.lists(st.sampled_from([followup.ReferralClosed.example()]), max_size=2),
)


def a_call() -> Call:
    return Call(
        call_id=CallId(CALL),
        source="hongkou-110",
        call_no="1",
        referral_id=ReferralId(REFERRAL),
        tracking_code="LD-7K3M9-QX2TB-J",
        state=CallState.REFERRED,
        version=1,
        reported_at=NOW,
        received_at=NOW,
        opened_at=NOW,
    )


def after(facts: Sequence[tuple[UUID, Any]]) -> Any:
    """What stands once these facts have come in this order, but for the numbers that only tell the order."""
    work: IntakeWork = MAKE_WORK(NOW)
    work.gates = {REFERRAL: ReferralGate(REFERRAL)}
    work.calls.load(CallId(CALL), a_call())
    work._own[REFERRAL] = CallId(CALL)
    for event_id, fact in facts:
        work.begin_event(REFERRAL, event_id, NOW + timedelta(seconds=event_id.int))
        HANDLERS[type(fact)](fact, work)
        work.keep()
    call = work.calls.get(CallId(CALL))
    told = {replace(one, version=0, notice_id=None) for one in work.feedback_of(CallId(CALL))}
    clocks = {timer.name: timer for timer in work.clocks_of(REFERRAL)}
    stated = sorted((event.recorded.model.TYPE, str(event.recorded.causation_id)) for event in work.numbered)
    return call, told, clocks, stated, len(work.told)


@st.composite
def two_orders(draw: st.DrawFn) -> tuple[list[Any], list[Any]]:
    producers = [
        [(UUID(int=100 * (producer + 1) + place), fact) for place, fact in enumerate(facts)]
        for producer, facts in enumerate(draw(FACTS))
    ]

    def an_order() -> list[Any]:
        rest, taken = [list(one) for one in producers], []
        while any(rest):
            taken.append(draw(st.sampled_from([one for one in rest if one])).pop(0))
        return taken

    return an_order(), an_order()


@settings(max_examples=300, deadline=None)
@given(two_orders())
def test_facts_of_different_producers_commute(orders: tuple[list[Any], list[Any]]) -> None:
    one, other = orders
    assert after(one) == after(other)


@settings(max_examples=50, deadline=None)
@given(two_orders())
def test_every_fact_is_told_once_even_when_it_comes_again(orders: tuple[list[Any], list[Any]]) -> None:
    facts, _ = orders
    _, told, _, _, notices = after([*facts, *facts])
    assert len(told) == notices == len(facts)
    assert {one.fact_id for one in told} == {event_id for event_id, _ in facts}
