"""A consumer batch: one transaction in which every event is applied, passed over, parked or dropped as a duplicate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar
from uuid import UUID

import asyncpg
import structlog

from chassis.delivery.contracts import Contracts, Handlers
from chassis.delivery.crashes import CrashLedger, SuspectInHand
from chassis.delivery.dead_letters import DeadLetters
from chassis.delivery.gate import Arrival
from chassis.delivery.naming import NamedElsewhere, named_by, names_others
from chassis.delivery.quarantine import Quarantine, Unplaced
from chassis.delivery.rehearsal import Undone
from chassis.delivery.statements import Moved, ParkedChange
from chassis.delivery.turns import Batch, OnAny, Portion, Turns
from chassis.delivery.units import Units
from chassis.delivery.work import Work
from chassis.failpoints import failpoint
from chassis.metrics_counting import events_taken

W = TypeVar("W", bound=Work)
log = structlog.get_logger(__name__)

A_BACKLOG = 400  # arrivals; nearly what is read at once
DRAINED_AT_ONCE = 100
# The database refuses the data itself: the same batch would be refused for ever.
REFUSED_BY_DATA = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.CardinalityViolationError,  # one row twice in a statement: two events that claim the same thing
    asyncpg.ProgramLimitExceededError,  # a text that no index can hold
)


class Applier(Generic[W]):
    """Applies what the other services said, exactly once in effect and in causal order (DELIVERY §3)."""

    def __init__(
        self,
        units: Units[W],
        contracts: Contracts,
        handlers: Handlers | OnAny,
        quarantine: Quarantine,
        crashes: CrashLedger | None = None,
        *,
        on_moved: Callable[[Sequence[Moved]], None] = lambda moved: None,
    ) -> None:
        self._units, self._contracts, self._quarantine = units, contracts, quarantine
        self._dead_letters = DeadLetters(contracts)
        self._name, self._on_moved = units.statements.consumer, on_moved
        self._crashes = crashes or CrashLedger(units.database, units.statements.schema)
        self._turns: Turns[W] = Turns(contracts, handlers, partial(self._crashes.is_condemned, self._name))
        handled = {name: model for name, model in contracts.models.items() if name in self._turns.handlers}
        self._naming = {name: model for name, model in handled.items() if names_others(model)}

    async def apply(self, arrivals: Sequence[Arrival], unplaced: Sequence[Unplaced] = ()) -> None:
        """Returns when the batch is committed; raises what a later try may cure.

        A row that the database itself refuses is found by halving and parked as failed, so that its neighbours go on.
        """
        if unplaced:
            await self._quarantine.keep(unplaced)
            events_taken(self._name, {("unreadable", "quarantined"): len(unplaced)})
        if len(arrivals) >= A_BACKLOG and not self._crashes.is_wary:
            await self._apply_side_by_side(arrivals)
        elif arrivals:
            await self._apply_or_halve(Portion(arrivals))

    async def _apply_side_by_side(self, arrivals: Sequence[Arrival]) -> None:
        """Of a backlog two transactions at once, each referral in one of them: while the database works on one, the
        other is decided. Not after a death: then what was in hand is to be known.
        """
        parts: tuple[list[Arrival], list[Arrival]] = ([], [])
        for arrival in arrivals:
            parts[hash(arrival.referral_id) & 1].append(arrival)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._apply_or_halve(Portion(part))) for part in filter(None, parts)]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        for task in tasks:
            task.result()  # the group takes a cancelled one for done, and its half would be noted as read

    async def rehearse(self, arrivals: Sequence[Arrival]) -> None:
        """Everything a batch does but its commit; raises what the database raises."""
        named = self._named(arrivals)
        with suppress(Undone):
            async with self._units.transaction() as connection:
                batch = await self._open(connection, sorted(named), frozenset(), [], untouched=frozenset())
                for arrival in arrivals:
                    self._turns.take(arrival, batch)
                await self._write(connection, batch)
                raise Undone

    async def drain(self, referral_ids: Sequence[UUID]) -> None:
        """Tries what is parked for these referrals, as after an operator's retry or a new version's deploy."""
        wanted = sorted(set(referral_ids))
        for start in range(0, len(wanted), DRAINED_AT_ONCE):
            await self._apply_or_halve(Portion(drained=wanted[start : start + DRAINED_AT_ONCE]))

    async def _apply_singly(self, portion: Portion) -> None:
        """One event a transaction: whichever ends the process is then the only one that was in hand."""
        for arrival in portion.arrivals:
            await self._apply_or_halve(Portion([arrival], singly=True))
            await self._free_singly(sorted(self._named([arrival])))
        await self._free_singly(portion.drained)

    async def _free_singly(self, referral_ids: Sequence[UUID]) -> None:
        for referral_id in referral_ids:
            while await self._apply_or_halve(Portion(drained=[referral_id], singly=True)):
                pass

    async def _apply_or_halve(self, portion: Portion) -> bool:
        """Whether parked events had their turn in the end."""
        tried: list[UUID] = []
        try:
            return await self._apply_once(portion, frozenset(), tried)
        except SuspectInHand:
            if portion.size > 1:  # a suspect is to be alone in hand, and need not make its neighbours slow
                return any([await self._apply_or_halve(half) for half in portion.halves()])
            await self._apply_singly(portion)
            return False
        except REFUSED_BY_DATA as error:
            if portion.size == 1:
                return await self._apply_without_the_refused(portion, tried, error)
            return any([await self._apply_or_halve(half) for half in portion.halves()])

    async def _apply_without_the_refused(self, portion: Portion, tried: Sequence[UUID], error: Exception) -> bool:
        """One arrival may have freed several parked events: the last one handled is doomed first."""
        doomed = frozenset[UUID]()
        for event_id in reversed(tried):
            doomed |= {event_id}
            log.error("event_refused_by_database", error=type(error).__name__, doomed=len(doomed))
            try:
                return await self._apply_once(portion, doomed, [])
            except REFUSED_BY_DATA:
                continue
        raise error

    async def _apply_once(self, portion: Portion, doomed: frozenset[UUID], tried: list[UUID]) -> bool:
        """`tried` is filled with the events that went through a handler, for whoever must find the one at fault."""
        named = self._named(portion.arrivals) | set(portion.drained)
        while True:
            try:
                tried.clear()
                return await self._transact(portion, named, doomed, tried)
            except NamedElsewhere as more:
                named |= more.referral_ids

    async def _transact(self, portion: Portion, named: set[UUID], doomed: frozenset[UUID], tried: list[UUID]) -> bool:
        in_hand: set[UUID] = set()
        async with self._units.transaction() as connection:
            batch = await self._open(
                connection, sorted(named), doomed, tried, untouched=self._passed_over(portion.arrivals, named)
            )
            if self._crashes.is_wary:
                in_hand = self._turns.about_to_handle(portion, batch)
                if len(in_hand) > 1 and self._crashes.suspects_any(self._name, in_hand):
                    raise SuspectInHand
                if in_hand:
                    await self._crashes.take_in_hand(self._name, in_hand)
            for arrival in portion.arrivals:
                self._turns.take(arrival, batch, frees=not portion.singly)
            has_freed = self._turns.free(portion, batch)
            moved = await self._write(connection, batch)
        failpoint("consumer.after_commit")
        instants = [arrival.envelope.time for arrival in portion.arrivals if arrival.envelope.time]
        events_taken(self._name, batch.outcomes, oldest=min(instants, default=None))
        self._on_moved(moved)
        self._units.committed(batch.work)
        await self._crashes.survived(self._name, in_hand.union(tried))
        return has_freed

    async def _open(
        self,
        connection: asyncpg.Connection,
        referral_ids: Sequence[UUID],
        doomed: frozenset[UUID],
        tried: list[UUID],
        *,
        untouched: frozenset[UUID],
    ) -> Batch[W]:
        work, opened = await self._units.lock(connection, referral_ids, untouched=untouched)
        batch = Batch(work, doomed, tried)
        if opened.have_parked:
            with_parked = {referral_id: work.gates[referral_id] for referral_id in opened.have_parked}
            await self._units.statements.load_parked(connection, with_parked)
        for referral_id, gate in work.gates.items():
            batch.parked_before[referral_id] = dict(gate.parked)
            batch.positions_before[referral_id] = {name: p.last for name, p in gate.positions.items()}
        if more := self._named_by_parked(work) - work.gates.keys():
            raise NamedElsewhere(more)
        return batch

    async def _write(self, connection: asyncpg.Connection, batch: Batch[W]) -> list[Moved]:
        work, statements, moved = batch.work, self._units.statements, self._moved(batch)
        change = self._parked_change(batch)
        await statements.write_parked(connection, change)
        await self._dead_letters.copy(connection, work, change.added)
        failpoint("consumer.in_transaction")
        await self._units.finish(connection, work, moved)
        return moved

    def _moved(self, batch: Batch[W]) -> list[Moved]:
        return [
            (referral_id, producer, position)
            for referral_id, gate in sorted(batch.work.gates.items())
            for producer, position in sorted(gate.positions.items())
            if batch.positions_before[referral_id].get(producer, 0) != position.last
        ]

    def _parked_change(self, batch: Batch[W]) -> ParkedChange:
        added, removed = [], []
        for referral_id, gate in sorted(batch.work.gates.items()):
            before = batch.parked_before[referral_id]
            if not before and not gate.parked:
                continue
            removed += [(referral_id, *place) for place in sorted(before.keys() - gate.parked.keys())]
            for place in sorted(gate.parked):
                parked = gate.parked[place]
                if before.get(place) != parked:
                    added.append((parked, gate.needs(parked.arrival, consumed=self._contracts.consumed)))
        return ParkedChange(added, removed)

    def _passed_over(self, arrivals: Sequence[Arrival], named: set[UUID]) -> frozenset[UUID]:
        """Referrals of which the batch brings only facts that nobody here acts on: their rows need not be read."""
        others = {arrival.referral_id for arrival in arrivals if not self._turns.handles(arrival)}
        if not others:
            return frozenset()
        return frozenset(others & named) - self._named([one for one in arrivals if self._turns.handles(one)])

    def _named(self, arrivals: Iterable[Arrival]) -> set[UUID]:
        """The streams that events touch; a body that cannot be read names none and fails in its turn."""
        names: set[UUID] = set()
        for arrival in arrivals:
            names.add(arrival.referral_id)
            if (model := self._naming.get(arrival.envelope.type)) is not None:
                names |= named_by(model, arrival)
        return names

    def _named_by_parked(self, work: W) -> set[UUID]:
        return self._named(parked.arrival for gate in work.gates.values() for parked in gate.parked.values())
