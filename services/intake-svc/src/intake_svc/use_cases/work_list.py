"""The work list of calls: what waits at whose desk, oldest first unless asked otherwise; no personal data."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

# The clock of the desk at which the call stands; where it stands at none, those of its source's confirmations.
_LIST = """
    SELECT c.call_id, c.source, c.call_no, c.state, c.version, c.referral_id, c.linked_to, c.station_code,
           c.reported_at, c.received_at, c.screening ->> 'category' AS category, c.errand, b.codes AS blocks, t.due_at,
           coalesce(t.overdue, false) AS overdue
    FROM intake.call c
    LEFT JOIN LATERAL (
        SELECT array_agg(DISTINCT code ORDER BY code) AS codes FROM intake.block
        WHERE block.call_id = c.call_id AND lifted_at IS NULL OFFSET 0) b ON true
    LEFT JOIN LATERAL (
        SELECT min(due_at) AS due_at, bool_or(state = 'breached') AS overdue FROM intake.timer
        WHERE timer.referral_id = c.referral_id AND timer.state IN ('running', 'paused', 'breached')
          AND timer.ended_at IS NULL
          AND timer.clock = CASE c.state WHEN 'awaiting_screener' THEN 'screen' WHEN 'returned' THEN 'return_answer'
                                         WHEN 'retained_by_police' THEN 'retained' ELSE 'feedback' END OFFSET 0) t
        ON true
    WHERE {wanted}
    ORDER BY c.call_id {direction} LIMIT {limit}
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters, None for any. `scope_path` None sees all; `sees_unplaced` adds calls whose area is not known."""

    state: str | None = None
    source: str | None = None
    block: str | None = None
    overdue: bool | None = None
    scope_path: str | None = None
    sees_unplaced: bool = False
    newest_first: bool = False


async def list_calls(
    connection: asyncpg.Connection, wanted: Wanted, *, after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """Call ids sort by the time of receipt: they are the cursor."""
    arguments: list[Any] = []

    def bound(value: Any) -> str:
        arguments.append(value)
        return f"${len(arguments)}"

    conditions = ["true"]
    if wanted.state is not None:
        conditions.append(f"c.state = {bound(wanted.state)}")
    if wanted.source is not None:
        conditions.append(f"c.source = {bound(wanted.source)}")
    if wanted.block is not None:
        conditions.append(f"{bound(wanted.block)} = ANY (b.codes)")
    if wanted.overdue is not None:
        conditions.append(f"coalesce(t.overdue, false) = {bound(wanted.overdue)}")
    if wanted.scope_path is not None:
        path = bound(wanted.scope_path)
        seen = f"c.scope_path = {path} OR starts_with(c.scope_path, {path} || '/')"
        conditions.append(f"({seen} OR c.scope_path IS NULL)" if wanted.sees_unplaced else f"({seen})")
    if after is not None:
        conditions.append(f"c.call_id {'<' if wanted.newest_first else '>'} {bound(after)}")
    statement = _LIST.format(
        wanted=" AND ".join(conditions), direction="DESC" if wanted.newest_first else "ASC", limit=bound(limit)
    )
    rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
    return rows
