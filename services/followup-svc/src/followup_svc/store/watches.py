"""Watches and notes: rows to domain values and back; one statement per table for a whole batch."""

from collections.abc import Collection, Sequence
from uuid import UUID

import asyncpg

from followup_svc.domain.noted import Noted
from followup_svc.domain.watch import Watch, WatchState

_LOAD_NOTED = """
    SELECT referral_id, opened_at, calls, category, grade FROM followup.noted WHERE referral_id = ANY ($1)
"""
_SAVE_NOTED = """
    INSERT INTO followup.noted (referral_id, opened_at, calls, category, grade)
    SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::int[], $4::text[], $5::text[]) AS t(referral_id)
    ORDER BY referral_id
    ON CONFLICT (referral_id) DO UPDATE SET
        opened_at = EXCLUDED.opened_at, calls = EXCLUDED.calls, category = EXCLUDED.category, grade = EXCLUDED.grade
"""
_LOAD_WATCHES = """
    SELECT referral_id, opened_at, state, cycle, hop, office_code FROM followup.watch WHERE referral_id = ANY ($1)
"""
_SAVE_WATCHES = """
    INSERT INTO followup.watch (referral_id, opened_at, state, cycle, hop, office_code)
    SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::smallint[], $5::smallint[], $6::text[])
        AS t(referral_id)
    ORDER BY referral_id
    ON CONFLICT (referral_id) DO UPDATE SET
        state = EXCLUDED.state, cycle = EXCLUDED.cycle, hop = EXCLUDED.hop, office_code = EXCLUDED.office_code
"""


async def load_noted(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[Noted]:
    return [Noted(*row) for row in await connection.fetch(_LOAD_NOTED, referral_ids)]


async def save_noted(connection: asyncpg.Connection, noted: Collection[Noted]) -> None:
    rows = [(n.referral_id, n.opened_at, n.calls, n.category, n.grade) for n in noted]
    if rows:
        await connection.execute(_SAVE_NOTED, *map(list, zip(*rows, strict=True)))


async def load_watches(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[Watch]:
    return [
        Watch(row[0], row[1], WatchState(row[2]), row[3], row[4], row[5])
        for row in await connection.fetch(_LOAD_WATCHES, referral_ids)
    ]


async def save_watches(connection: asyncpg.Connection, watches: Collection[Watch]) -> None:
    """When a watch began is written once: later cycles are told by their number."""
    rows = [(w.referral_id, w.opened_at, w.state, w.cycle, w.hop, w.office_code) for w in watches]
    if rows:
        await connection.execute(_SAVE_WATCHES, *map(list, zip(*rows, strict=True)))
