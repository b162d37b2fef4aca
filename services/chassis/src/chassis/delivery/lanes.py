"""Which relay sends which lane: session advisory locks on one connection of the relay's own, outside the pool.

The same connection reads and empties the outbox, so a statement that succeeds proves that the lanes are still held.
"""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from chassis.delivery.tables import LANES

log = structlog.get_logger(__name__)

RELAYS, LANE_LOCKS = "relays", "lanes"


def lock_class(schema: str, kind: str) -> int:
    """The first half of a two-part advisory lock key; the second is the lane, or the backend's own number."""
    return zlib.crc32(f"{schema}/{kind}".encode()) - 2**31


class Lanes:
    """Held lanes and the connection that holds them. A lost connection loses them all at once, and is opened anew."""

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]], schema: str) -> None:
        self._connect = connect
        self._members, self._locks = lock_class(schema, RELAYS), lock_class(schema, LANE_LOCKS)
        self.connection: asyncpg.Connection | None = None
        self.held: set[int] = set()

    async def open(self) -> asyncpg.Connection:
        if self.connection is None or self.connection.is_closed():
            self.held = set()
            self.connection = await self._connect()
            await self.connection.execute("SELECT pg_advisory_lock($1, pg_backend_pid())", self._members)
        return self.connection

    async def balance(self) -> set[int]:
        """Takes free lanes up to the fair share among the relays alive, and gives back what is above it."""
        connection = await self.open()
        relays = await connection.fetchval(
            """SELECT count(*) FROM pg_locks
               WHERE locktype = 'advisory' AND classid = $1::bigint::oid AND objsubid = 2 AND granted
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""",
            self._members % 2**32,
        )
        share = -(-LANES // max(relays, 1))
        for lane in sorted(self.held)[share:]:
            await connection.execute("SELECT pg_advisory_unlock($1, $2)", self._locks, lane)
            self.held.discard(lane)
        for lane in range(LANES):
            if len(self.held) >= share:
                break
            if lane not in self.held and await connection.fetchval(
                "SELECT pg_try_advisory_lock($1, $2)", self._locks, lane
            ):
                self.held.add(lane)
        return self.held

    async def close(self) -> None:
        if self.connection is not None:
            self.connection.terminate()
        self.connection, self.held = None, set()
