"""What a consumer does once a restored producer is adopted: events known under old numbers get their new ones."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import structlog

from chassis.database import Database
from chassis.database_errors import retrying
from chassis.delivery.lacks import lock_statement
from chassis.delivery.peers import NewNumber, Peers

log = structlog.get_logger(__name__)

AT_ONCE = 200


class Following:
    """One per consumer name. May be done again from the start: what has its new number is not touched twice."""

    def __init__(self, peers: Peers, database: Database, schema: str, consumer: str) -> None:
        self._peers, self._database, self._consumer = peers, database, consumer
        self._lock = lock_statement(schema, consumer)
        self._move = f"""
            UPDATE {schema}.stream_pos p SET last = t.seq FROM unnest($3::uuid[], $4::uuid[], $5::int[], $6::int[])
                AS t(referral_id, event_id, was, seq)
            WHERE p.referral_id = t.referral_id AND p.consumer = $1 AND p.producer = $2
              AND p.last = t.was AND p.last_event_id = t.event_id
        """
        self._unpark = f"""
            DELETE FROM {schema}.parked k
            USING unnest($3::uuid[], $4::uuid[], $5::int[]) AS t(referral_id, event_id, was)
            WHERE k.referral_id = t.referral_id AND k.consumer = $1 AND k.producer = $2
              AND k.seq = t.was AND k.event_id = t.event_id
        """
        self._conflicts = f"""
            SELECT DISTINCT referral_id FROM {schema}.parked
            WHERE consumer = $1 AND producer = $2 AND reason = 'conflict' ORDER BY referral_id
        """
        self._free = f"""
            UPDATE {schema}.parked k SET reason = 'waiting', detail = '', needs = ''
            WHERE k.consumer = $1 AND k.producer = $2 AND k.referral_id = ANY ($3) AND k.reason = 'conflict'
              AND k.seq > coalesce((SELECT last FROM {schema}.stream_pos p WHERE p.referral_id = k.referral_id
                  AND p.consumer = k.consumer AND p.producer = k.producer), 0)
        """
        self._trust = f"""
            UPDATE {schema}.comparison SET adopted = $3, distrusted = NULL WHERE consumer = $1 AND producer = $2
        """

    async def follow(self, producer: str, seen: int, adopted: int) -> None:
        """Then the producer is trusted, until a comparison says otherwise. Raises httpx.HTTPError."""
        renumbered = sorted(await self._peers.renumbered(producer, since=seen), key=lambda one: one.referral_id)
        for start in range(0, len(renumbered), AT_ONCE):
            await self._give_new_numbers(producer, renumbered[start : start + AT_ONCE])
        async with self._database.connection() as connection:
            blocked = [row[0] for row in await connection.fetch(self._conflicts, self._consumer, producer)]
        for start in range(0, len(blocked), AT_ONCE):
            await self._free_conflicts(producer, blocked[start : start + AT_ONCE])
        async with self._database.connection() as connection:
            await connection.execute(self._trust, self._consumer, producer, adopted)
        log.warning("restore_followed", producer=producer, adoption=adopted, renumbered=len(renumbered))

    async def _give_new_numbers(self, producer: str, some: Sequence[NewNumber]) -> None:
        """One applied under its old number has had its effect; one parked under it comes again under the new one."""
        referral_ids, event_ids = [one.referral_id for one in some], [one.event_id for one in some]
        was, now = [one.was for one in some], [one.seq for one in some]

        async def attempt() -> str:
            async with self._database.transaction() as connection:
                await self._hold(connection, referral_ids)
                await connection.execute(self._unpark, self._consumer, producer, referral_ids, event_ids, was)
                moved: str = await connection.execute(
                    self._move, self._consumer, producer, referral_ids, event_ids, was, now
                )
                return moved

        if (moved := int((await retrying(attempt)).rpartition(" ")[2])) > 0:
            log.error("stream_skipped_lost_events", producer=producer, streams=moved)

    async def _free_conflicts(self, producer: str, referral_ids: Sequence[UUID]) -> None:
        async def attempt() -> None:
            async with self._database.transaction() as connection:
                await self._hold(connection, referral_ids)
                await connection.execute(self._free, self._consumer, producer, referral_ids)

        await retrying(attempt)

    async def _hold(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
        await connection.execute(self._lock, sorted(set(referral_ids)))
