"""Mirror rows to domain values and back; one statement for a whole batch."""

from collections.abc import Collection, Sequence
from uuid import UUID

import asyncpg

from mediation_svc.domain.case import ReferralId
from mediation_svc.domain.mirror import Mirror

_LOAD = """
    SELECT referral_id, opened_at, calls, category, grade, hop, office_code, dispatched_at
    FROM mediation.mirror WHERE referral_id = ANY ($1)
"""
_SAVE = """
    INSERT INTO mediation.mirror
        (referral_id, state, opened_at, calls, category, grade, hop, office_code, dispatched_at)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::int[], $5::text[], $6::text[], $7::smallint[],
                         $8::text[], $9::timestamptz[]) AS t(referral_id) ORDER BY referral_id
    ON CONFLICT (referral_id) DO UPDATE SET
        state = EXCLUDED.state, opened_at = EXCLUDED.opened_at, calls = EXCLUDED.calls, category = EXCLUDED.category,
        grade = EXCLUDED.grade, hop = EXCLUDED.hop, office_code = EXCLUDED.office_code,
        dispatched_at = EXCLUDED.dispatched_at
"""


async def load_mirrors(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[Mirror]:
    return [Mirror(*row) for row in await connection.fetch(_LOAD, referral_ids)]


async def save_mirrors(connection: asyncpg.Connection, mirrors: Collection[Mirror]) -> None:
    if not mirrors:
        return
    rows = [
        (m.referral_id, m.state, m.opened_at, m.calls, m.category, m.grade, m.hop, m.office_code, m.dispatched_at)
        for m in mirrors
    ]
    await connection.execute(_SAVE, *map(list, zip(*rows, strict=True)))


async def find_mirror(connection: asyncpg.Connection, referral_id: ReferralId) -> Mirror | None:
    found = await load_mirrors(connection, [referral_id])
    return found[0] if found else None
