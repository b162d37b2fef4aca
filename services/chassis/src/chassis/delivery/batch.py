"""A consumer batch: one transaction in which every event is applied, passed over, parked or dropped as a duplicate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

import asyncpg
import structlog

from chassis.delivery.contracts import Contracts, EventModel, Handlers
from chassis.delivery.dead_letters import DeadLetters
from chassis.delivery.gate import Arrival, Parked, ParkReason, ReferralGate, Verdict
from chassis.delivery.quarantine import Quarantine, Unplaced
from chassis.delivery.rehearsal import Undone
from chassis.delivery.statements import ParkedChange
from chassis.delivery.units import Units
from chassis.delivery.work import Work
from chassis.failpoints import failpoint

W = TypeVar("W", bound=Work)
OnAny: TypeAlias = Callable[[Arrival, Any], None]
log = structlog.get_logger(__name__)

# The database refuses the data itself: the same batch would be refused for ever.
DRAINED_AT_ONCE = 100
REFUSED_BY_DATA = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)


@dataclass
class _Batch(Generic[W]):
    """What one transaction knows while it goes through its events."""

    work: W
    doomed: frozenset[UUID]
    tried: list[UUID]
    parked_before: dict[UUID, dict[tuple[str, int], Parked]] = field(default_factory=dict)
    positions_before: dict[UUID, dict[str, int]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


class Applier(Generic[W]):
    """Applies what the other services said, exactly once in effect and in causal order (DELIVERY §3)."""

    def __init__(
        self, units: Units[W], contracts: Contracts, handlers: Handlers | OnAny, quarantine: Quarantine
    ) -> None:
        self._units, self._contracts, self._quarantine = units, contracts, quarantine
        self._on_any: OnAny | None = handlers if callable(handlers) else None
        self._handlers = {} if callable(handlers) else {model.TYPE: handler for model, handler in handlers.items()}
        self._dead_letters = DeadLetters(contracts)
        self.counts: Counter[str] = Counter()

    @property
    def acts(self) -> bool:
        """Whether this service acts on any event; one that only moves its positions need not hurry."""
        return bool(self._handlers or self._on_any)

    async def apply(self, arrivals: Sequence[Arrival], unplaced: Sequence[Unplaced] = ()) -> None:
        """Returns when the batch is committed; raises what a later try may cure.

        A row that the database itself refuses is found by halving and parked as failed, so that its neighbours go on.
        """
        if unplaced:
            await self._quarantine.keep(unplaced)
        if arrivals:
            await self._apply_or_halve(arrivals, ())

    async def rehearse(self, arrivals: Sequence[Arrival]) -> None:
        """Everything a batch does but its commit; raises what the database raises."""
        named = {referral_id for arrival in arrivals for referral_id in self._named(arrival)}
        with suppress(Undone):
            async with self._units.transaction() as connection:
                batch = await self._open(connection, sorted(named), frozenset(), [], untouched=frozenset())
                for arrival in arrivals:
                    self._take(arrival, batch)
                await self._write(connection, batch)
                raise Undone

    async def drain(self, referral_ids: Sequence[UUID]) -> None:
        """Tries what is parked for these referrals, as after an operator's retry or a new version's deploy."""
        wanted = sorted(set(referral_ids))
        for start in range(0, len(wanted), DRAINED_AT_ONCE):
            await self._apply_or_halve((), wanted[start : start + DRAINED_AT_ONCE])

    async def _apply_or_halve(self, arrivals: Sequence[Arrival], drained: Sequence[UUID]) -> None:
        tried: list[UUID] = []
        try:
            await self._apply_once(arrivals, drained, frozenset(), tried)
        except REFUSED_BY_DATA as error:
            for some_arrivals, some_drained in _halves(arrivals, drained):
                await self._apply_or_halve(some_arrivals, some_drained)
            if len(arrivals) + len(drained) == 1:
                await self._apply_without_the_refused(arrivals, drained, tried, error)

    async def _apply_without_the_refused(
        self, arrivals: Sequence[Arrival], drained: Sequence[UUID], tried: Sequence[UUID], error: Exception
    ) -> None:
        """One arrival may have freed several parked events: the last one handled is doomed first."""
        doomed = frozenset[UUID]()
        for event_id in reversed(tried):
            doomed |= {event_id}
            log.error("event_refused_by_database", error=type(error).__name__, doomed=len(doomed))
            try:
                return await self._apply_once(arrivals, drained, doomed, [])
            except REFUSED_BY_DATA:
                continue
        raise error

    async def _apply_once(
        self, arrivals: Sequence[Arrival], drained: Sequence[UUID], doomed: frozenset[UUID], tried: list[UUID]
    ) -> None:
        """`tried` is filled with the events that went through a handler, for whoever must find the one at fault."""
        named = {referral_id for arrival in arrivals for referral_id in self._named(arrival)} | set(drained)
        while True:
            try:
                tried.clear()
                return await self._transact(arrivals, named, doomed, tried)
            except NamedElsewhere as more:
                named |= more.referral_ids

    async def _transact(
        self, arrivals: Sequence[Arrival], named: set[UUID], doomed: frozenset[UUID], tried: list[UUID]
    ) -> None:
        async with self._units.transaction() as connection:
            batch = await self._open(
                connection, sorted(named), doomed, tried, untouched=self._passed_over(arrivals, named)
            )
            for arrival in arrivals:
                self._take(arrival, batch)
            for gate in batch.work.gates.values():
                self._free_parked(gate, batch)
            await self._write(connection, batch)
        failpoint("consumer.after_commit")
        self.counts.update(batch.counts)
        self._units.committed(batch.work)

    async def _open(
        self,
        connection: asyncpg.Connection,
        referral_ids: Sequence[UUID],
        doomed: frozenset[UUID],
        tried: list[UUID],
        *,
        untouched: frozenset[UUID],
    ) -> _Batch[W]:
        work, opened = await self._units.lock(connection, referral_ids, untouched=untouched)
        batch = _Batch(work, doomed, tried)
        if opened.have_parked:
            with_parked = {referral_id: work.gates[referral_id] for referral_id in opened.have_parked}
            await self._units.statements.load_parked(connection, with_parked)
        for referral_id, gate in work.gates.items():
            batch.parked_before[referral_id] = dict(gate.parked)
            batch.positions_before[referral_id] = {name: p.last for name, p in gate.positions.items()}
        if more := self._named_by_parked(work) - work.gates.keys():
            raise NamedElsewhere(more)
        return batch

    def _take(self, arrival: Arrival, batch: _Batch[W]) -> None:
        gate = batch.work.gates[arrival.referral_id]
        verdict = gate.judge(arrival, service=self._contracts.service, consumed=self._contracts.consumed)
        batch.counts[verdict] += 1
        if verdict is Verdict.APPLY:
            self._apply(arrival, gate, batch)
            self._free_parked(gate, batch)
        elif verdict is Verdict.WAIT:
            gate.park(arrival, ParkReason.WAITING)
        elif verdict is Verdict.CONFLICT:
            self._park_conflict(arrival, gate)

    def _free_parked(self, gate: ReferralGate, batch: _Batch[W]) -> None:
        while gate.parked:
            arrival = gate.ready(service=self._contracts.service, consumed=self._contracts.consumed)
            if arrival is None:
                return
            self._apply(arrival, gate, batch)

    def _apply(self, arrival: Arrival, gate: ReferralGate, batch: _Batch[W]) -> None:
        event_type = arrival.envelope.type
        if self._on_any is None and self._contracts.is_unknown_version(event_type):
            gate.park(arrival, ParkReason.UNKNOWN_VERSION, event_type)
            return
        handler = self._handlers.get(event_type)
        if handler is None and self._on_any is None:
            batch.counts["passed_over"] += 1
            gate.pass_over(arrival)
            return
        work = batch.work
        work.begin_event(arrival.referral_id, arrival.envelope.event_id, arrival.envelope.time)
        batch.tried.append(arrival.envelope.event_id)
        try:
            failpoint(f"handler.{event_type}")
            if arrival.envelope.event_id in batch.doomed:
                raise ValueError("the database refuses what this event would write")
            if handler is not None:
                handler(self._contracts.models[event_type].parse(arrival.body), work)
            elif self._on_any is not None:
                self._on_any(arrival, work)
        except Exception as error:  # the event is parked as failed, its stream waits, the rest of the batch goes on
            work.forget()
            gate.park(arrival, ParkReason.FAILED, type(error).__name__)
            batch.counts["failed"] += 1
            log.error("event_failed", type=event_type, referral_id=str(arrival.referral_id), error=type(error).__name__)
        else:
            gate.pass_over(arrival)
            work.keep()

    def _park_conflict(self, arrival: Arrival, gate: ReferralGate) -> None:
        """Another event under a number that is taken: a restored producer, or a restored self. A person must look."""
        log.error("event_conflict", producer=arrival.producer, referral_id=str(gate.referral_id))
        standing = gate.parked.get(arrival.place)
        kept = standing.arrival if standing else arrival
        gate.park(kept, ParkReason.CONFLICT, f"also {arrival.envelope.event_id}")

    async def _write(self, connection: asyncpg.Connection, batch: _Batch[W]) -> None:
        work, statements = batch.work, self._units.statements
        change = self._parked_change(batch)
        await statements.write_parked(connection, change)
        await self._dead_letters.copy(connection, work, change.added)
        await statements.write_positions(connection, self._moved(batch))
        failpoint("consumer.in_transaction")
        await self._units.finish(connection, work)

    def _moved(self, batch: _Batch[W]) -> list[Any]:
        return [
            (referral_id, producer, position)
            for referral_id, gate in sorted(batch.work.gates.items())
            for producer, position in sorted(gate.positions.items())
            if batch.positions_before[referral_id].get(producer, 0) != position.last
        ]

    def _parked_change(self, batch: _Batch[W]) -> ParkedChange:
        added, removed = [], []
        for referral_id, gate in sorted(batch.work.gates.items()):
            before = batch.parked_before[referral_id]
            removed += [(referral_id, *place) for place in sorted(before.keys() - gate.parked.keys())]
            for place in sorted(gate.parked):
                parked = gate.parked[place]
                if before.get(place) != parked:
                    added.append((parked, gate.needs(parked.arrival, consumed=self._contracts.consumed)))
        return ParkedChange(added, removed)

    def _passed_over(self, arrivals: Sequence[Arrival], named: set[UUID]) -> frozenset[UUID]:
        """Referrals of which the batch brings only facts that nobody here acts on: their rows need not be read."""
        if self._on_any is not None:
            return frozenset()
        acted_on = [arrival for arrival in arrivals if arrival.envelope.type in self._handlers]
        others = {arrival.referral_id for arrival in arrivals if arrival.envelope.type not in self._handlers}
        return frozenset(others & named) - {referral_id for one in acted_on for referral_id in self._named(one)}

    def _named(self, arrival: Arrival) -> set[UUID]:
        """The streams an event touches; a body that cannot be read names none and fails in its turn."""
        model = self._contracts.models.get(arrival.envelope.type)
        names = {arrival.referral_id}
        if model is not None and arrival.envelope.type in self._handlers and names_others(model):
            names |= named_by(model, arrival.body)
        return names

    def _named_by_parked(self, work: W) -> set[UUID]:
        return {
            referral_id
            for gate in work.gates.values()
            for parked in gate.parked.values()
            for referral_id in self._named(parked.arrival)
        }


class NamedElsewhere(Exception):
    """Parked events name referrals that this transaction has not locked: begin again with these too."""

    def __init__(self, referral_ids: set[UUID]) -> None:
        super().__init__(f"{len(referral_ids)} more referrals named")
        self.referral_ids = referral_ids


def _halves(arrivals: Sequence[Arrival], drained: Sequence[UUID]) -> list[tuple[Sequence[Arrival], Sequence[UUID]]]:
    """In order; nothing for what cannot be halved any more."""
    middle = (len(arrivals) + len(drained)) // 2
    if middle == 0:
        return []
    if drained:
        return [((), drained[:middle]), ((), drained[middle:])]
    return [(arrivals[:middle], ()), (arrivals[middle:], ())]


@cache
def names_others(model: type[EventModel]) -> bool:
    """Whether a model has a `named_referrals` of its own: only then must a body be read before the locks."""
    return sum("named_referrals" in base.__dict__ for base in model.__mro__) > 1


def named_by(model: type[EventModel], body: bytes) -> set[UUID]:
    try:
        return set(model.parse(body).named_referrals())
    except ValueError:  # pydantic's ValidationError too: the handler's turn will park it as failed
        return set()
