"""Comparison over all streams, every night: added up by bucket on both sides, opened only where the sums differ.

Comparison by heads looks at what changed lately, a gap shows itself, a lag is measured: what none of these sees, such
as a stream that stopped short long ago, is found here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from chassis.clock import Clock
from chassis.database import Database
from chassis.delivery.comparing import Comparison
from chassis.delivery.lacks import Lack
from chassis.delivery.outages import OUTAGES
from chassis.delivery.peers import Peers

log = structlog.get_logger(__name__)

BUCKETS = 4096
OPENED_AT_ONCE = 64
NIGHT_HOUR_UTC = 18  # two in the morning in Shanghai
DUE_SECONDS = 60.0
STATEMENT_SECONDS = 60

Sums = dict[int, tuple[int, int, int]]


def bucket_of(column: str) -> str:
    """The last twelve bits of an id, which chance has made: SQL."""
    return f"(get_byte(uuid_send({column}), 15) | ((get_byte(uuid_send({column}), 14) & 15) << 8))"


def sums_statement(table: str, number: str, event_id: str, condition: str, *, by: str = "") -> str:
    """Per bucket, or what else they are told apart `by`: the streams, their numbers, and of their last events' ids
    three bytes each."""
    tail = " | ".join(f"(get_byte(uuid_send({event_id}), {15 - n}) << {8 * n})" for n in range(3))
    return f"""
        SELECT {by or bucket_of("referral_id")}, count(*), sum({number}), sum(coalesce({tail}, 0)) FROM {table}
        WHERE {condition} GROUP BY 1
    """


async def read_sums(connection: asyncpg.Connection, statement: str, *arguments: object) -> Sums:
    """Whole tables are read here: inside a transaction of its own."""
    await connection.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'; SET LOCAL enable_seqscan = on")
    return {row[0]: (row[1], int(row[2]), int(row[3])) for row in await connection.fetch(statement, *arguments)}


def last_night(now: datetime) -> datetime:
    night = now.astimezone(UTC).replace(hour=NIGHT_HOUR_UTC, minute=0, second=0, microsecond=0)
    return night if night <= now else night - timedelta(days=1)


class BucketComparison:
    """One per consumer name; which worker does it in a night is decided by a row."""

    def __init__(
        self,
        peers: Peers,
        comparison: Comparison,
        producers: Iterable[str],
        database: Database,
        schema: str,
        clock: Clock,
        consumer: str,
    ) -> None:
        self._peers, self._comparison, self._producers = peers, comparison, sorted(producers)
        self._database, self._clock, self._consumer = database, clock, consumer
        of_producer = "consumer = $1 AND producer = $2 AND last > 0"
        self._sums = sums_statement(f"{schema}.stream_pos", "last", "last_event_id", of_producer)
        self._in_buckets = f"""
            SELECT referral_id, last FROM {schema}.stream_pos
            WHERE {of_producer} AND {bucket_of("referral_id")} = ANY ($3)
        """
        self._begin = f"""
            UPDATE {schema}.comparison SET summed_at = $3
            WHERE consumer = $1 AND producer = $2 AND summed_at IS NULL
        """
        self._claim = f"""
            UPDATE {schema}.comparison SET summed_at = $3
            WHERE consumer = $1 AND producer = $2 AND summed_at < $4 RETURNING 1
        """
        self._again = f"UPDATE {schema}.comparison SET summed_at = $3 WHERE consumer = $1 AND producer = $2"

    async def run(self, keep: Callable[[Sequence[Lack]], Awaitable[None]]) -> None:
        """Until cancelled. A consumer that is new waits for its first night: comparing by heads begins with all."""
        while True:
            await asyncio.sleep(DUE_SECONDS)
            try:
                await self.compare_when_due(keep)
            except OUTAGES as error:
                log.warning("bucket_sums_wait", error=type(error).__name__)

    async def compare_when_due(self, keep: Callable[[Sequence[Lack]], Awaitable[None]]) -> None:
        """Raises httpx.HTTPError when a producer does not answer: it is due again."""
        now = self._clock.now()
        night = last_night(now)
        for producer in self._producers:
            async with self._database.connection() as connection:
                await connection.execute(self._begin, self._consumer, producer, now)
                due = await connection.fetchval(self._claim, self._consumer, producer, now, night)
            if due is None:
                continue
            try:
                await keep(await self.compare(producer))
            except BaseException:
                async with self._database.connection() as connection:
                    await connection.execute(self._again, self._consumer, producer, night - timedelta(days=1))
                raise

    async def compare(self, producer: str) -> list[Lack]:
        """What is lacking in the buckets whose sums differ; a producer that stands below is distrusted at once."""
        theirs = await self._peers.sums(producer)
        async with self._database.transaction() as connection:
            own = await read_sums(connection, self._sums, self._consumer, producer)
        differing = sorted(bucket for bucket in theirs.keys() | own.keys() if theirs.get(bucket) != own.get(bucket))
        lacks: list[Lack] = []
        below = 0
        for start in range(0, len(differing), OPENED_AT_ONCE):
            opened = await self._open(producer, differing[start : start + OPENED_AT_ONCE])
            lacks, below = lacks + opened[0], below + opened[1]
        log.info("buckets_compared", producer=producer, opened=len(differing), lacking=len(lacks))
        if lacks:
            log.warning("bucket_sums_lacked", producer=producer, streams=len(lacks))
        if below:
            await self._comparison.distrust(producer, below)
        return lacks

    async def _open(self, producer: str, buckets: Sequence[int]) -> tuple[list[Lack], int]:
        """Also streams of which the producer knows nothing: they are in no page of its heads."""
        lacks: list[Lack] = []
        below, told = 0, set[UUID]()
        async for page in self._peers.heads_in(producer, buckets):
            found, restored = await self._comparison.judge(producer, page)
            lacks, below = lacks + found, below + restored
            told |= {UUID(one) for one in page.referral_ids}
        async with self._database.transaction() as connection:
            await connection.execute("SET LOCAL enable_seqscan = on")
            rows = await connection.fetch(self._in_buckets, self._consumer, producer, list(buckets))
        untold = {row[0]: row[1] for row in rows if row[0] not in told}
        present = await self._peers.heads_of(producer, list(untold)) if untold else {}
        gone = [one for one, last in untold.items() if one not in present or present[one].number < last]
        return lacks, below + len(gone)
