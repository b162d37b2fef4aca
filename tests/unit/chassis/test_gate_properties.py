"""The gate, against a plain model: whatever order events come in, their effects come in causal order, each once."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from chassis.delivery.gate import Arrival, ParkReason, ReferralGate, Verdict
from chassis.delivery.wire import Envelope
from chassis.ids import new_id
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

REFERRAL = new_id()
CONSUMED = frozenset({"intake", "triage", "mediation"})
OWN = "followup"


def an_event(producer: str, seq: int, after: Mapping[str, int] | None = None, event_id: UUID | None = None) -> Arrival:
    envelope = Envelope(
        event_id=event_id or new_id(), type=f"cn.liandong.{producer}.fact.v1", subject=REFERRAL, seq=seq,
        after=after or {}, causation_id=None, time=None,
    )  # fmt: skip
    return Arrival(producer, envelope, (), b"{}")


def a_gate() -> tuple[ReferralGate, list[tuple[str, int]]]:
    return ReferralGate(REFERRAL), []


def deliver(gate: ReferralGate, arrival: Arrival, applied: list[tuple[str, int]]) -> Verdict:
    """What the batch does with one arrival, in the words of DELIVERY §3."""
    verdict = gate.judge(arrival, service=OWN, consumed=CONSUMED)
    if verdict is Verdict.APPLY:
        gate.pass_over(arrival)
        applied.append(arrival.place)
        while (freed := gate.ready(service=OWN, consumed=CONSUMED)) is not None:
            gate.pass_over(freed)
            applied.append(freed.place)
    elif verdict is Verdict.WAIT:
        gate.park(arrival, ParkReason.WAITING)
    elif verdict is Verdict.CONFLICT:
        gate.park(arrival, ParkReason.CONFLICT)
    return verdict


@st.composite
def histories(draw: st.DrawFn) -> list[Arrival]:
    """A history that services could have written: each event names only positions that were already reached."""
    heads: dict[str, int] = {}
    written: list[Arrival] = []
    seen: dict[str, dict[str, int]] = {name: {} for name in CONSUMED}
    for _ in range(draw(st.integers(1, 14))):
        producer = draw(st.sampled_from(sorted(CONSUMED)))
        for other in sorted(CONSUMED - {producer}):
            known = seen[producer].get(other, 0)
            seen[producer][other] = draw(st.integers(known, heads.get(other, 0)))
        heads[producer] = heads.get(producer, 0) + 1
        after = {name: number for name, number in seen[producer].items() if number}
        written.append(an_event(producer, heads[producer], after))
    return written


@given(st.data())
@settings(deadline=None)
def test_any_order_of_arrival_gives_every_effect_once_and_after_its_causes(data: st.DataObject) -> None:
    history = data.draw(histories())
    copies = data.draw(st.lists(st.sampled_from(history), max_size=5))
    gate, applied = a_gate()
    for arrival in data.draw(st.permutations(history + copies)):
        deliver(gate, arrival, applied)
    assert sorted(applied) == sorted(arrival.place for arrival in history)
    assert not gate.parked
    order = {place: n for n, place in enumerate(applied)}
    for arrival in history:
        producer, seq = arrival.place
        causes = [(name, number) for name, number in arrival.envelope.after.items()]
        causes += [(producer, seq - 1)] if seq > 1 else []
        assert all(order[cause] < order[arrival.place] for cause in causes)


@given(st.data())
@settings(deadline=None)
def test_while_a_cause_is_missing_nothing_that_needs_it_has_effect(data: st.DataObject) -> None:
    history = data.draw(histories())
    missing = data.draw(st.sampled_from(history))
    gate, applied = a_gate()
    for arrival in data.draw(st.permutations(history)):
        if arrival is not missing:
            deliver(gate, arrival, applied)
    dependent = {missing.place}
    for arrival in history:  # in the order of writing, so that causes come before their effects
        producer, seq = arrival.place
        named = {(name, number) for name, upto in arrival.envelope.after.items() for number in range(1, upto + 1)}
        if (named | {(producer, seq - 1)}) & dependent:
            dependent.add(arrival.place)
    assert set(applied) == {arrival.place for arrival in history} - dependent
    assert set(gate.parked) == dependent - {missing.place}
    deliver(gate, missing, applied)
    assert len(applied) == len(history)


def test_a_hole_inside_one_batch_is_seen() -> None:
    gate, applied = a_gate()
    for seq in (1, 2, 3, 5):
        deliver(gate, an_event("intake", seq), applied)
    assert applied == [("intake", 1), ("intake", 2), ("intake", 3)]
    assert gate.needs(gate.parked[("intake", 5)].arrival, consumed=CONSUMED) == {"intake": 4}


def test_the_same_number_under_another_id_is_a_conflict_and_blocks_its_producer_only() -> None:
    gate, applied = a_gate()
    deliver(gate, an_event("intake", 1), applied)
    assert deliver(gate, an_event("intake", 1), applied) is Verdict.CONFLICT
    assert deliver(gate, an_event("intake", 2), applied) is Verdict.WAIT
    assert deliver(gate, an_event("triage", 1), applied) is Verdict.APPLY


def test_a_position_that_this_service_does_not_consume_is_not_waited_for() -> None:
    assert deliver(ReferralGate(REFERRAL), an_event("intake", 1, {"archive": 9}), []) is Verdict.APPLY


def test_an_answer_to_events_that_we_have_never_written_is_a_conflict() -> None:
    gate = ReferralGate(REFERRAL, head=2)
    assert deliver(gate, an_event("intake", 1, {OWN: 2}), []) is Verdict.APPLY
    assert deliver(gate, an_event("intake", 2, {OWN: 3}), []) is Verdict.CONFLICT


class GateParkingResend(RuleBasedStateMachine):
    """Two producers write; copies are lost, doubled and late; handlers fail; operators retry; lacks are resent.

    The model is a plain list of what each producer wrote: at any moment the applied events of a producer are a prefix
    of its list, and once everything is resent and retried, they are the whole list.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gate = ReferralGate(REFERRAL)
        self.written: dict[str, list[Arrival]] = {"intake": [], "triage": []}
        self.wire: list[Arrival] = []
        self.applied: list[tuple[str, int]] = []
        self.poisoned: set[UUID] = set()

    @rule(producer=st.sampled_from(["intake", "triage"]), knows=st.integers(0, 3), poison=st.booleans())
    def write(self, producer: str, knows: int, poison: bool) -> None:
        other = "triage" if producer == "intake" else "intake"
        floor = self.written[producer][-1].envelope.after.get(other, 0) if self.written[producer] else 0
        known = max(floor, len(self.written[other]) - knows, 0)
        arrival = an_event(producer, len(self.written[producer]) + 1, {other: known} if known else {})
        self.written[producer].append(arrival)
        self.wire.append(arrival)
        if poison and len(self.poisoned) < 2:
            self.poisoned.add(arrival.envelope.event_id)

    @precondition(lambda self: self.wire)
    @rule(data=st.data(), lose=st.booleans(), twice=st.booleans())
    def arrive(self, data: st.DataObject, lose: bool, twice: bool) -> None:
        arrival = self.wire.pop(data.draw(st.integers(0, len(self.wire) - 1)))
        for _ in range(0 if lose else 1 + twice):
            self._take(arrival)

    @rule(producer=st.sampled_from(["intake", "triage"]))
    def resend(self, producer: str) -> None:
        """What repair asks for: everything from the position on, with the first headers."""
        self.wire.extend(self.written[producer][self.gate.last(producer) :])

    @precondition(lambda self: self._failed())
    @rule(data=st.data())
    def cure_and_retry(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from(self._failed()))
        arrival = self.gate.parked[place].arrival
        self.poisoned.discard(arrival.envelope.event_id)
        self.gate.park(arrival, ParkReason.WAITING)
        self._free()

    @invariant()
    def applied_events_are_a_prefix_of_what_was_written(self) -> None:
        for producer, events in self.written.items():
            numbers = [seq for name, seq in self.applied if name == producer]
            assert numbers == list(range(1, len(numbers) + 1))
            assert self.gate.last(producer) == len(numbers) <= len(events)

    @invariant()
    def nothing_is_applied_before_its_causes(self) -> None:
        reached: dict[str, int] = {}
        for producer, seq in self.applied:
            after = self.written[producer][seq - 1].envelope.after
            assert all(reached.get(name, 0) >= number for name, number in after.items())
            reached[producer] = seq

    def teardown(self) -> None:
        self.poisoned.clear()
        for place in self._failed():
            self.gate.park(self.gate.parked[place].arrival, ParkReason.WAITING)
        for _ in range(2):
            for events in self.written.values():
                for arrival in events:
                    self._take(arrival)
        self._free()
        assert len(self.applied) == sum(len(events) for events in self.written.values())
        assert not self.gate.parked

    def _failed(self) -> list[tuple[str, int]]:
        return sorted(place for place, parked in self.gate.parked.items() if parked.reason is ParkReason.FAILED)

    def _take(self, arrival: Arrival) -> None:
        verdict = self.gate.judge(arrival, service=OWN, consumed=CONSUMED)
        assert verdict is not Verdict.CONFLICT
        if verdict is Verdict.APPLY:
            self._apply(arrival)
            self._free()
        elif verdict is Verdict.WAIT:
            self.gate.park(arrival, ParkReason.WAITING)

    def _free(self) -> None:
        while (freed := self.gate.ready(service=OWN, consumed=CONSUMED)) is not None:
            self._apply(freed)

    def _apply(self, arrival: Arrival) -> None:
        if arrival.envelope.event_id in self.poisoned:
            self.gate.park(arrival, ParkReason.FAILED)
        else:
            self.gate.pass_over(arrival)
            self.applied.append(arrival.place)


GateParkingResend.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestGateParkingResend = GateParkingResend.TestCase
