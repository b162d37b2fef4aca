"""Calls for the linking worker: which wait, which may be the same event, and what changed, one statement a table."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from intake_svc.domain.call import Call, CallId, Decided, ReferralId
from intake_svc.domain.facts import Party
from intake_svc.domain.screening import Screening

# What people have decided comes first: it is little, and somebody waits for it.
_WAITING = """
    (SELECT call_id, referral_id, identity_key, reported_at, errand_link_to FROM intake.call
     WHERE errand IS NOT NULL AND state <> 'received' ORDER BY received_at, call_id LIMIT $1)
    UNION ALL
    (SELECT call_id, referral_id, identity_key, reported_at, errand_link_to FROM intake.call
     WHERE state = 'received' ORDER BY received_at, call_id LIMIT $1)
    LIMIT $1
"""
_LOCK_IDENTITIES = "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key"
# OFFSET 0 pins joins to look-ups: planned while the table is empty they would read all of it, the more the longer.
_MATCHES = """
    SELECT DISTINCT c.call_id, c.referral_id
    FROM unnest($1::bytea[], $2::timestamptz[]) AS new(identity_key, reported_at)
    CROSS JOIN LATERAL (
        SELECT call_id, referral_id FROM intake.call
        WHERE identity_key = new.identity_key AND state <> 'received'
          AND call.reported_at BETWEEN new.reported_at - $3::interval AND new.reported_at + $3::interval OFFSET 0) c
"""
_LINKED = """
    SELECT linked_to, count(*) AS calls, count(*) FILTER (WHERE link_kind = 'duplicate') AS duplicates,
           count(*) FILTER (WHERE link_kind = 'repeat') AS repeats
    FROM intake.call WHERE linked_to = ANY ($1) GROUP BY linked_to
"""
_SAVE = """
    UPDATE intake.call c
    SET state = t.state, came_from = t.came_from, linked_to = t.linked_to, link_kind = t.link_kind,
        screening = t.screening::jsonb, screened_at = t.screened_at, opened_at = t.opened_at,
        people_version = t.people_version, errand = t.errand, errand_version = t.errand_version,
        errand_link_to = t.errand_link_to, decided = t.decided::jsonb, hop = t.hop, told = t.told
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[],
                $8::timestamptz[], $9::int[], $10::text[], $11::int[], $12::uuid[], $13::text[], $14::int[],
                $15::int[])
        AS t(call_id, state, came_from, linked_to, link_kind, screening, screened_at, opened_at, people_version,
             errand, errand_version, errand_link_to, decided, hop, told)
    WHERE c.call_id = t.call_id
"""
_SAVE_PARTIES = """
    INSERT INTO intake.party (party_id, call_id, role)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS t(party_id) ORDER BY party_id
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    call_id: CallId
    referral_id: ReferralId
    identity_key: bytes | None
    reported_at: datetime
    link_to: ReferralId | None


@dataclass(frozen=True, slots=True)
class Linked:
    """How many calls have joined a referral so far."""

    calls: int = 0
    duplicates: int = 0
    repeats: int = 0


async def list_waiting(connection: asyncpg.Connection, *, limit: int) -> list[Waiting]:
    """Oldest first, without locks: whoever acts on one locks its stream and looks again."""
    return [Waiting(*row) for row in await connection.fetch(_WAITING, limit)]


async def lock_identities(connection: asyncpg.Connection, keys: Collection[bytes]) -> None:
    """Until the transaction ends, sorted: the only locks that come before streams."""
    numbers = sorted({int.from_bytes(key[:8], "big", signed=True) for key in keys})
    await connection.execute(_LOCK_IDENTITIES, numbers)


async def list_matches(
    connection: asyncpg.Connection, waiting: Sequence[Waiting], *, window: timedelta
) -> list[tuple[UUID, UUID]]:
    """(call_id, referral_id) of every screened call that one of these may be the same event as."""
    keyed = [one for one in waiting if one.identity_key is not None]
    rows = await connection.fetch(
        _MATCHES, [one.identity_key for one in keyed], [one.reported_at for one in keyed], window
    )
    return [(row[0], row[1]) for row in rows]


async def count_linked(connection: asyncpg.Connection, referral_ids: Collection[UUID]) -> Mapping[UUID, Linked]:
    if not referral_ids:
        return {}
    rows = await connection.fetch(_LINKED, referral_ids)
    return {row[0]: Linked(row[1], row[2], row[3]) for row in rows}


async def save_calls(connection: asyncpg.Connection, calls: Collection[Call]) -> None:
    if not calls:
        return
    rows = [_saved(call) for call in sorted(calls, key=lambda one: one.call_id)]
    await connection.execute(_SAVE, *map(list, zip(*rows, strict=True)))


async def save_parties(connection: asyncpg.Connection, parties: Collection[tuple[CallId, Party]]) -> None:
    if parties:
        rows = [(party.party_id, call_id, party.role) for call_id, party in parties]
        await connection.execute(_SAVE_PARTIES, *map(list, zip(*rows, strict=True)))


def screening_text(screening: Screening) -> str:
    """Rules and blocks; what they matched are the caller's words and stay out."""
    return orjson.dumps(
        {
            "outcome": screening.outcome,
            "rule_version": screening.rule_version,
            "category": screening.category,
            "reasons": [
                {"rule": found.rule, "block": found.block, "zh": found.reason.zh, "en": found.reason.en}
                for found in screening.findings
            ],
        }
    ).decode()


def _saved(call: Call) -> tuple[Any, ...]:
    return (
        call.call_id,
        call.state,
        call.came_from,
        call.linked_to,
        call.link_kind,
        screening_text(call.screening) if call.screening else None,
        call.screened_at,
        call.opened_at,
        call.people_version,
        call.errand,
        call.errand_version,
        call.errand_link_to,
        _decided_text(call.decided) if call.decided else None,
        call.hop,
        call.told,
    )


def _decided_text(decided: Decided) -> str:
    return orjson.dumps(decided, default=str).decode()
