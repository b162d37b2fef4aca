"""What holds a referral: a row for each block, gone when it is lifted."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from triage_svc.domain.halts import Halt
from triage_svc.store.tables import SCHEMA

_LOAD = f"SELECT referral_id, producer, seq, code, at FROM {SCHEMA}.halt WHERE referral_id = ANY ($1)"
_ADD = f"""
    INSERT INTO {SCHEMA}.halt (referral_id, producer, seq, code, at)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[])
    ON CONFLICT DO NOTHING
"""
_LIFT = f"""
    DELETE FROM {SCHEMA}.halt h
    USING unnest($1::uuid[], $2::text[], $3::bigint[]) AS gone(referral_id, producer, seq)
    WHERE (h.referral_id, h.producer, h.seq) = (gone.referral_id, gone.producer, gone.seq)
"""


async def load_halts(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[Halt]:
    return [Halt(*row) for row in await connection.fetch(_LOAD, referral_ids)]


async def save_halts(connection: asyncpg.Connection, halts: Sequence[Halt]) -> None:
    ordered = sorted(halts, key=lambda halt: (halt.referral_id, halt.producer, halt.seq))
    standing = [halt for halt in ordered if not halt.is_lifted]
    lifted = [halt for halt in ordered if halt.is_lifted]
    if standing:
        await connection.execute(
            _ADD,
            [halt.referral_id for halt in standing],
            [halt.producer for halt in standing],
            [halt.seq for halt in standing],
            [halt.code for halt in standing],
            [halt.at for halt in standing],
        )
    if lifted:
        await connection.execute(
            _LIFT,
            [halt.referral_id for halt in lifted],
            [halt.producer for halt in lifted],
            [halt.seq for halt in lifted],
        )
