"""What people read of cases: the work list, page by page, and one case with all that stands beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from mediation_svc.domain.case import MediationCase, ReferralId
from mediation_svc.domain.mirror import Mirror
from mediation_svc.store.cases import case_from
from mediation_svc.store.mirrors import find_mirror

_CODES = """
    ARRAY(SELECT DISTINCT h.code FROM mediation.halt h WHERE h.referral_id = c.referral_id ORDER BY h.code) AS blocks
"""
_FIND = f"SELECT c.detail::text AS detail, {_CODES} FROM mediation.mediation_case c WHERE c.referral_id = $1"
_SCOPE = "SELECT scope_path FROM mediation.mediation_case WHERE referral_id = $1"
_CLAIMS = {
    "overdue": "c.is_overdue",
    "halted": "EXISTS (SELECT FROM mediation.halt h WHERE h.referral_id = c.referral_id)",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Filters of the work list; None: any. `scope_path` is the caller's: a city's sees also what has no area."""

    scope_path: str
    state: str | None = None
    committee_code: str | None = None
    mediator: str | None = None
    overdue: bool | None = None
    halted: bool | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A case as it is shown."""

    case: MediationCase
    blocks: Sequence[str]


async def list_cases(
    connection: asyncpg.Connection, wanted: Wanted, place: tuple[datetime, UUID] | None, *, limit: int
) -> list[Seen]:
    """Oldest first, which never changes: what opens meanwhile comes at the end, so no page misses or doubles a row."""
    conditions, values = _conditions(wanted)
    if place is not None:
        values += place
        conditions.append(f"(c.opened_at, c.referral_id) > (${len(values) - 1}, ${len(values)})")
    values.append(limit)
    rows = await connection.fetch(
        f"""SELECT c.detail::text AS detail, {_CODES} FROM mediation.mediation_case c WHERE {" AND ".join(conditions)}
            ORDER BY c.opened_at, c.referral_id LIMIT ${len(values)}""",
        *values,
    )
    return [Seen(case_from(row["detail"]), row["blocks"]) for row in rows]


async def find_case(connection: asyncpg.Connection, referral_id: UUID) -> tuple[Seen | None, Mirror | None]:
    """The case, and what else is known of the referral."""
    mirror = await find_mirror(connection, ReferralId(referral_id))
    row = await connection.fetchrow(_FIND, referral_id)
    return (None if row is None else Seen(case_from(row["detail"]), row["blocks"])), mirror


async def scope_of_case(connection: asyncpg.Connection, referral_id: UUID) -> str | None:
    """None for what has no case; empty while nobody knows its area: then it is the city's."""
    found: str | None = await connection.fetchval(_SCOPE, referral_id)
    return found


def _conditions(wanted: Wanted) -> tuple[list[str], list[Any]]:
    values: list[Any] = [wanted.scope_path]
    of_nobody = " OR c.scope_path = ''" if "/" not in wanted.scope_path else ""
    conditions = [f"(c.scope_path = $1 OR starts_with(c.scope_path, $1 || '/'){of_nobody})"]
    for column in ("state", "committee_code"):
        if (value := getattr(wanted, column)) is not None:
            values.append(value)
            conditions.append(f"c.{column} = ${len(values)}")
    if wanted.mediator is not None:
        values.append(wanted.mediator)
        conditions.append(f"jsonb_exists(c.detail -> 'mediators', ${len(values)})")
    for claim, is_so in (("overdue", wanted.overdue), ("halted", wanted.halted)):
        if is_so is not None:
            conditions.append(f"{'' if is_so else 'NOT '}({_CLAIMS[claim]})")
    return conditions, values
