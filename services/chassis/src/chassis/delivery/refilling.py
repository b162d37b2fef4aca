"""What a broker has lost of topics that nobody reads back: notices and states are sent again from the database.

And what no loss explains: now and then the last values of a status topic are compared with the table.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import asyncpg
import structlog
from aiokafka import AIOKafkaConsumer

from chassis.database import Database
from chassis.delivery.outages import OUTAGES
from chassis.delivery.states import StateTransfer, put_states
from chassis.delivery.topic_values import last_versions

log = structlog.get_logger(__name__)

NOTICE_DAYS = 30
STATEMENT_SECONDS = 60
COMPARED_AT_ONCE = 1000


class Refilling:
    """One per worker; which of them does it is decided by a row, in the transaction that does it."""

    def __init__(
        self,
        database: Database,
        schema: str,
        notices: Sequence[str],
        transfers: Mapping[str, StateTransfer],
        unacknowledged: Mapping[str, str],
        make_consumer: Callable[[], AIOKafkaConsumer],
        wake: Callable[[], None],
        topics_stand: asyncio.Event,
        *,
        check_seconds: float,
        compare_seconds: float,
    ) -> None:
        """`notices` are the topics of which all of 30 days goes out again; `unacknowledged` gives for a topic instead
        the statement whose rows are the ids of those that must.
        """
        self._database, self._schema, self._transfers = database, schema, transfers
        self._make_consumer, self._wake, self._topics_stand = make_consumer, wake, topics_stand
        self._check_seconds, self._compare_seconds = check_seconds, compare_seconds
        of_age = f"SELECT id FROM {schema}.notice WHERE topic = $1 AND at > now() - interval '{NOTICE_DAYS} days'"
        self._fill = {topic: _notices_again(schema, unacknowledged.get(topic, of_age)) for topic in notices}
        self._fill |= dict.fromkeys(transfers, _states_again(schema))
        self._lost = f"SELECT coalesce(max(n), 0) FROM {schema}.broker_loss"
        self._claim = f"""
            INSERT INTO {schema}.republished AS r (topic, loss) VALUES ($1, $2)
            ON CONFLICT (topic) DO UPDATE SET loss = EXCLUDED.loss WHERE r.loss < EXCLUDED.loss RETURNING topic
        """
        self._claim_comparing = f"""
            INSERT INTO {schema}.republished AS r (topic, compared_at) VALUES ($1, now())
            ON CONFLICT (topic) DO UPDATE SET compared_at = now()
            WHERE r.compared_at IS NULL OR r.compared_at < now() - make_interval(secs => $2) RETURNING topic
        """

        self._not_compared = f"UPDATE {schema}.republished SET compared_at = NULL WHERE topic = $1"

    async def run(self) -> None:
        """Until cancelled; an outage leaves it to the next look."""
        await self._topics_stand.wait()
        seen = 0
        while True:
            try:
                seen = await self.fill_after_loss(seen)
                await self.compare_states()
            except OUTAGES as error:
                log.warning("refilling_waits", error=type(error).__name__)
            await asyncio.sleep(self._check_seconds)

    async def fill_after_loss(self, seen: int) -> int:
        """Every topic, once for each loss; returns the number of the last loss."""
        async with self._database.connection() as connection:
            lost: int = await connection.fetchval(self._lost)
        if lost > seen:
            for topic, fill in self._fill.items():
                await self._fill_one(topic, fill, lost)
        return lost

    async def _fill_one(self, topic: str, fill: str, lost: int) -> None:
        async with self._database.transaction() as connection:
            if await connection.fetchval(self._claim, topic, lost) is None:
                return
            await connection.execute(f"SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'")
            put = await connection.execute(fill, topic)
        log.warning("topic_sent_again", topic=topic, rows=int(put.rpartition(" ")[2]))
        self._wake()

    async def compare_states(self) -> None:
        for topic, transfer in self._transfers.items():
            async with self._database.connection() as connection:
                due = await connection.fetchval(self._claim_comparing, topic, self._compare_seconds)
            if due is None:
                continue
            try:
                await self._compare(topic, transfer)
            except BaseException:
                async with self._database.connection() as connection:
                    await connection.execute(self._not_compared, topic)
                raise

    async def _compare(self, topic: str, transfer: StateTransfer) -> None:
        """What changes meanwhile differs too, and is sent once more than it need be."""
        published = await last_versions(self._make_consumer, topic)
        async with self._database.connection() as connection:
            sent = await connection.fetch(f"SELECT key FROM {self._schema}.state_sent WHERE topic = $1", topic)
        keys = sorted(published.keys() | {row[0] for row in sent})
        differing: list[str] = []
        for start in range(0, len(keys), COMPARED_AT_ONCE):
            chosen = keys[start : start + COMPARED_AT_ONCE]
            async with self._database.connection() as connection:
                present = await _versions(connection, transfer, chosen)
            differing += [key for key in chosen if published.get(key) != present.get(key)]
        log.info("states_compared", topic=topic, keys=len(keys), differing=len(differing))
        if differing:
            log.error("states_differed", topic=topic, keys=len(differing))
            async with self._database.transaction() as connection:
                await put_states(connection, self._schema, [(topic, key) for key in differing])
            self._wake()


async def _versions(connection: asyncpg.Connection, transfer: StateTransfer, keys: Sequence[str]) -> dict[str, int]:
    rows = await connection.fetch(f"SELECT key, version FROM ({transfer.sql}) present", keys)
    return {row[0]: row[1] for row in rows}


def _notices_again(schema: str, ids: str) -> str:
    """Those that still stand go behind the others of their key, however long they have waited: versions only grow."""
    return f"""
        WITH again AS (SELECT id, lane, key, version FROM {schema}.notice WHERE topic = $1 AND id IN ({ids})),
        standing AS (DELETE FROM {schema}.outbox WHERE topic = $1 AND event_id IN (SELECT id FROM again))
        INSERT INTO {schema}.outbox (lane, topic, key, event_id, resend)
        SELECT lane, $1, key, id, true FROM again ORDER BY key, version
    """


def _states_again(schema: str) -> str:
    return f"""
        INSERT INTO {schema}.outbox (lane, topic, key, resend)
        SELECT lane, topic, key, true FROM {schema}.state_sent WHERE topic = $1 ORDER BY key
    """
