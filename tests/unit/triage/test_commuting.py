"""Facts that did not see one another may come in either order: one outcome (DELIVERY §3)."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from referral_schemas import followup, intake, mediation
from referral_schemas.envelope import PublicEvent
from triage_svc.domain.halts import Halt
from triage_svc.domain.states import State
from triage_svc.store.work import TriageWork
from unit.triage.test_hearing import LATER, a_block, a_call, a_lift, a_visit, hear, reopening
from unit.triage.working import REFERRAL, THURSDAY, a_referral, holding

FACTS: dict[str, dict[str, PublicEvent]] = {
    "intake": {
        "call": a_call(1),
        "grave call": a_call(2, "他拿菜刀威胁"),
        "correction": intake.CallCorrected.example(),
        "withdrawal": intake.CallWithdrawn.example(),
        "block": a_block(),
        "lift": a_lift(2),
        "return decided": intake.ReturnDecided.example(),
        "referred again": intake.ReferredAgain(hop=2),
    },
    "mediation": {
        "agreement": mediation.AgreementEffective.example().model_copy(update={"effective_at": THURSDAY}),
        "termination": mediation.CaseTerminated.example(),
        "breach": mediation.ObligationBreached.example(),
    },
    "followup": {
        "visit": a_visit("orange"),
        "grave visit": a_visit("red"),
        "calm visit": a_visit("blue"),
        "reopened": reopening(),
        "reopened for mediation": reopening("mediation"),
        "closed": followup.ReferralClosed.example(),
        "escalated": followup.ReferralEscalated.example(),
        "supervised": followup.SupervisionOrdered.example(),
    },
}
PAIRS = [
    (one, other)
    for first, second in combinations(FACTS, 2)
    for one in FACTS[first].items()
    for other in FACTS[second].items()
]


def before(state: State, *, is_halted: bool, **changes: Any) -> TriageWork:
    work = holding(a_referral(state, **changes), at=LATER)
    if is_halted:
        work.put_halt(Halt(REFERRAL, "intake", 2, "X_MASS", THURSDAY))
        work.pause(REFERRAL, "halted")
        work.keep()
    return work


def outcome(work: TriageWork) -> tuple[Any, ...]:
    """The referral, what holds it, and its clocks; a clock that is over may remember other pauses."""
    work.keep()
    clocks = [
        (timer.name, timer.state, timer.due_at if timer.state in ("running", "paused") else timer.ended_at)
        for timer in work.clocks_of(REFERRAL)
        if timer.state != "cancelled"
    ]
    return work.referrals.get(REFERRAL), work.standing_halts(REFERRAL), clocks


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda pair: str(pair[0]))
@pytest.mark.parametrize("is_halted", [False, True])
def test_two_facts_of_different_services_come_to_the_same_in_both_orders(
    one: tuple[str, PublicEvent], other: tuple[str, PublicEvent], is_halted: bool
) -> None:
    for state in State:
        if is_halted and state in (State.OPENED, State.UNDER_REVIEW):
            continue  # a halt would have blocked it
        first, second = before(state, is_halted=is_halted), before(state, is_halted=is_halted)
        for event in (one[1], other[1]):
            hear(first, event)
        for event in (other[1], one[1]):
            hear(second, event)
        assert outcome(first) == outcome(second), state


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_interleaving_of_three_services_facts_comes_to_the_same(data: st.DataObject) -> None:
    """Each service's own facts keep their order; the services' streams interleave as they like."""
    state = data.draw(st.sampled_from(sorted(State)))
    streams = {
        service: [facts[name] for name in data.draw(st.lists(st.sampled_from(sorted(facts)), max_size=4))]
        for service, facts in FACTS.items()
    }
    total = [service for service, events in streams.items() for _ in events]
    results = []
    for order in (data.draw(st.permutations(total)), data.draw(st.permutations(total))):
        work, left, seqs = (
            before(state, is_halted=False),
            {k: list(v) for k, v in streams.items()},
            dict.fromkeys(FACTS, 2),
        )
        for service in order:
            seqs[service] += 1
            hear(work, left[service].pop(0), seq=seqs[service])
        results.append(outcome(work))
    assert results[0] == results[1]
