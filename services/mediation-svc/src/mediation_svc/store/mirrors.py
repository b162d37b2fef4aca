"""Mirror rows to domain values and back; one statement for a whole batch."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from mediation_svc.domain.case import ReferralId
from mediation_svc.domain.mirror import Mirror

_LOAD = """
    SELECT referral_id, opened_at, calls, category, grade, hop, office_code, dispatched_at,
           has_people, ended, closed_at, watch_cycle, flags
    FROM mediation.mirror WHERE referral_id = ANY ($1)
"""
_SAVE = """
    INSERT INTO mediation.mirror
        (referral_id, state, opened_at, calls, category, grade, hop, office_code, dispatched_at,
         has_people, ended, closed_at, watch_cycle, flags)
    SELECT referral_id, s, o, n, c, g, h, f, d, p, e, l, w, x::jsonb
    FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::int[], $5::text[], $6::text[], $7::smallint[],
                $8::text[], $9::timestamptz[], $10::bool[], $11::text[], $12::timestamptz[], $13::smallint[],
                $14::text[]) AS t(referral_id, s, o, n, c, g, h, f, d, p, e, l, w, x) ORDER BY referral_id
    ON CONFLICT (referral_id) DO UPDATE SET
        state = EXCLUDED.state, opened_at = EXCLUDED.opened_at, calls = EXCLUDED.calls, category = EXCLUDED.category,
        grade = EXCLUDED.grade, hop = EXCLUDED.hop, office_code = EXCLUDED.office_code,
        dispatched_at = EXCLUDED.dispatched_at, has_people = EXCLUDED.has_people, ended = EXCLUDED.ended,
        closed_at = EXCLUDED.closed_at, watch_cycle = EXCLUDED.watch_cycle, flags = EXCLUDED.flags
"""


async def load_mirrors(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[Mirror]:
    return [_mirror(row) for row in await connection.fetch(_LOAD, referral_ids)]


async def save_mirrors(connection: asyncpg.Connection, mirrors: Collection[Mirror]) -> None:
    if mirrors:
        await connection.execute(_SAVE, *map(list, zip(*map(_row, mirrors), strict=True)))


async def find_mirror(connection: asyncpg.Connection, referral_id: ReferralId) -> Mirror | None:
    found = await load_mirrors(connection, [referral_id])
    return found[0] if found else None


def _mirror(row: asyncpg.Record) -> Mirror:
    columns = dict(row)
    flags = frozenset(columns.pop("flags"))
    return Mirror(**columns, flags=flags)


def _row(m: Mirror) -> tuple[Any, ...]:
    flags = orjson.dumps(sorted(m.flags)).decode()
    return (
        m.referral_id, m.state, m.opened_at, m.calls, m.category, m.grade, m.hop, m.office_code, m.dispatched_at,
        m.has_people, m.ended, m.closed_at, m.watch_cycle, flags,
    )  # fmt: skip
