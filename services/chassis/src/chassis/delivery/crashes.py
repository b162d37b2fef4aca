"""Which events were in hand when a worker died: one that has ended three workers is parked, not tried for ever.

While all is well nothing is written but one row a worker. A worker whose last run did not end in order is *wary* for a
minute: before a handler runs, what the batch is about to handle is noted in a transaction of its own. Whoever dies with
notes finds them as suspects at the next start, and a batch with suspects in it is halved until each of them is alone
in hand. So the first death shows nothing, the second a batch, the third one event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from uuid import UUID

import asyncpg
import structlog

from chassis.database import Database
from chassis.delivery.outages import OUTAGES, until_done
from chassis.ids import new_id

log = structlog.get_logger(__name__)

WARY_SECONDS = 60.0
MOST_NOTED_DEATHS = 2  # and the one before them, of which nothing was noted
END_SECONDS = 2.0


class SuspectInHand(Exception):
    """One of these was in hand when a worker died: it is to be handled by itself."""


class CrashLedger:
    """One per worker, for all of its consumers; before `begin` it is not wary and knows of nothing."""

    def __init__(self, database: Database, schema: str) -> None:
        self._database, self._schema = database, schema
        self._run, self._worker = new_id(), ""
        self._deaths: dict[tuple[str, UUID], int] = {}
        self._connection: asyncpg.Connection | None = None
        self._one_at_a_time = asyncio.Lock()
        self.is_wary = False
        self._until: float | None = None

    async def begin(self, worker: str) -> None:
        """The run of this name before ours ended in order or it did not; waits through an outage of the database."""
        self._worker = worker
        await until_done("crash ledger", self._look)
        if self.is_wary:
            log.warning("last_run_died", worker=worker, suspects=len(self._deaths))

    async def _look(self) -> None:
        async with self._database.transaction() as connection:
            last = await connection.fetchval(
                f"SELECT run FROM {self._schema}.worker_run WHERE worker = $1 FOR UPDATE", self._worker
            )
            await connection.execute(
                f"""INSERT INTO {self._schema}.worker_run (worker, run) VALUES ($1, $2)
                    ON CONFLICT (worker) DO UPDATE SET run = EXCLUDED.run, since = now()""",
                self._worker, self._run,
            )  # fmt: skip
            if last not in (None, self._run):
                await connection.execute(
                    f"""UPDATE {self._schema}.crash_suspect SET deaths = deaths + 1, in_hand = false
                        WHERE worker = $1 AND in_hand""",
                    self._worker,
                )
            rows = await connection.fetch(
                f"SELECT consumer, event_id, deaths FROM {self._schema}.crash_suspect WHERE deaths > 0"
            )
        self.is_wary = last is not None
        self._deaths = {(row[0], row[1]): row[2] for row in rows}

    def suspects_any(self, consumer: str, event_ids: Collection[UUID]) -> bool:
        """Then these are not to be in hand together; what is condemned is not handled."""
        return any(0 < self._deaths.get((consumer, one), 0) < MOST_NOTED_DEATHS for one in event_ids)

    def is_condemned(self, consumer: str, event_id: UUID) -> bool:
        return self._deaths.get((consumer, event_id), 0) >= MOST_NOTED_DEATHS

    async def take_in_hand(self, consumer: str, event_ids: Collection[UUID]) -> None:
        """Committed when it returns; what this consumer had in hand before is so no more."""
        async with self._one_at_a_time:
            if self._until is None:
                self._until = asyncio.get_running_loop().time() + WARY_SECONDS
            await (await self._open()).execute(
                f"""WITH put_down AS (
                        UPDATE {self._schema}.crash_suspect SET in_hand = false
                        WHERE worker = $3 AND consumer = $1 AND in_hand AND event_id <> ALL ($2))
                    INSERT INTO {self._schema}.crash_suspect (consumer, event_id, worker, in_hand)
                    SELECT $1, event_id, $3, true FROM unnest($2::uuid[]) AS event_id ORDER BY event_id
                    ON CONFLICT (consumer, event_id) DO UPDATE SET worker = EXCLUDED.worker, in_hand = true""",
                consumer, list(event_ids), self._worker,
            )  # fmt: skip

    async def survived(self, consumer: str, event_ids: Collection[UUID]) -> None:
        """These have had their effect, or stand parked: nobody suspects them any more."""
        known = [self._deaths.pop((consumer, one)) for one in event_ids if (consumer, one) in self._deaths]
        if not known and not self.is_wary:
            return
        async with self._one_at_a_time:
            with suppress(*OUTAGES):  # a note that stays too long makes a suspect, which is then tried by itself
                await (await self._open()).execute(
                    f"DELETE FROM {self._schema}.crash_suspect WHERE consumer = $1 AND event_id = ANY ($2)",
                    consumer, list(event_ids),
                )  # fmt: skip
                if self._until is not None and asyncio.get_running_loop().time() >= self._until:
                    await self._trust_again()

    async def _trust_again(self) -> None:
        """A minute of work without dying: what is condemned stays so until it comes."""
        await (await self._open()).execute(
            f"DELETE FROM {self._schema}.crash_suspect WHERE worker = $1 AND deaths < {MOST_NOTED_DEATHS}", self._worker
        )
        self._deaths = {key: deaths for key, deaths in self._deaths.items() if deaths >= MOST_NOTED_DEATHS}
        self.is_wary = False
        self.close()

    async def end(self) -> None:
        """The run ends in order. Where the database does not answer the next one is wary, no more."""
        self.close()
        with suppress(*OUTAGES):
            async with asyncio.timeout(END_SECONDS), self._database.transaction() as connection:
                await connection.execute(
                    f"DELETE FROM {self._schema}.worker_run WHERE worker = $1 AND run = $2", self._worker, self._run
                )
                await connection.execute(
                    f"UPDATE {self._schema}.crash_suspect SET in_hand = false WHERE worker = $1 AND in_hand",
                    self._worker,
                )

    async def _open(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._database.dedicated()
        return self._connection

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
