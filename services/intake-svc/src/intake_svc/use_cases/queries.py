"""Reads that change nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from intake_svc.domain.feedback import Feedback
from intake_svc.store.loading import feedback_of

_CALL = """
    SELECT call_id, source, call_no, state, version, referral_id, tracking_code, linked_to, station_code, reported_at,
           received_at, screening, screened_at, opened_at, link_kind, scope_path, people_version, errand, decided, hop
    FROM intake.call WHERE source = $1 AND call_no = $2
"""
_VERSIONS = """
    SELECT version, kind, updated_at, received_at FROM intake.call_version WHERE call_id = $1 ORDER BY received_at
    LIMIT 500
"""
_STREAMS = """
    SELECT c.call_id, c.referral_id, c.linked_to, b.halts
    FROM intake.call c
    LEFT JOIN LATERAL (
        SELECT array_agg(DISTINCT halts) AS halts FROM intake.block
        WHERE block.call_id = c.call_id AND lifted_at IS NULL AND halts IS NOT NULL OFFSET 0) b ON true
    WHERE c.source = $1 AND c.call_no = $2
"""
_BLOCKS = """
    SELECT code, set_by, set_at, reason, note_id, halts, lifted_at, lifted_by, lift_reason, lift_note_id
    FROM intake.block
    WHERE call_id = $1 ORDER BY set_at, block_id LIMIT 200
"""
_FEEDBACK = "SELECT * FROM intake.feedback WHERE call_id = $1 ORDER BY version LIMIT 500"
_BODY = """
    SELECT c.call_id, c.source, c.referral_id, c.scope_path, c.version, c.version_id, v.sealed
    FROM intake.call c JOIN intake.vault v ON v.version_id = c.version_id WHERE c.source = $1 AND c.call_no = $2
"""
_SCOPE = "SELECT scope_path FROM intake.call WHERE referral_id = $1"
_ACCEPTED = "SELECT count(*) FROM intake.call_version WHERE version = 1"
_COUNTS = """
    SELECT state, count(*) AS calls, count(opened_at) AS opened FROM intake.call GROUP BY state ORDER BY state
"""
_HALTED = """
    SELECT count(*) FILTER (WHERE stands) AS halted, count(*) FILTER (WHERE NOT stands) AS freed
    FROM (SELECT bool_or(lifted_at IS NULL) AS stands FROM intake.block WHERE halts IS NOT NULL GROUP BY halts) b
"""


@dataclass(frozen=True, slots=True)
class CallView:
    """A call and its versions, as rows; no personal data stands in either."""

    call: dict[str, Any]
    versions: list[dict[str, Any]]
    blocks: list[dict[str, Any]]
    feedback: list[Feedback]

    def milestones(self) -> list[tuple[str, datetime]]:
        """What has happened so far, from the instants the row keeps."""
        named = [
            ("received", self.call["received_at"]),
            ("screened", self.call["screened_at"]),
            ("opened", self.call["opened_at"]),
            ("linked", self.call["screened_at"] if self.call["linked_to"] else None),
        ]
        told = [(one.milestone.value, one.at) for one in self.feedback]
        return [(name, at) for name, at in named if at is not None] + told


@dataclass(frozen=True, slots=True)
class CallStreams:
    """The referral reserved for a call, and others in which facts about it may stand."""

    call_id: UUID
    own: UUID
    others: frozenset[UUID]


async def find_call_view(connection: asyncpg.Connection, source: str, call_no: str) -> CallView | None:
    row = await connection.fetchrow(_CALL, source, call_no)
    if row is None:
        return None
    versions = await connection.fetch(_VERSIONS, row["call_id"])
    blocks = await connection.fetch(_BLOCKS, row["call_id"])
    feedback = await list_feedback(connection, row["call_id"])
    return CallView(dict(row), [dict(version) for version in versions], [dict(block) for block in blocks], feedback)


async def list_feedback(connection: asyncpg.Connection, call_id: UUID) -> list[Feedback]:
    """In the order told."""
    return [feedback_of(row) for row in await connection.fetch(_FEEDBACK, call_id)]


async def find_streams(connection: asyncpg.Connection, source: str, call_no: str) -> CallStreams | None:
    """Without locks: whoever locks them looks again whether these are still all."""
    row = await connection.fetchrow(_STREAMS, source, call_no)
    if row is None:
        return None
    others = {row["linked_to"], *(row["halts"] or ())} - {None}
    return CallStreams(row["call_id"], row["referral_id"], frozenset(others))


async def scope_of_referral(connection: asyncpg.Connection, referral_id: UUID) -> str | None:
    scope: str | None = await connection.fetchval(_SCOPE, referral_id)
    return scope


async def find_body(connection: asyncpg.Connection, source: str, call_no: str) -> dict[str, Any] | None:
    """The current version, sealed."""
    row = await connection.fetchrow(_BODY, source, call_no)
    return dict(row) if row else None


async def ledger_counts(connection: asyncpg.Connection) -> dict[str, Any]:
    """intake's part of the ledger: calls accepted, by their first versions, and calls by state, by their own rows.

    The two are counted apart, so that a lost call shows. `opened` counts referrals ever opened, `halted` those on which
    a block stands, `freed` those of which all were lifted.
    """
    rows = await connection.fetch(_COUNTS)
    halted, freed = await connection.fetchrow(_HALTED) or (0, 0)
    by_state = {row["state"]: row["calls"] for row in rows}
    return {
        "accepted": await connection.fetchval(_ACCEPTED),
        "by_state": by_state,
        "opened": sum(row["opened"] for row in rows),
        "unopened_by_state": {row["state"]: row["calls"] - row["opened"] for row in rows},
        "received": by_state.get("received", 0),
        "halted": halted,
        "freed": freed,
    }
