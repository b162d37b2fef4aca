"""A toy service that owns clocks and nothing else, on a real database; no broker."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
from chassis.clock_guard import ClockGuard
from chassis.database import Database
from chassis.delivery import Statements, Units
from chassis.timers import Ticker, TimedWork, Timer
from chassis.workdays import Calendar, load_calendar
from support.toys import Ponged, create_schema

SCHEMA = "pong"


class ToyTimedWork(TimedWork):
    timer_schema = SCHEMA

    async def load(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
        await self.load_timers(connection, referral_ids)

    async def save(self, connection: asyncpg.Connection) -> None:
        await self.save_timers(connection)


def record_breach(timer: Timer, work: ToyTimedWork) -> None:
    """The toy's whole business: one event for each clock that is not silent."""
    if not timer.silent:
        work.record(timer.referral_id, Ponged(n=1))


@dataclass
class Timed:
    """One process: its pool, its units, its ticker. Several over one database are several workers."""

    database: Database
    calendar: Calendar = field(default_factory=load_calendar)

    def __post_init__(self) -> None:
        self.units: Units[ToyTimedWork] = Units(
            self.database,
            Statements(SCHEMA, f"{SCHEMA}.v1"),
            partial(ToyTimedWork, calendar=self.calendar),
            lambda: None,
        )

    def ticker(self, on_timer: Any = record_breach, *, guard: ClockGuard | None = None, **more: Any) -> Ticker[Any]:
        return Ticker(self.units, SCHEMA, on_timer, guard=guard, **more)

    async def value(self, statement: str, *arguments: Any) -> Any:
        async with self.database.connection() as connection:
            return await connection.fetchval(statement, *arguments)

    async def find(self, referral_id: UUID, clock: str = "sign_for", key: str = "") -> Timer:
        async with self.units.begin([referral_id]) as work:
            timer = work.find_clock(referral_id, clock, key)
        assert timer is not None
        return timer

    async def events(self, referral_id: UUID) -> int:
        statement = f"SELECT count(*) FROM {SCHEMA}.event_log WHERE referral_id = $1"
        return int(await self.value(statement, referral_id))

    async def has_run_out(self, referral_id: UUID, clock: str = "sign_for", *, ago: str = "1 second") -> None:
        """Moves a clock's instant into the past, as waiting would."""
        await self.value(
            f"UPDATE {SCHEMA}.timer SET due_at = clock_timestamp() - $3::text::interval "
            "WHERE referral_id = $1 AND clock = $2 RETURNING 1",
            referral_id,
            clock,
            ago,
        )


@asynccontextmanager
async def timed(database_url: str) -> AsyncIterator[Timed]:
    await create_schema(database_url, SCHEMA)
    async with another(database_url) as made:
        yield made


@asynccontextmanager
async def another(database_url: str, calendar: Calendar | None = None) -> AsyncIterator[Timed]:
    """One more worker over the same database."""
    database = Database(database_url, process="timed", pool_size=4)
    try:
        yield Timed(database, calendar or load_calendar())
    finally:
        await database.close()
