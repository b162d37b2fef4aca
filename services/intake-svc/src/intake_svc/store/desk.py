"""Blocks and tellings to rows, one statement a table."""

from collections.abc import Collection, Mapping
from uuid import UUID

import asyncpg

from intake_svc.domain.blocks import Block
from intake_svc.domain.feedback import Feedback

_SAVE_BLOCKS = """
    INSERT INTO intake.block (block_id, call_id, code, set_by, set_at, reason, note_id, halts, event_id, seq,
                              lifted_at, lifted_by, lift_reason, lift_note_id)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::uuid[],
                         $8::uuid[], $9::uuid[], $10::int[], $11::timestamptz[], $12::text[], $13::text[],
                         $14::uuid[]) AS t(block_id) ORDER BY block_id
    ON CONFLICT (block_id) DO UPDATE
    SET halts = excluded.halts, event_id = excluded.event_id, seq = excluded.seq, lifted_at = excluded.lifted_at,
        lifted_by = excluded.lifted_by, lift_reason = excluded.lift_reason, lift_note_id = excluded.lift_note_id
"""
_SAVE_FEEDBACK = """
    INSERT INTO intake.feedback (call_id, fact_id, referral_id, milestone, outcome, at, version,
                                 awaits_acknowledgement, notice_id, state, delivered_at, settled_at, waived_by,
                                 reason, note_id)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::int[],
                         $8::boolean[], $9::uuid[], $10::text[], $11::timestamptz[], $12::timestamptz[], $13::text[],
                         $14::text[], $15::uuid[]) AS t(call_id, fact_id) ORDER BY call_id, fact_id
    ON CONFLICT (call_id, fact_id) DO UPDATE
    SET state = excluded.state, delivered_at = excluded.delivered_at, settled_at = excluded.settled_at,
        waived_by = excluded.waived_by, reason = excluded.reason, note_id = excluded.note_id
"""


async def save_blocks(connection: asyncpg.Connection, blocks: Collection[Block], numbers: Mapping[UUID, int]) -> None:
    """`numbers` are the stream numbers of events written now, by event id."""
    if not blocks:
        return
    rows = [
        (
            block.block_id,
            block.call_id,
            block.code,
            block.set_by,
            block.set_at,
            block.reason,
            block.note_id,
            block.halts,
            block.event_id,
            block.seq if block.event_id is None else numbers.get(block.event_id, block.seq),
            block.lifted_at,
            block.lifted_by,
            block.lift_reason,
            block.lift_note_id,
        )
        for block in blocks
    ]
    await connection.execute(_SAVE_BLOCKS, *map(list, zip(*rows, strict=True)))


async def save_feedback(connection: asyncpg.Connection, tellings: Collection[tuple[UUID, Feedback]]) -> None:
    """Each with its referral."""
    if not tellings:
        return
    rows = [
        (
            one.call_id,
            one.fact_id,
            referral_id,
            one.milestone,
            one.outcome,
            one.at,
            one.version,
            one.awaits_acknowledgement,
            one.notice_id,
            one.state,
            one.delivered_at,
            one.settled_at,
            one.waived_by,
            one.reason,
            one.note_id,
        )
        for referral_id, one in tellings
    ]
    await connection.execute(_SAVE_FEEDBACK, *map(list, zip(*rows, strict=True)))
