"""What operators see of what stands aside, and how it is tried again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from chassis.delivery.lacks import REAL, UNREPAIRABLE
from chassis.delivery.statements import ACTING
from chassis.delivery.wire import read_after

_COLUMNS = "producer, referral_id, seq, event_id, type, reason, detail, needs, since"


class ParkedReads:
    def __init__(self, schema: str) -> None:
        self._schema = schema

    async def page(
        self,
        connection: asyncpg.Connection,
        *,
        consumer: str,
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
            consumer,
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

    async def one(
        self, connection: asyncpg.Connection, consumer: str, producer: str, referral_id: UUID, seq: int
    ) -> dict[str, Any] | None:
        """With its headers, never its body: that may hold what people have said."""
        row = await connection.fetchrow(
            f"""SELECT {_COLUMNS}, headers FROM {self._schema}.parked
                WHERE referral_id = $1 AND consumer = $2 AND producer = $3 AND seq = $4""",
            referral_id, consumer, producer, seq,
        )  # fmt: skip
        if row is None:
            return None
        at = await _positions(connection, self._schema, consumer, referral_id)
        missing = {name: number for name, number in read_after(row["needs"]).items() if number > at.get(name, 0)}
        return {**_shown(row), "headers": row["headers"], "missing": missing, "position": at.get(producer, 0)}

    async def retry(
        self, connection: asyncpg.Connection, consumer: str, producer: str, referral_id: UUID, seq: int
    ) -> UUID | None:
        """Makes a failed or unknown event wait for its turn again, under its stream's lock; its id if there is one."""
        await lock_streams(connection, self._schema, consumer, referral_id)
        event_id: UUID | None = await connection.fetchval(
            f"""UPDATE {self._schema}.parked SET reason = 'waiting', detail = '', needs = ''
                WHERE consumer = $1 AND producer = $2 AND referral_id = $3 AND seq = $4
                  AND reason IN ('failed', 'unknown_version') RETURNING event_id""",
            consumer, producer, referral_id, seq,
        )  # fmt: skip
        return event_id

    async def unsendable_page(self, connection: asyncpg.Connection, *, after: int, limit: int) -> dict[str, Any]:
        rows = await connection.fetch(
            f"""SELECT n, topic, key, event_id, reason, since FROM {self._schema}.unsendable
                WHERE n > $1 ORDER BY n LIMIT $2""",
            after,
            limit,
        )
        items = [_shown(row) for row in rows]
        return {"items": items, "next": items[-1]["n"] if len(items) == limit else None}

    async def resend(self, connection: asyncpg.Connection, n: int) -> dict[str, Any] | None:
        """Back into the outbox, among what is sent again; None if it does not stand aside."""
        row = await connection.fetchrow(
            f"""WITH back AS (DELETE FROM {self._schema}.unsendable WHERE n = $1 RETURNING lane, topic, key, event_id)
                INSERT INTO {self._schema}.outbox (lane, topic, key, event_id, resend)
                SELECT lane, topic, key, event_id, true FROM back RETURNING topic, event_id""",
            n,
        )
        return dict(row) if row else None

    async def unrepairable_page(
        self, connection: asyncpg.Connection, *, consumer: str, after: str | None, limit: int
    ) -> dict[str, Any]:
        referral_id, who, _ = _read_cursor(after and f"{after}|0")
        rows = await connection.fetch(
            f"""SELECT l.producer, l.referral_id, coalesce(p.last, 0) AS position, l.upto, l.rounds, l.since
                FROM {self._schema}.lacking l
                LEFT JOIN {self._schema}.stream_pos p USING (referral_id, consumer, producer)
                WHERE consumer = $1 AND l.state = $2 AND (l.referral_id, l.producer) > ($3, $4)
                ORDER BY l.referral_id, l.producer LIMIT $5""",
            consumer, UNREPAIRABLE, referral_id, who, limit,
        )  # fmt: skip
        items = [_shown(row) for row in rows]
        last = items[-1] if len(items) == limit else None
        return {"items": items, "next": last and f"{last['referral_id']}|{last['producer']}"}

    async def ask_anew(
        self, connection: asyncpg.Connection, consumer: str, producer: str, referral_id: UUID
    ) -> int | None:
        """The worker asks the producer again, as often as for a new lack; None if the stream is not given up."""
        upto: int | None = await connection.fetchval(
            f"""UPDATE {self._schema}.lacking SET state = $4, rounds = 0
                WHERE referral_id = $1 AND consumer = $2 AND producer = $3 AND state = $5 RETURNING upto""",
            referral_id, consumer, producer, REAL, UNREPAIRABLE,
        )  # fmt: skip
        return upto


async def lock_streams(connection: asyncpg.Connection, schema: str, consumer: str, referral_id: UUID) -> None:
    """Whoever applies events of this referral, for this consumer, waits."""
    await connection.execute(f"SELECT 1 FROM {schema}.stream WHERE referral_id = $1 FOR UPDATE", referral_id)
    await connection.execute(
        f"""SELECT 1 FROM {schema}.stream_pos WHERE referral_id = $1 AND consumer = $2
            ORDER BY producer FOR UPDATE""",
        referral_id,
        consumer,
    )


async def hasten_waiting(connection: asyncpg.Connection, schema: str, consumer: str, referral_id: UUID) -> None:
    """What waits for nothing any more is tried in the worker's next round, not when it has waited long."""
    at = await _positions(connection, schema, consumer, referral_id)
    rows = await connection.fetch(
        f"""SELECT producer, seq, needs FROM {schema}.parked k
            WHERE referral_id = $1 AND consumer = $2 AND reason = 'waiting' AND NOT EXISTS (
                SELECT 1 FROM {schema}.parked c WHERE c.referral_id = k.referral_id AND c.consumer = k.consumer
                  AND c.producer = k.producer AND c.reason = 'conflict')""",
        referral_id,
        consumer,
    )
    free = [row for row in rows if all(at.get(name, 0) >= number for name, number in read_after(row["needs"]).items())]
    await connection.execute(
        f"""UPDATE {schema}.parked k SET needs = '' FROM unnest($3::text[], $4::int[]) AS free(p, s)
            WHERE k.referral_id = $1 AND k.consumer = $2 AND k.producer = free.p AND k.seq = free.s""",
        referral_id,
        consumer,
        [row["producer"] for row in free],
        [row["seq"] for row in free],
    )


async def _positions(connection: asyncpg.Connection, schema: str, consumer: str, referral_id: UUID) -> dict[str, int]:
    rows = await connection.fetch(
        f"SELECT producer, last FROM {schema}.stream_pos WHERE referral_id = $1 AND consumer = $2",
        referral_id,
        consumer,
    )
    return dict(map(tuple, rows))


def _shown(row: asyncpg.Record) -> dict[str, Any]:
    return {name: value if isinstance(value, int) else str(value) for name, value in row.items()}


def _read_cursor(cursor: str | None) -> tuple[UUID, str, int]:
    try:
        referral_id, producer, seq = (cursor or "").split("|")
        return UUID(referral_id), producer, int(seq)
    except ValueError:
        return UUID(int=0), "", 0
