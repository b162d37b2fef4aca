"""The statements behind POST: new calls are one round trip and touch no stream; a known one is under its stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from intake_svc.domain.submission import Held, Submission

# ON CONFLICT decides between two that bring the same new call, in one statement or in two: the loser waits for the
# winner's commit and gets no row. In order of the key, so that two statements never wait for each other.
_INSERT = """
    WITH given AS (
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::uuid[], $7::bytea[],
                             $8::timestamptz[], $9::timestamptz[], $10::text[], $11::bytea[], $12::bytea[])
            AS t(call_id, source, call_no, referral_id, tracking_code, version_id, content_hash,
                 updated_at, reported_at, station_code, identity_key, sealed)
    ), fresh AS (
        INSERT INTO intake.call (call_id, source, call_no, referral_id, tracking_code, state, version, version_id,
                                 content_hash, updated_at, reported_at, station_code, identity_key)
        SELECT call_id, source, call_no, referral_id, tracking_code, 'received', 1, version_id,
               content_hash, updated_at, reported_at, station_code, identity_key FROM given ORDER BY source, call_no
        ON CONFLICT (source, call_no) DO NOTHING
        RETURNING call_id, received_at
    ), versioned AS (
        INSERT INTO intake.call_version (version_id, call_id, version, kind, updated_at, content_hash)
        SELECT version_id, call_id, 1, 'current', updated_at, content_hash FROM given JOIN fresh USING (call_id)
    ), sealed AS (
        INSERT INTO intake.vault (version_id, sealed) SELECT version_id, sealed FROM given JOIN fresh USING (call_id)
    )
    SELECT call_id, received_at FROM fresh
"""
_FIND = "SELECT call_id, referral_id, linked_to FROM intake.call WHERE source = $1 AND call_no = $2"
_READ = """
    SELECT c.call_id, c.referral_id, c.tracking_code, c.state, c.version, c.version_id, c.linked_to, c.received_at,
           c.updated_at, c.content_hash
    FROM intake.call c WHERE c.call_id = $1
"""
_SEALED = "SELECT sealed FROM intake.vault WHERE version_id = $1"
_IS_KEPT = """
    SELECT EXISTS (SELECT 1 FROM intake.call_version
                   WHERE call_id = $1 AND content_hash = $2 AND updated_at IS NOT DISTINCT FROM $3)
"""
_KEEP = """
    WITH versioned AS (
        INSERT INTO intake.call_version (version_id, call_id, version, kind, updated_at, content_hash)
        VALUES ($1, $2, $3, $4, $5, $6)
    )
    INSERT INTO intake.vault (version_id, sealed) VALUES ($1, $7)
"""
# A correction is what people at the source have changed: a decision made on the older words must be looked at again.
_ADVANCE = """
    WITH former AS (UPDATE intake.call_version SET kind = 'older' WHERE version_id = $8)
    UPDATE intake.call SET version = $2, version_id = $3, content_hash = $4, updated_at = $5, reported_at = $6,
                           station_code = $7, identity_key = $9, people_version = people_version + 1
    WHERE call_id = $1
"""
_CONFIRM = "UPDATE intake.call SET updated_at = $2 WHERE call_id = $1"


@dataclass(frozen=True, slots=True)
class KnownCall:
    call_id: UUID
    referral_id: UUID
    tracking_code: str
    state: str
    version: int
    version_id: UUID
    linked_to: UUID | None
    received_at: datetime
    held: Held


@dataclass(frozen=True, slots=True)
class FoundCall:
    call_id: UUID
    referral_id: UUID
    linked_to: UUID | None


@dataclass(frozen=True, slots=True)
class NewIds:
    call_id: UUID
    referral_id: UUID
    version_id: UUID
    tracking_code: str


NewRow = tuple[Submission, NewIds, bytes]


async def insert_calls(connection: asyncpg.Connection, rows: Sequence[NewRow]) -> dict[UUID, datetime]:
    """When each was received, by call id; of those that are already there nothing. Needs no transaction around it."""
    found = await connection.fetch(
        _INSERT,
        [ids.call_id for _, ids, _ in rows],
        [new.source for new, _, _ in rows],
        [new.call_no for new, _, _ in rows],
        [ids.referral_id for _, ids, _ in rows],
        [ids.tracking_code for _, ids, _ in rows],
        [ids.version_id for _, ids, _ in rows],
        [new.content_hash for new, _, _ in rows],
        [new.updated_at for new, _, _ in rows],
        [new.reported_at for new, _, _ in rows],
        [new.station_code for new, _, _ in rows],
        [new.identity_key for new, _, _ in rows],
        [sealed for _, _, sealed in rows],
    )
    return {row["call_id"]: row["received_at"] for row in found}


async def find_call(connection: asyncpg.Connection, source: str, call_no: str) -> FoundCall | None:
    """Without locks: what it joined may change until its stream is locked."""
    row = await connection.fetchrow(_FIND, source, call_no)
    return FoundCall(*row) if row else None


async def read_known(connection: asyncpg.Connection, call_id: UUID) -> KnownCall:
    row: Any = await connection.fetchrow(_READ, call_id)
    return KnownCall(
        call_id=row["call_id"],
        referral_id=row["referral_id"],
        tracking_code=row["tracking_code"],
        state=row["state"],
        version=row["version"],
        version_id=row["version_id"],
        linked_to=row["linked_to"],
        received_at=row["received_at"],
        held=Held(row["updated_at"], row["content_hash"]),
    )


async def read_sealed(connection: asyncpg.Connection, version_id: UUID) -> bytes:
    sealed: bytes = await connection.fetchval(_SEALED, version_id)
    return sealed


async def is_kept(connection: asyncpg.Connection, call_id: UUID, new: Submission) -> bool:
    return bool(await connection.fetchval(_IS_KEPT, call_id, new.content_hash, new.updated_at))


async def keep_aside(
    connection: asyncpg.Connection, call_id: UUID, new: Submission, *, kind: str, version_id: UUID, sealed: bytes
) -> None:
    """What does not become current is kept for good all the same."""
    await connection.execute(_KEEP, version_id, call_id, None, kind, new.updated_at, new.content_hash, sealed)


async def advance(
    connection: asyncpg.Connection, known: KnownCall, new: Submission, *, version_id: UUID, sealed: bytes
) -> int:
    """The next version becomes current; gives its number."""
    version = known.version + 1
    await connection.execute(
        _KEEP, version_id, known.call_id, version, "current", new.updated_at, new.content_hash, sealed
    )
    await connection.execute(
        _ADVANCE,
        known.call_id,
        version,
        version_id,
        new.content_hash,
        new.updated_at,
        new.reported_at,
        new.station_code,
        known.version_id,
        new.identity_key,
    )
    return version


async def confirm(connection: asyncpg.Connection, call_id: UUID, updated_at: datetime | None) -> None:
    await connection.execute(_CONFIRM, call_id, updated_at)
