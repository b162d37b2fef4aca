"""What people read of referrals: the work list, page by page, and one referral with all that stands beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from triage_svc.domain.referral import Referral
from triage_svc.store.referrals import referral_of
from triage_svc.store.tables import SCHEMA

SUB_DISTRICT = 2  # slashes in its path
_HALTS = f"""
    ARRAY(SELECT DISTINCT h.code FROM {SCHEMA}.halt h WHERE h.referral_id = r.referral_id ORDER BY h.code) AS halt_codes
"""
_FIND = f"SELECT r.*, {_HALTS} FROM {SCHEMA}.referral r WHERE r.referral_id = $1"
_NOTES = f"SELECT text_id, kind, at FROM {SCHEMA}.text_note WHERE referral_id = $1 ORDER BY text_id"
_SCOPE = f"SELECT scope_path FROM {SCHEMA}.referral WHERE referral_id = $1"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters of the work list; None: any. `scope_path` is the caller's: a city's sees also what has no area."""

    scope_path: str
    state: str | None = None
    office_code: str | None = None
    category: str | None = None
    grade: str | None = None
    overdue: bool | None = None
    halted: bool | None = None
    closed: bool | None = None
    needs_review: bool | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A referral as it is shown."""

    referral: Referral
    halt_codes: Sequence[str]
    notes: Sequence[Mapping[str, Any]] = ()


async def list_referrals(
    connection: asyncpg.Connection, wanted: Wanted, place: tuple[datetime, UUID] | None, *, limit: int
) -> list[Seen]:
    """Oldest first, which never changes: what opens meanwhile comes at the end, so no page misses or doubles a row."""
    conditions, values = _conditions(wanted)
    if place is not None:
        values += place
        conditions.append(f"(r.opened_at, r.referral_id) > (${len(values) - 1}, ${len(values)})")
    values.append(limit)
    rows = await connection.fetch(
        f"""SELECT r.*, {_HALTS} FROM {SCHEMA}.referral r WHERE {" AND ".join(conditions)}
            ORDER BY r.opened_at, r.referral_id LIMIT ${len(values)}""",
        *values,
    )
    return [Seen(referral_of(row), row["halt_codes"]) for row in rows]


async def find_referral(connection: asyncpg.Connection, referral_id: UUID) -> Seen | None:
    row = await connection.fetchrow(_FIND, referral_id)
    if row is None:
        return None
    notes = [dict(note) for note in await connection.fetch(_NOTES, referral_id)]
    return Seen(referral_of(row), row["halt_codes"], notes)


async def scope_of(connection: asyncpg.Connection, referral_id: UUID) -> str | None:
    """None for what does not exist; empty while nobody knows its area: then it is the city's."""
    found: str | None = await connection.fetchval(_SCOPE, referral_id)
    return found


def _conditions(wanted: Wanted) -> tuple[list[str], list[Any]]:
    values: list[Any] = [wanted.scope_path]
    conditions = [_within(wanted.scope_path)]
    for column in ("state", "office_code", "category", "grade"):
        if (value := getattr(wanted, column)) is not None:
            values.append(value)
            conditions.append(f"r.{column} = ${len(values)}")
    for claim, condition in _CLAIMS.items():
        if (is_so := getattr(wanted, claim)) is not None:
            conditions.append(f"{'' if is_so else 'NOT '}({condition})")
    return conditions, values


def _within(scope_path: str) -> str:
    """A sub-district is found by the index that also sorts it: nothing stands below it."""
    depth = scope_path.count("/")
    if depth >= SUB_DISTRICT:
        return "r.scope_path = $1"
    of_nobody = " OR r.scope_path = ''" if depth == 0 else ""
    return f"(r.scope_path = $1 OR starts_with(r.scope_path, $1 || '/'){of_nobody})"


_CLAIMS = {
    "overdue": "r.overdue <> '{}'",
    "halted": f"EXISTS (SELECT FROM {SCHEMA}.halt h WHERE h.referral_id = r.referral_id)",
    "closed": "r.closed_at IS NOT NULL",
    "needs_review": "r.needs_review",
}
