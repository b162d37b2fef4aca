"""Statements for clocks: one to load, one to save, one to look for those that are due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from chassis.timers_timer import Pause, Timer, TimerState

Name = tuple[UUID, str, str]
_COLUMNS = "referral_id, clock, key, span, started_at, due_at, rule, calendar, state, pauses, ended_at, silent"


@cache
def timer_statements(schema: str) -> TimerStatements:
    """One for all transactions."""
    return TimerStatements(schema)


class TimerStatements:
    def __init__(self, schema: str) -> None:
        timer = f"{schema}.timer" if schema else "timer"
        self._load = f"SELECT {_COLUMNS} FROM {timer} WHERE referral_id = ANY ($1)"
        self._save = f"""
            INSERT INTO {timer} AS t ({_COLUMNS})
            SELECT r, c, k, s, b, d, u, a, x, p::jsonb, e, i
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[],
                        $7::text[], $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::bool[])
                AS new(r, c, k, s, b, d, u, a, x, p, e, i) ORDER BY r, c, k
            ON CONFLICT (referral_id, clock, key) DO UPDATE SET
                span = EXCLUDED.span, started_at = EXCLUDED.started_at, due_at = EXCLUDED.due_at,
                rule = EXCLUDED.rule, calendar = EXCLUDED.calendar, state = EXCLUDED.state,
                pauses = EXCLUDED.pauses, ended_at = EXCLUDED.ended_at, silent = EXCLUDED.silent
        """
        # One row at least, so that there is always a clock to read. now(), unlike clock_timestamp(), may use the index.
        self._due = f"""
            SELECT clock_timestamp() AS now_is, t.referral_id, t.clock, t.key
            FROM (SELECT) AS always LEFT JOIN LATERAL (
                SELECT referral_id, clock, key FROM {timer}
                WHERE state = 'running' AND due_at <= now() ORDER BY due_at, referral_id LIMIT $1) t ON true
        """
        self._counted_otherwise = f"""
            SELECT referral_id, clock, key FROM {timer}
            WHERE state = 'running' AND due_at > now() AND calendar <> 'none' AND split_part(calendar, '/', 1) <> $1
              AND (referral_id, clock, key) > ($2, $3, $4)
            ORDER BY referral_id, clock, key LIMIT $5
        """
        self._fail = f"""
            UPDATE {timer} SET state = 'failed'
            WHERE referral_id = $1 AND clock = $2 AND key = $3 AND state = 'running'
        """

    async def load(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[Timer]:
        return [timer_from(row) for row in await connection.fetch(self._load, list(referral_ids))]

    async def save(self, connection: asyncpg.Connection, timers: Sequence[Timer]) -> None:
        if timers:
            await connection.execute(self._save, *map(list, zip(*map(_row, timers), strict=True)))

    async def list_due(self, connection: asyncpg.Connection, *, limit: int) -> tuple[datetime, list[Name]]:
        """The database's clock and the longest due, without locks."""
        rows = await connection.fetch(self._due, limit)
        return rows[0]["now_is"], [tuple(row)[1:] for row in rows if row["referral_id"] is not None]

    async def list_counted_otherwise(
        self, connection: asyncpg.Connection, version: str, *, after: Name, limit: int
    ) -> list[Name]:
        """Running clocks whose days another calendar told, by name."""
        return [tuple(row) for row in await connection.fetch(self._counted_otherwise, version, *after, limit)]

    async def fail(self, connection: asyncpg.Connection, name: Name) -> None:
        await connection.execute(self._fail, *name)


def timer_from(row: asyncpg.Record) -> Timer:
    referral_id, clock, key, span, started_at, due_at, rule, calendar, state, pauses, ended_at, silent = row
    return Timer(
        referral_id, clock, key, span, started_at, due_at, rule, calendar,
        TimerState(state), tuple(map(_pause, pauses)), ended_at, silent,
    )  # fmt: skip


def _row(timer: Timer) -> tuple[Any, ...]:
    return (
        *timer.name, timer.span, timer.started_at, timer.due_at, timer.rule, timer.calendar, timer.state.value,
        orjson.dumps([(one.reason, one.since, one.until) for one in timer.pauses]).decode(),
        timer.ended_at, timer.silent,
    )  # fmt: skip


def _pause(stored: Sequence[str]) -> Pause:
    reason, since, until = stored
    return Pause(reason, datetime.fromisoformat(since), datetime.fromisoformat(until) if until else None)
