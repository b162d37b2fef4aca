"""Decisions: only ever added, read back as they were written."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import orjson

from triage_svc.domain.decision import Decision, DecisionId
from triage_svc.store.tables import SCHEMA

_DECIDE = f"""
    INSERT INTO {SCHEMA}.decision (id, referral_id, kind, outcome, evidence, versions, scope_path, at)
    SELECT id, referral_id, kind, outcome, evidence::jsonb, versions::jsonb, scope_path, at
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[])
        AS new(id, referral_id, kind, outcome, evidence, versions, scope_path, at) ORDER BY id
"""


async def add_decisions(connection: asyncpg.Connection, decisions: Sequence[Decision]) -> None:
    if decisions:
        await connection.execute(_DECIDE, *map(list, zip(*map(_row, decisions), strict=True)))


async def find_decision(connection: asyncpg.Connection, decision_id: DecisionId) -> Mapping[str, Any] | None:
    """As it was written: reading it back into the domain would decide nothing."""
    row = await connection.fetchrow(f"SELECT * FROM {SCHEMA}.decision WHERE id = $1", decision_id)
    return dict(row) if row else None


def _row(one: Decision) -> tuple[Any, ...]:
    return (
        one.decision_id,
        one.referral_id,
        one.kind,
        one.outcome,
        orjson.dumps(one.evidence, default=str).decode(),
        orjson.dumps(one.versions, default=str).decode(),
        one.scope_path,
        one.at,
    )
