"""Reads for people: one watch whole, lists page by page. No lock is taken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from followup_svc.domain.closing import ClosingRequest
from followup_svc.domain.gate import Course
from followup_svc.domain.noted import Noted
from followup_svc.domain.reminder import Reminder
from followup_svc.domain.supervision import SupervisionOrder
from followup_svc.domain.visit import ReturnVisit
from followup_svc.domain.watch import ReferralId, Watch
from followup_svc.store import closings, conditions, pressing
from followup_svc.store.visits import VISIT_COLUMNS, load_visits, visit_of
from followup_svc.store.watches import load_noted, load_watches

_LINES = """
    SELECT w.referral_id, w.state, w.cycle, w.opened_at, w.office_code, w.outcome, w.closed_at, w.escalation,
           n.category, n.grade,
           EXISTS (SELECT 1 FROM followup.halt h WHERE h.referral_id = w.referral_id AND h.lifted_at IS NULL) AS halted,
           EXISTS (SELECT 1 FROM followup.reminder r WHERE r.referral_id = w.referral_id AND NOT r.is_met) AS overdue
    FROM followup.watch w LEFT JOIN followup.noted n USING (referral_id)
"""


@dataclass(frozen=True, slots=True)
class WatchRead:
    """A watch and everything that stands in or for its closing, at one instant."""

    now: datetime
    watch: Watch
    noted: Noted
    course: Course
    reminders: Sequence[Reminder]
    orders: Sequence[SupervisionOrder]
    request: ClosingRequest | None


async def find_watch(connection: asyncpg.Connection, referral_id: UUID) -> WatchRead | None:
    ids = [referral_id]
    watches = await load_watches(connection, ids)
    if not watches:
        return None
    watch = watches[0]
    noted = next(iter(await load_noted(connection, ids)), Noted(ReferralId(referral_id)))
    halts = await conditions.load_halts(connection, ids)
    course = Course(
        watch,
        noted.grade,
        [visit for visit in await load_visits(connection, ids) if visit.cycle == watch.cycle],
        await conditions.load_obligations(connection, ids),
        await conditions.load_milestones(connection, ids),
        any(halt.stands for halt in halts),
    )
    return WatchRead(
        await closings.database_now(connection), watch, noted, course,
        await pressing.load_reminders(connection, ids), await pressing.load_orders(connection, ids),
        next(iter(await closings.load_requests(connection, ids)), None),
    )  # fmt: skip


async def scope_of_referral(connection: asyncpg.Connection, referral_id: UUID) -> str | None:
    """The area of a watch; None while nobody knows it, or where nothing is watched."""
    scope: str | None = await connection.fetchval(
        "SELECT scope_path FROM followup.watch WHERE referral_id = $1", referral_id
    )
    return scope or None


async def is_known(connection: asyncpg.Connection, referral_id: UUID) -> bool:
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM followup.noted WHERE referral_id = $1)", referral_id
    )
    return found


async def referral_of_visit(connection: asyncpg.Connection, visit_id: UUID) -> UUID | None:
    referral_id: UUID | None = await connection.fetchval(
        "SELECT referral_id FROM followup.visit WHERE visit_id = $1", visit_id
    )
    return referral_id


@dataclass(frozen=True, slots=True)
class WatchFilter:
    scope_path: str
    state: str | None = None
    office_code: str | None = None
    category: str | None = None
    grade: str | None = None
    halted: bool | None = None
    overdue: bool | None = None


async def list_watches(
    connection: asyncpg.Connection, wanted: WatchFilter, *, after: UUID | None, limit: int
) -> list[asyncpg.Record]:
    """The oldest referral first; one more than `limit` says that there are more."""
    where = ["w.referral_id > $1", _IN_SCOPE]
    values: list[Any] = [after or UUID(int=0), wanted.scope_path]
    equal = {"w.state": wanted.state, "w.office_code": wanted.office_code, "n.category": wanted.category,
             "n.grade": wanted.grade}  # fmt: skip
    for column, value in equal.items():
        if value is not None:
            values.append(value)
            where.append(f"{column} = ${len(values)}")
    values.append(limit + 1)
    flags = " AND ".join(_flags(wanted)) or "true"
    statement = f"""
        SELECT * FROM ({_LINES} WHERE {" AND ".join(where)}) AS line WHERE {flags}
        ORDER BY referral_id LIMIT ${len(values)}
    """
    return list(await connection.fetch(statement, *values))


_FIRST = (datetime.min.replace(tzinfo=UTC), UUID(int=0))
_IN_SCOPE = "(w.scope_path = $2 OR w.scope_path LIKE $2 || '/%' OR (w.scope_path = '' AND position('/' in $2) = 0))"


def _flags(wanted: WatchFilter) -> list[str]:
    flags = {"halted": wanted.halted, "overdue": wanted.overdue}
    return [name if value else f"NOT {name}" for name, value in flags.items() if value is not None]


@dataclass(frozen=True, slots=True)
class VisitFilter:
    scope_path: str
    state: str | None = None
    due_before: datetime | None = None
    office_code: str | None = None


async def list_visits(
    connection: asyncpg.Connection, wanted: VisitFilter, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[tuple[ReturnVisit, str | None]]:
    """What somebody must still make, the first due first; with the office it belongs to."""
    values: list[Any] = [*(after or _FIRST), wanted.scope_path]
    where = ["(v.due_at, v.visit_id) > ($1, $2)", _IN_SCOPE.replace("$2", "$3")]
    for clause, value in (("v.state = {}", wanted.state), ("v.due_at <= {}", wanted.due_before),
                          ("w.office_code = {}", wanted.office_code)):  # fmt: skip
        if value is not None:
            values.append(value)
            where.append(clause.format(f"${len(values)}"))
    if wanted.state is None:
        where.append("v.state IN ('planned', 'due', 'unreachable')")
    values.append(limit + 1)
    columns = ", ".join(f"v.{name.strip()}" for name in VISIT_COLUMNS.split(","))
    rows = await connection.fetch(
        f"""SELECT {columns}, w.office_code AS office FROM followup.visit v JOIN followup.watch w USING (referral_id)
            WHERE {" AND ".join(where)} ORDER BY v.due_at, v.visit_id LIMIT ${len(values)}""",
        *values,
    )
    return [(visit_of(row), row["office"]) for row in rows]
