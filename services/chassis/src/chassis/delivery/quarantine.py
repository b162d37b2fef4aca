"""Records that can be given no place in any stream: kept encrypted with where they stood, and alarmed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
import structlog

from chassis.database import Database
from chassis.sealing import Keyring

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Unplaced:
    """One record as it came, and which attribute could not be read."""

    topic: str
    partition: int
    offset: int
    reason: str
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    body: bytes | None


class Quarantine:
    """Bytes are sealed: nobody knows what they hold, so they count as personal data."""

    def __init__(self, database: Database, schema: str, keyring: Keyring, *, consumer: str) -> None:
        self._database, self._keyring, self._consumer = database, keyring, consumer
        self._insert = f"""
            INSERT INTO {schema}.quarantine (consumer, topic, partition, "offset", reason, sealed, digest)
            SELECT $1, t, p, o, r, s, d
            FROM unnest($2::text[], $3::int[], $4::bigint[], $5::text[], $6::bytea[], $7::bytea[])
                AS u(t, p, o, r, s, d) ORDER BY t, p, o
            ON CONFLICT DO NOTHING
        """

    async def keep(self, records: Sequence[Unplaced]) -> None:
        """Its own transaction: a record read again is kept once."""
        texts = [_text(record) for record in records]
        async with self._database.transaction() as connection:
            await connection.execute(
                self._insert,
                self._consumer,
                [record.topic for record in records],
                [record.partition for record in records],
                [record.offset for record in records],
                [record.reason for record in records],
                [
                    self._keyring.seal(text, place_of(record).encode())
                    for record, text in zip(records, texts, strict=True)
                ],
                [hashlib.sha256(text).digest() for text in texts],
            )
        for record in records:
            log.error("record_quarantined", topic=record.topic, partition=record.partition, reason=record.reason)


def _text(record: Unplaced) -> bytes:
    return orjson.dumps(
        {
            "key": record.key.hex() if record.key is not None else None,
            "headers": [(name, None if value is None else value.hex()) for name, value in record.headers],
            "body": record.body.hex() if record.body is not None else None,
        }
    )


def place_of(record: Unplaced) -> str:
    """What a sealed record is bound to: it cannot be opened as another's."""
    return f"quarantine/{record.topic}/{record.partition}/{record.offset}"
