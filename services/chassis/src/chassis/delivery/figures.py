"""What is not counted but looked up when somebody asks: what waits in the database, and how far a worker has read."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import asyncpg

from chassis import metrics
from chassis.database import Database
from chassis.delivery.lanes import Lanes
from chassis.delivery.outages import OUTAGES
from chassis.delivery.reader import Reader
from chassis.ids import instant_of
from chassis.metrics import Metric
from chassis.metrics_counting import Rows, forget, tell

READ_SECONDS, FRESH_SECONDS = 3.0, 2.0
Reads = Callable[[asyncpg.Connection, str], Awaitable[dict[Metric, Rows]]]


class Figures:
    """One worker's. However many ask, the database is asked once in two seconds; one that does not answer is said."""

    def __init__(self, database: Database, schema: str, readers: Mapping[str, Reader]) -> None:
        self._database, self._schema, self._readers = database, schema, readers
        self._reading, self._fresh_until = asyncio.Lock(), 0.0
        self.lanes: Lanes | None = None

    async def read(self) -> None:
        async with self._reading:
            if time.monotonic() < self._fresh_until:
                return
            await self._read_own()
            tell(metrics.FIGURES_READ, {(): float(await self._read_database())})
            self._fresh_until = time.monotonic() + FRESH_SECONDS

    async def _read_own(self) -> None:
        if self.lanes is not None:
            tell(metrics.LANES, {(): len(self.lanes.held)})
        tell(
            metrics.LAG,
            {
                (consumer, topic): count
                for consumer, reader in self._readers.items()
                for topic, count in (await reader.unread()).items()
            },
        )

    async def _read_database(self) -> bool:
        found: dict[Metric, Rows] = {}
        try:
            async with asyncio.timeout(READ_SECONDS), self._database.connection() as connection:
                for read in _READS:
                    found |= await read(connection, self._schema)
        except OUTAGES:  # said by the figure itself: old numbers would look as if all was well
            forget(metric for metric in metrics.METRICS if metric.everywhere)
            return False
        for metric, rows in found.items():
            tell(metric, rows)
        return True


async def _parked(connection: asyncpg.Connection, schema: str) -> dict[Metric, Rows]:
    rows = await connection.fetch(
        f"""SELECT consumer, producer, reason, count(*) AS events,
                extract(epoch FROM now() - min(since))::float AS oldest
            FROM {schema}.parked GROUP BY consumer, producer, reason"""
    )
    oldest: dict[tuple[str, ...], float] = {}
    for row in rows:
        place = (row["consumer"], row["reason"])
        oldest[place] = max(oldest.get(place, 0.0), row["oldest"])
    return {metrics.PARKED: _by_labels([tuple(row)[:4] for row in rows]), metrics.PARKED_OLDEST: oldest}


async def _outbox(connection: asyncpg.Connection, schema: str) -> dict[Metric, Rows]:
    """The oldest by its id, which holds the instant it was made at."""
    row = await connection.fetchrow(
        f"""SELECT count(*) FILTER (WHERE NOT resend) AS live, count(*) FILTER (WHERE resend) AS resend,
                (SELECT event_id FROM {schema}.outbox WHERE NOT resend AND event_id IS NOT NULL ORDER BY n LIMIT 1)
            FROM {schema}.outbox"""
    )
    live, resend, event_id = row or (0, 0, None)
    age = max(time.time() - instant_of(event_id).timestamp(), 0.0) if event_id else 0.0
    return {metrics.OUTBOX: {("live",): live, ("resend",): resend}, metrics.OUTBOX_OLDEST: {(): age}}


async def _unsendable(connection: asyncpg.Connection, schema: str) -> dict[Metric, Rows]:
    rows = await connection.fetch(
        f"""SELECT u.topic, coalesce(e.type, t.type, 'state'), u.reason, count(*) FROM {schema}.unsendable u
            LEFT JOIN LATERAL (SELECT type FROM {schema}.event_log WHERE id = u.event_id LIMIT 1) e ON true
            LEFT JOIN LATERAL (SELECT type FROM {schema}.notice WHERE id = u.event_id LIMIT 1) t ON true
            GROUP BY 1, 2, 3"""
    )
    return {metrics.UNSENDABLE: _by_labels(rows)}


async def _aside(connection: asyncpg.Connection, schema: str) -> dict[Metric, Rows]:
    quarantined = await connection.fetch(
        f"SELECT consumer, topic, count(*) FROM {schema}.quarantine GROUP BY consumer, topic"
    )
    lacking = await connection.fetch(
        f"SELECT consumer, producer, state, count(*) FROM {schema}.lacking GROUP BY consumer, producer, state"
    )
    distrusted = await connection.fetch(
        f"SELECT consumer, producer, (distrusted IS NOT NULL)::int FROM {schema}.comparison"
    )
    return {
        metrics.QUARANTINED: _by_labels(quarantined),
        metrics.LACKING: _by_labels(lacking),
        metrics.DISTRUSTED: _by_labels(distrusted),
    }


async def _timers(connection: asyncpg.Connection, schema: str) -> dict[Metric, Rows]:
    row = await connection.fetchrow(
        f"""SELECT count(*) AS overdue, coalesce(extract(epoch FROM now() - min(due_at)), 0)::float AS oldest,
                (SELECT count(*) FROM {schema}.timer WHERE state = 'failed') AS failed
            FROM {schema}.timer WHERE state = 'running' AND due_at <= now()"""
    )
    overdue, oldest, failed = row or (0, 0.0, 0)
    return {
        metrics.TIMERS_OVERDUE: {(): overdue},
        metrics.TIMERS_OVERDUE_OLDEST: {(): oldest},
        metrics.TIMERS_FAILED: {(): failed},
    }


_READS: tuple[Reads, ...] = (_parked, _outbox, _unsendable, _aside, _timers)


def _by_labels(rows: list[Any]) -> dict[tuple[str, ...], float]:
    """The last column is the number, those before it are the labels in their order."""
    return {tuple(row)[:-1]: float(row[-1]) for row in rows}
