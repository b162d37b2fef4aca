"""What the gate looks at besides the visits: obligations, milestones, halts. Rows to domain values and back."""

from collections.abc import Collection, Sequence
from uuid import UUID

import asyncpg

from followup_svc.domain.halt import Halt
from followup_svc.domain.milestone import MilestoneState, MilestoneTold
from followup_svc.domain.obligation import Obligation, ObligationState
from followup_svc.store.upserting import Upsert

_LOAD_OBLIGATIONS = """
    SELECT obligation_id, referral_id, cycle, kind, due_on, state FROM followup.obligation
    WHERE referral_id = ANY ($1) ORDER BY obligation_id
"""
_LOAD_MILESTONES = """
    SELECT referral_id, fact_id, milestone, state, awaits FROM followup.milestone
    WHERE referral_id = ANY ($1) ORDER BY fact_id
"""
_LOAD_HALTS = """
    SELECT referral_id, producer, seq, at, lifted_at FROM followup.halt WHERE referral_id = ANY ($1) ORDER BY seq
"""
_OBLIGATIONS = Upsert(
    "obligation",
    {
        "obligation_id": "uuid", "referral_id": "uuid", "cycle": "int2", "kind": "text", "due_on": "date",
        "due_at": "timestamptz", "state": "text",
    },
    key=1,
)  # fmt: skip
_MILESTONES = Upsert(
    "milestone",
    {"fact_id": "uuid", "referral_id": "uuid", "milestone": "text", "state": "text", "awaits": "bool"},
    key=1,
)
_HALTS = Upsert(
    "halt",
    {"referral_id": "uuid", "producer": "text", "seq": "int", "at": "timestamptz", "lifted_at": "timestamptz"},
    key=3,
)


async def load_obligations(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[Obligation]:
    return [
        Obligation(row[0], row[1], row[2], row[3], row[4], ObligationState(row[5]))
        for row in await connection.fetch(_LOAD_OBLIGATIONS, referral_ids)
    ]


async def save_obligations(connection: asyncpg.Connection, obligations: Collection[Obligation]) -> None:
    rows = [
        (one.obligation_id, one.referral_id, one.cycle, one.kind, one.due_on, one.due_at, one.state.value)
        for one in obligations
    ]
    await _OBLIGATIONS.write(connection, rows)


async def load_milestones(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[MilestoneTold]:
    return [
        MilestoneTold(row[0], row[1], row[2], MilestoneState(row[3]), row[4])
        for row in await connection.fetch(_LOAD_MILESTONES, referral_ids)
    ]


async def save_milestones(connection: asyncpg.Connection, milestones: Collection[MilestoneTold]) -> None:
    rows = [(one.fact_id, one.referral_id, one.milestone, one.state.value, one.awaits) for one in milestones]
    await _MILESTONES.write(connection, rows)


async def load_halts(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[Halt]:
    return [Halt(*row) for row in await connection.fetch(_LOAD_HALTS, referral_ids)]


async def save_halts(connection: asyncpg.Connection, halts: Collection[Halt]) -> None:
    await _HALTS.write(connection, [(one.referral_id, one.producer, one.seq, one.at, one.lifted_at) for one in halts])
