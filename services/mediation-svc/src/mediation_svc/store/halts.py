"""Blocks that hold a referral: one statement to load, one to write, one to take away."""

from collections.abc import Collection, Sequence
from uuid import UUID

import asyncpg

from mediation_svc.domain.halts import Halt

_LOAD = "SELECT referral_id, producer, seq, code, at FROM mediation.halt WHERE referral_id = ANY ($1)"
_ADD = """
    INSERT INTO mediation.halt (referral_id, producer, seq, code, at)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::timestamptz[]) ON CONFLICT DO NOTHING
"""
_REMOVE = """
    DELETE FROM mediation.halt h USING unnest($1::uuid[], $2::text[], $3::int[]) AS gone(referral_id, producer, seq)
    WHERE (h.referral_id, h.producer, h.seq) = (gone.referral_id, gone.producer, gone.seq)
"""


async def load_halts(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[Halt]:
    return [Halt(*row) for row in await connection.fetch(_LOAD, referral_ids)]


async def save_halts(connection: asyncpg.Connection, halts: Collection[Halt]) -> None:
    standing = sorted((h.referral_id, h.producer, h.seq, h.code, h.at) for h in halts if not h.is_lifted)
    lifted = sorted(h.key for h in halts if h.is_lifted)
    if standing:
        await connection.execute(_ADD, *map(list, zip(*standing, strict=True)))
    if lifted:
        await connection.execute(_REMOVE, *map(list, zip(*lifted, strict=True)))
