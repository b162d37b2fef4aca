"""Referrals and decisions: rows to domain and back, one statement a table."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from triage_svc.domain.decision import Decision, DecisionId
from triage_svc.domain.referral import Counters, Referral, ReferralId, State, Verdict
from triage_svc.store.tables import SCHEMA

_LOAD = f"SELECT * FROM {SCHEMA}.referral WHERE referral_id = ANY ($1)"

_SAVE = f"""
    INSERT INTO {SCHEMA}.referral (referral_id, state, category, grade, needs_review, office_code, hop,
        responsible_code, review_reason, came_from, opened_at, dispatched_at, calls, duplicates, repeats)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bool[], $6::text[], $7::int[],
        $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[], $13::int[], $14::int[], $15::int[])
        AS new(referral_id) ORDER BY referral_id
    ON CONFLICT (referral_id) DO UPDATE SET
        state = EXCLUDED.state, category = EXCLUDED.category, grade = EXCLUDED.grade,
        needs_review = EXCLUDED.needs_review, office_code = EXCLUDED.office_code, hop = EXCLUDED.hop,
        responsible_code = EXCLUDED.responsible_code, review_reason = EXCLUDED.review_reason,
        came_from = EXCLUDED.came_from, dispatched_at = EXCLUDED.dispatched_at,
        calls = EXCLUDED.calls, duplicates = EXCLUDED.duplicates, repeats = EXCLUDED.repeats
"""

_DECIDE = f"""
    INSERT INTO {SCHEMA}.decision (id, referral_id, kind, outcome, evidence, versions, scope_path, at)
    SELECT id, referral_id, kind, outcome, evidence::jsonb, versions::jsonb, scope_path, at
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[])
        AS new(id, referral_id, kind, outcome, evidence, versions, scope_path, at) ORDER BY id
"""


async def load_referrals(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[Referral]:
    return [_referral(row) for row in await connection.fetch(_LOAD, referral_ids)]


async def save_referrals(connection: asyncpg.Connection, referrals: Sequence[Referral]) -> None:
    """Sorted by id like every multi-row statement; the streams of these referrals are locked."""
    if referrals:
        await connection.execute(_SAVE, *map(list, zip(*map(_row, referrals), strict=True)))


async def add_decisions(connection: asyncpg.Connection, decisions: Sequence[Decision]) -> None:
    if decisions:
        await connection.execute(_DECIDE, *map(list, zip(*map(_decision_row, decisions), strict=True)))


async def find_decision(connection: asyncpg.Connection, decision_id: DecisionId) -> Mapping[str, Any] | None:
    """As it was written: reading it back into the domain would decide nothing."""
    row = await connection.fetchrow(f"SELECT * FROM {SCHEMA}.decision WHERE id = $1", decision_id)
    return dict(row) if row else None


def _referral(row: asyncpg.Record) -> Referral:
    return Referral(
        ReferralId(row["referral_id"]),
        State(row["state"]),
        Verdict(row["category"], row["grade"], row["needs_review"]),
        row["responsible_code"],
        row["opened_at"],
        Counters(row["calls"], row["duplicates"], row["repeats"]),
        row["office_code"],
        row["hop"],
        row["dispatched_at"],
        row["review_reason"],
        State(row["came_from"]) if row["came_from"] else None,
    )


def _row(one: Referral) -> tuple[Any, ...]:
    return (
        one.referral_id,
        one.state,
        one.verdict.category,
        one.verdict.grade,
        one.verdict.needs_review,
        one.office_code,
        one.hop,
        one.responsible_code,
        one.review_reason,
        one.came_from,
        one.opened_at,
        one.dispatched_at,
        one.counters.calls,
        one.counters.duplicates,
        one.counters.repeats,
    )


def _decision_row(one: Decision) -> tuple[Any, ...]:
    return (
        one.decision_id,
        one.referral_id,
        one.kind,
        one.outcome,
        orjson.dumps(one.evidence).decode(),
        orjson.dumps(one.versions).decode(),
        one.scope_path,
        one.at,
    )
