"""Which relay sends which lane: session advisory locks on one connection of the relay's own, outside the pool.

The same connection reads and empties the outbox, so a statement that succeeds proves that the lanes are still held.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Iterable

import asyncpg
import structlog

from chassis.delivery.tables import LANES

log = structlog.get_logger(__name__)

RELAYS, LANE_LOCKS = "relays", "lanes"
IDLE_SECONDS = 30.0


def lock_class(schema: str, kind: str) -> int:
    """The first half of a two-part advisory lock key; the second is the lane, or the backend's own number."""
    return zlib.crc32(f"{schema}/{kind}".encode()) - 2**31


class Lanes:
    """Held lanes and the connection that holds them. A lost connection loses them all at once, and is opened anew."""

    def __init__(
        self, connect: Callable[[], Awaitable[asyncpg.Connection]], schema: str, *, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._connect, self._idle_ms = connect, int(idle_seconds * 1000)
        self._members, self._locks = lock_class(schema, RELAYS), lock_class(schema, LANE_LOCKS)
        self.connection: asyncpg.Connection | None = None
        self.held_since: dict[int, float] = {}

    @property
    def held(self) -> set[int]:
        return set(self.held_since)

    def hold_anew(self, lanes: Iterable[int], now: float) -> None:
        """As if they had been taken over just now."""
        self.held_since |= {lane: now for lane in lanes if lane in self.held_since}

    async def open(self) -> asyncpg.Connection:
        if self.connection is None or self.connection.is_closed():
            self.held_since = {}
            self.connection = await self._connect()
            # A stopped process answers the server's keep-alives: only silence shows it. Then others take its lanes.
            await self.connection.execute(f"SET idle_session_timeout = {self._idle_ms}")
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
            self.held_since.pop(lane)
        for lane in range(LANES):
            if len(self.held) >= share:
                break
            if lane not in self.held and await connection.fetchval(
                "SELECT pg_try_advisory_lock($1, $2)", self._locks, lane
            ):
                self.held_since[lane] = asyncio.get_running_loop().time()
        return self.held

    async def close(self) -> None:
        if self.connection is not None:
            self.connection.terminate()
        self.connection, self.held_since = None, {}
