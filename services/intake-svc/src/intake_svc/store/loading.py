"""Everything of the calls whose referrals a transaction has locked: one statement, and rows to domain."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from intake_svc.domain.blocks import Block, BlockId, SetBy
from intake_svc.domain.call import Call, CallState, Decided, Errand, LinkKind
from intake_svc.domain.feedback import Feedback, FeedbackState, Milestone
from intake_svc.domain.screening import Finding, Outcome, Reason, Screening

# OFFSET 0 pins joins to look-ups: planned while the tables are empty they would read all of them, the more the longer.
# Bodies only of calls that the linking worker decides; of most calls neither a block nor a telling stands anywhere.
_LOAD = """
    SELECT c.call_id, c.source, c.call_no, c.referral_id, c.tracking_code, c.state, c.version, c.reported_at,
           c.received_at, c.identity_key, c.station_code, c.came_from, c.linked_to, c.link_kind, c.screening,
           c.screened_at, c.opened_at, c.people_version, c.errand, c.errand_version, c.errand_link_to, c.decided,
           c.hop, c.told, c.scope_path, c.version_id, v.sealed, b.blocks, f.feedback
    FROM intake.call c
    LEFT JOIN LATERAL (
        SELECT sealed FROM intake.vault
        WHERE vault.version_id = c.version_id AND (c.state = 'received' OR c.errand IS NOT NULL) OFFSET 0) v ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(block ORDER BY block.block_id) AS blocks FROM intake.block
        WHERE block.call_id = c.call_id OFFSET 0) b ON true
    LEFT JOIN LATERAL (
        SELECT array_agg(feedback ORDER BY feedback.version) AS feedback FROM intake.feedback
        WHERE c.told > 0 AND feedback.call_id = c.call_id OFFSET 0) f ON true
    WHERE c.referral_id = ANY ($1)
    ORDER BY c.received_at, c.call_id
"""


@dataclass(frozen=True, slots=True)
class LoadedCall:
    call: Call
    version_id: UUID
    sealed: bytes | None
    scope_path: str | None
    blocks: tuple[Block, ...]
    feedback: tuple[Feedback, ...]


async def load_calls(connection: asyncpg.Connection, referral_ids: Collection[UUID]) -> list[LoadedCall]:
    """Oldest first."""
    return [_loaded(row) for row in await connection.fetch(_LOAD, referral_ids)]


def _loaded(row: Any) -> LoadedCall:
    return LoadedCall(
        call_of(row),
        row["version_id"],
        row["sealed"],
        row["scope_path"],
        tuple(_block(one) for one in row["blocks"] or ()),
        tuple(feedback_of(one) for one in row["feedback"] or ()),
    )


def call_of(row: Any) -> Call:
    return Call(
        call_id=row["call_id"],
        source=row["source"],
        call_no=row["call_no"],
        referral_id=row["referral_id"],
        tracking_code=row["tracking_code"],
        state=CallState(row["state"]),
        version=row["version"],
        reported_at=row["reported_at"],
        received_at=row["received_at"],
        identity_key=row["identity_key"],
        station_code=row["station_code"],
        came_from=CallState(row["came_from"]) if row["came_from"] else None,
        linked_to=row["linked_to"],
        link_kind=LinkKind(row["link_kind"]) if row["link_kind"] else None,
        screening=_screening(row["screening"]) if row["screening"] else None,
        screened_at=row["screened_at"],
        opened_at=row["opened_at"],
        people_version=row["people_version"],
        errand=Errand(row["errand"]) if row["errand"] else None,
        errand_version=row["errand_version"],
        errand_link_to=row["errand_link_to"],
        decided=_decided(row["decided"]) if row["decided"] else None,
        hop=row["hop"],
        told=row["told"],
    )


def _screening(kept: dict[str, Any]) -> Screening:
    """As it was, but for the words it matched: those are never kept."""
    outcome = Outcome(kept["outcome"])
    findings = tuple(
        Finding(one["rule"], outcome, one["block"], Reason(one["zh"], one["en"])) for one in kept["reasons"]
    )
    return Screening(outcome, kept["rule_version"], findings, kept["category"])


def _decided(kept: dict[str, Any]) -> Decided:
    return Decided(
        kept["decision"],
        kept["reason"],
        kept["by"],
        kept["role"],
        datetime.fromisoformat(kept["at"]),
        kept["body_code"],
        UUID(kept["note_id"]) if kept["note_id"] else None,
    )


def _block(row: Any) -> Block:
    return Block(
        BlockId(row["block_id"]),
        row["call_id"],
        row["code"],
        SetBy(row["set_by"]),
        row["set_at"],
        row["reason"],
        row["note_id"],
        row["halts"],
        row["event_id"],
        row["seq"],
        row["lifted_at"],
        row["lifted_by"],
        row["lift_reason"],
        row["lift_note_id"],
    )


def feedback_of(row: Any) -> Feedback:
    return Feedback(
        row["call_id"],
        Milestone(row["milestone"]),
        row["fact_id"],
        row["outcome"],
        row["at"],
        row["version"],
        row["awaits_acknowledgement"],
        row["notice_id"],
        FeedbackState(row["state"]),
        row["delivered_at"],
        row["settled_at"],
        row["waived_by"],
        row["reason"],
        row["note_id"],
    )
