"""Comparison by heads: what each producer has written against what this consumer has applied."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from chassis.clock import Clock
from chassis.database import Database
from chassis.delivery.lacks import Lack, LackStore
from chassis.delivery.peers import Heads, Peers
from chassis.delivery.restore_following import Following
from chassis.delivery.slices import AlreadyCompared, Slices

log = structlog.get_logger(__name__)

OVERLAP = timedelta(minutes=10)
AFTER_LOSS = timedelta(days=7)
MOST_LACKS = 10_000
RESTS = 3  # times what a page took


@dataclass(frozen=True)
class Compared:
    """What one comparison found; `as_of` is the producer's clock at its beginning, `slices` what it has looked at, as
    far as that may be passed over the next time."""

    lacks: list[Lack] = field(default_factory=list)
    restored: int = 0
    loss: int = 0
    as_of: datetime | None = None
    adopted: int = 0
    slices: Slices | None = None


class Comparison:
    """Finds lost tails, which leave no gap, and restored producers, which wrote other events under known numbers."""

    def __init__(self, peers: Peers, store: LackStore, database: Database, schema: str, clock: Clock, consumer: str):
        self._peers, self._store, self._database, self._clock, self._consumer = peers, store, database, clock, consumer
        self._following = Following(peers, database, schema, consumer)
        self._compared = AlreadyCompared()
        self._read = (
            f"SELECT succeeded_at, loss_seen, adopted FROM {schema}.comparison WHERE consumer = $1 AND producer = $2"
        )
        self._write = f"""
            INSERT INTO {schema}.comparison (consumer, producer, succeeded_at, loss_seen, distrusted)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (consumer, producer) DO UPDATE SET succeeded_at = EXCLUDED.succeeded_at,
                loss_seen = EXCLUDED.loss_seen, distrusted = coalesce(comparison.distrusted, EXCLUDED.distrusted)
        """
        self._distrust = f"""
            UPDATE {schema}.comparison SET distrusted = coalesce(distrusted, $3) WHERE consumer = $1 AND producer = $2
        """
        self._distrusted = f"SELECT producer FROM {schema}.comparison WHERE consumer = $1 AND distrusted IS NOT NULL"

    async def distrusted(self) -> set[str]:
        """Producers from which nothing more is applied until a person has adopted their restored state."""
        async with self._database.connection() as connection:
            return {row[0] for row in await connection.fetch(self._distrusted, self._consumer)}

    async def compare(self, producer: str, *, broker_lost_data: bool) -> Compared:
        """Streams in which the producer stands above us; raises httpx.HTTPError when it does not answer.

        Nothing is noted as done yet: first the lacks must be kept, then `note`.
        """
        async with self._database.connection() as connection:
            row = await connection.fetchrow(self._read, self._consumer, producer)
        succeeded_at, loss_seen, adopted = row or (None, 0, 0)
        if succeeded_at is None or broker_lost_data:
            usual = succeeded_at and min(succeeded_at - OVERLAP, self._clock.now() - AFTER_LOSS)
            found = await self._page_through(producer, usual)
        else:
            found = await self._look_at_changes(producer, succeeded_at)
        if found.adopted > adopted:
            await self._following.follow(producer, adopted, found.adopted)
            found = await self._page_through(producer, None)
        behind = succeeded_at is not None and found.as_of is not None and found.as_of < succeeded_at - OVERLAP
        if behind or (found.loss > loss_seen and not broker_lost_data):
            log.error("comparing_wider", producer=producer, why="its clock went back" if behind else "it reports loss")
            since = found.as_of - AFTER_LOSS if found.as_of and succeeded_at else None
            found = await self._page_through(producer, since)
        if found.restored:
            log.error("producer_restored", producer=producer, streams=found.restored)
        if len(found.lacks) > MOST_LACKS:  # a backlog: begin again from the same instant when these are reached
            return replace(found, lacks=found.lacks[:MOST_LACKS], as_of=succeeded_at, slices=None)
        return found

    async def note(self, producer: str, found: Compared) -> None:
        """The comparison is done: the next one begins where this one began, by the producer's own clock."""
        reason = _why(found.restored) if found.restored else None
        async with self._database.transaction() as connection:
            await connection.execute(self._write, self._consumer, producer, found.as_of, found.loss, reason)
        self._compared.note(producer, None if found.restored else found.slices)

    async def distrust(self, producer: str, streams: int) -> None:
        """Found by other means than this comparison's."""
        log.error("producer_restored", producer=producer, streams=streams)
        async with self._database.connection() as connection:
            await connection.execute(self._distrust, self._consumer, producer, _why(streams))

    async def _look_at_changes(self, producer: str, succeeded_at: datetime) -> Compared:
        """The usual window, without the slices that were compared as they stand."""
        slices = await self._peers.slices(producer, changed_since=succeeded_at - OVERLAP)
        found = Compared(loss=slices.loss, as_of=slices.as_of, adopted=slices.adopted, slices=slices)
        for since, before in self._compared.left_in(slices, producer, succeeded_at=succeeded_at):
            more = await self._page_through(producer, since, before, rests=True)
            found = replace(found, lacks=[*found.lacks, *more.lacks], restored=found.restored + more.restored)
        return found

    async def _page_through(
        self, producer: str, since: datetime | None, before: datetime | None = None, *, rests: bool = False
    ) -> Compared:
        """One that `rests` leaves the machine to others after each page: it runs beside the work of every minute."""
        clock = asyncio.get_running_loop().time
        found, began = Compared(), clock()
        async for page in self._peers.heads(producer, changed_since=since, changed_before=before):
            lacks, restored = await self.judge(producer, page)
            found = Compared(
                [*found.lacks, *lacks], found.restored + restored, page.loss, found.as_of or page.as_of, page.adopted
            )
            if rests:
                await asyncio.sleep(RESTS * (clock() - began))
                began = clock()
        return found

    async def judge(self, producer: str, heads: Heads) -> tuple[list[Lack], int]:
        """What lacks here, and in how many streams the producer stands below or beside what was applied."""
        lacks, suspects, restored = [], {}, 0
        for referral_id, head, last in await self._store.differing(producer, heads):
            if head > last:
                lacks.append(Lack(producer, referral_id, head))
            elif head < last:
                suspects[referral_id] = last  # or the producer has simply gone on since it answered
            else:
                restored += 1
        present = await self._peers.heads_of(producer, list(suspects)) if suspects else {}
        return lacks, restored + sum(head.number < suspects[referral_id] for referral_id, head in present.items())


def _why(streams: int) -> str:
    return f"{streams} streams stand below or beside what was applied"
