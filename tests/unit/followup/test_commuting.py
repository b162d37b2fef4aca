"""Facts that neither saw the other may come in either order: followup ends in one state, whichever came first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID

import pytest
from chassis.delivery.gate import Position, ReferralGate
from chassis.delivery.notices import Notice
from chassis.ids import new_id
from chassis.workdays import load_calendar
from followup_svc.domain.visit import VisitState
from followup_svc.domain.watch import WatchState
from followup_svc.events import HANDLERS
from followup_svc.rules.loading import load_rulebook
from followup_svc.store.work import FollowupWork
from hypothesis import given, settings
from hypothesis import strategies as st
from referral_schemas import intake, mediation, triage
from referral_schemas.agreements import FoundBy
from referral_schemas.envelope import PublicEvent
from referral_schemas.intake import LinkKind
from support.consumers import classified, dispatched, linked, opened
from support.watching import blocked, delivered, effective, ended, graded, lifted, performed, signed

RULES, CALENDAR = load_rulebook(), load_calendar()
AT = datetime(2026, 1, 6, 8, tzinfo=UTC)
REFERRAL, PROMISE, FACT = new_id(), new_id(), new_id()
PROMISES = [(PROMISE, date(2026, 2, 6))]


def repeat() -> intake.CallLinked:
    return linked(calls=3).model_copy(update={"kind": LinkKind.REPEAT})


def breached(model: Any, clock: str) -> PublicEvent:
    event: PublicEvent = model(clock=clock, due_at=AT, rule="r", calendar="none")
    return event


# What may happen at the same time in the three services, each list in any order that its own service could state.
FACTS: dict[str, PublicEvent] = {
    "repeat": repeat(),
    "block": blocked(),
    "lift": lifted(2),
    "referred_again": intake.ReferredAgain(hop=2),
    "delivered": delivered(FACT, "signed", awaits=True),
    "waived": intake.FeedbackWaived.model_validate(
        {"milestone": "signed", "fact_id": FACT, "by": "x", "reason": "y"}, strict=False
    ),
    "intake_breach": breached(intake.DeadlineBreached, "feedback"),
    "graver": graded("orange"),
    "lighter": graded("blue", cause="person"),
    "reclassified": triage.ReferralReclassified.model_validate(
        {"category": "family", "previous": "neighbour", "grade": "yellow", "decision_id": new_id(), "reason": "x"},
        strict=False,
    ),
    "dispatched": dispatched("310109009-SFS", hop=2),
    "signed": signed(),
    "ended": ended(),
    "triage_breach": breached(triage.DeadlineBreached, "sign_for"),
    "accepted": mediation.CaseAccepted(file_no="1", accepted_at=AT, clocks=()),
    "effective": effective([(new_id(), date(2026, 3, 6))], at=AT),
    "terminated": mediation.CaseTerminated(reason="x", remedies_informed_at=AT),
    "case_reopened": mediation.CaseReopened(reason="x", cycle=2),
    "performed": performed(PROMISE),
    "breach": mediation.ObligationBreached(obligation_ids=(PROMISE,), found_by=FoundBy.PARTY),
    "told": mediation.BreachTold(obligation_ids=(PROMISE,), remedies_informed_at=AT),
    "mediation_breach": breached(mediation.DeadlineBreached, "accept_or_decline"),
}
BEFORE: dict[str, list[PublicEvent]] = {
    "dispatched": [],
    "agreed": [effective(PROMISES, at=AT)],
    "ended": [ended()],
    "halted": [blocked(), effective(PROMISES, at=AT)],
    "orange": [graded("orange"), effective(PROMISES, at=AT)],
}
PLACES = {name: place for place, name in enumerate(FACTS)}


def producer_of(event: PublicEvent) -> str:
    return event.TYPE.split(".")[2]


CONCURRENT = [
    pair for pair in combinations(FACTS, 2) if producer_of(FACTS[pair[0]]) != producer_of(FACTS[pair[1]])
]  # fmt: skip


class Course:
    """One referral in memory: facts are handled as the runtime does, with no database beneath."""

    def __init__(self) -> None:
        self.work = FollowupWork(AT + timedelta(days=30), CALENDAR, RULES)
        self.work.gates = {REFERRAL: ReferralGate(REFERRAL)}
        self.ids: dict[int, UUID] = {}

    def state(self, event: PublicEvent, *, at: datetime, event_id: UUID) -> None:
        gate, producer = self.work.gates[REFERRAL], producer_of(event)
        self.work.begin_event(REFERRAL, event_id, at)
        HANDLERS[type(event)](event, self.work)
        gate.positions[producer] = Position(gate.last(producer) + 1, event_id)
        self.work.keep()

    def close(self) -> None:
        """As the gate would have: what is late is late whatever was checked before."""
        watch = self.work.watches.find(REFERRAL)
        assert watch is not None
        if watch.state is WatchState.ANCHORED:
            self.work.watches.put(REFERRAL, watch.closed("agreed", at=self.work.now))
            self.work.keep()

    def seen(self) -> dict[str, Any]:
        work, watch = self.work, self.work.watches.find(REFERRAL)
        assert watch is not None
        slots = {str(visit.visit_id): visit.slot for visit in work.visits.of(REFERRAL)}
        return {
            "watch": watch._replace(plan_version=None),
            "noted": work.noted.find(REFERRAL),
            "visits": sorted(
                (v.cycle, v.slot, v.due_at, v.state, v.mandatory)
                for v in work.visits.of(REFERRAL)
                if v.state is not VisitState.CANCELLED
            ),
            "obligations": {o.obligation_id: o.state for o in work.obligations.of(REFERRAL)},
            "milestones": {m.fact_id: (m.milestone, m.state, m.awaits) for m in work.milestones.of(REFERRAL)},
            "halts": {(h.producer, h.seq): h.stands for h in work.halts.of(REFERRAL)},
            "reminders": sorted((r.producer, r.clock, r.is_met, r.level) for r in work.reminders.of(REFERRAL)),
            "clocks": sorted(
                (timer.clock, slots.get(timer.key, timer.key), timer.state, timer.due_at)
                for timer in work.clocks_of(REFERRAL)
                if timer.state != "cancelled"
            ),
            "reopened": sum("reopened" in event.recorded.model.TYPE for event in work.numbered),
            "told": sorted(one.event_type for one in work.told if isinstance(one, Notice)),
        }


def run(before: str, names: Sequence[str], *, is_closed: bool) -> dict[str, Any]:
    course = Course()
    start = [opened(), classified(), dispatched(), *BEFORE[before]]
    for place, event in enumerate(start):
        course.state(event, at=AT + timedelta(minutes=place), event_id=UUID(int=1000 + place))
    if is_closed:
        course.close()
    for name in names:
        place = PLACES[name]
        course.state(FACTS[name], at=AT + timedelta(days=1, minutes=place * 7 % 23), event_id=UUID(int=2000 + place))
    return course.seen()


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("before", BEFORE)
def test_every_pair_of_concurrent_facts_has_one_outcome(before: str, is_closed: bool) -> None:
    differing = [
        pair
        for pair in CONCURRENT
        if run(before, pair, is_closed=is_closed) != run(before, pair[::-1], is_closed=is_closed)
    ]
    assert differing == []


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(list(BEFORE)),
    st.lists(st.sampled_from(list(FACTS)), min_size=3, max_size=6, unique=True),
    st.randoms(use_true_random=False),
)
def test_any_interleaving_of_three_streams_has_one_outcome(before: str, names: list[str], chance: Any) -> None:
    """Each service's own facts keep their order; how the three are mixed is chance."""
    streams = {who: [n for n in names if producer_of(FACTS[n]) == who] for who in ("intake", "triage", "mediation")}
    ordered = [name for stream in streams.values() for name in stream]
    mixed: list[str] = []
    left = {who: list(stream) for who, stream in streams.items() if stream}
    while left:
        who = chance.choice(sorted(left))
        mixed.append(left[who].pop(0))
        if not left[who]:
            del left[who]
    assert run(before, ordered, is_closed=False) == run(before, mixed, is_closed=False)


def test_the_comparison_would_notice_an_order_that_matters() -> None:
    """Two facts of one service do not commute, and need not: the gate keeps their order."""
    assert run("agreed", ["breach", "told"], is_closed=False) != run("agreed", ["told", "breach"], is_closed=False)
