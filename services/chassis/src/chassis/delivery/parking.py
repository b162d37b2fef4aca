"""What operators see of parked and quarantined events, and how one is tried again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import structlog

from chassis.delivery.statements import ACTING

log = structlog.get_logger(__name__)

_COLUMNS = "producer, referral_id, seq, event_id, type, reason, detail, needs, since"


class ParkedReads:
    def __init__(self, schema: str) -> None:
        self._schema = schema

    async def page(
        self,
        connection: asyncpg.Connection,
        *,
        reason: str | None,
        producer: str | None,
        after: str | None,
        limit: int,
    ) -> dict[str, Any]:
        """By referral, producer and number; a cursor that is not ours begins at the start."""
        referral_id, who, seq = _read_cursor(after)
        rows = await connection.fetch(
            f"""SELECT {_COLUMNS} FROM {self._schema}.parked
                WHERE consumer = $1 AND ($2::text IS NULL OR reason = $2) AND ($3::text IS NULL OR producer = $3)
                  AND (referral_id, producer, seq) > ($4, $5, $6) ORDER BY referral_id, producer, seq LIMIT $7""",
            ACTING,
            reason,
            producer,
            referral_id,
            who,
            seq,
            limit,
        )
        items = [_shown(row) for row in rows]
        last = items[-1] if len(items) == limit else None
        return {"items": items, "next": last and f"{last['referral_id']}|{last['producer']}|{last['seq']}"}

    async def quarantine_page(self, connection: asyncpg.Connection, *, after: int, limit: int) -> dict[str, Any]:
        rows = await connection.fetch(
            f"""SELECT n, topic, partition, "offset", reason, since FROM {self._schema}.quarantine
                WHERE n > $1 ORDER BY n LIMIT $2""",
            after,
            limit,
        )
        items = [_shown(row) for row in rows]
        return {"items": items, "next": items[-1]["n"] if len(items) == limit else None}

    async def stream(self, connection: asyncpg.Connection, referral_id: UUID) -> dict[str, Any]:
        """Everything delivery knows of one referral; empty where this service has never heard of it."""
        head = await connection.fetchval(f"SELECT head FROM {self._schema}.stream WHERE referral_id = $1", referral_id)
        events = await connection.fetch(
            f"""SELECT seq, type, recorded_at AS at FROM {self._schema}.event_log
                WHERE referral_id = $1 ORDER BY seq LIMIT 1000""",
            referral_id,
        )
        positions = await connection.fetch(
            f"SELECT producer, last FROM {self._schema}.stream_pos WHERE referral_id = $1 AND consumer = $2",
            referral_id,
            ACTING,
        )
        parked = await connection.fetch(
            f"SELECT {_COLUMNS} FROM {self._schema}.parked WHERE referral_id = $1 AND consumer = $2 ORDER BY seq",
            referral_id,
            ACTING,
        )
        return {
            "referral_id": str(referral_id),
            "head": head or 0,
            "events": [_shown(row) for row in events],
            "positions": {row["producer"]: {"last": row["last"]} for row in positions},
            "parked": [_shown(row) for row in parked],
        }

    async def retry(
        self, connection: asyncpg.Connection, producer: str, referral_id: UUID, seq: int, *, by: str, reason: str
    ) -> bool:
        """Makes a failed or unknown event wait for its turn again, under its stream's lock; False if there is none."""
        await connection.execute(f"SELECT 1 FROM {self._schema}.stream WHERE referral_id = $1 FOR UPDATE", referral_id)
        status = await connection.execute(
            f"""UPDATE {self._schema}.parked SET reason = 'waiting', detail = '', needs = ''
                WHERE consumer = $1 AND producer = $2 AND referral_id = $3 AND seq = $4
                  AND reason IN ('failed', 'unknown_version')""",
            ACTING,
            producer,
            referral_id,
            seq,
        )
        found = bool(status == "UPDATE 1")
        log.info(
            "parked_retried", producer=producer, referral_id=str(referral_id), seq=seq, by=by, why=reason, found=found
        )
        return found


def _shown(row: asyncpg.Record) -> dict[str, Any]:
    return {name: value if isinstance(value, int) else str(value) for name, value in row.items()}


def _read_cursor(cursor: str | None) -> tuple[UUID, str, int]:
    try:
        referral_id, producer, seq = (cursor or "").split("|")
        return UUID(referral_id), producer, int(seq)
    except ValueError:
        return UUID(int=0), "", 0
