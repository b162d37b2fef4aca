"""What a producer answers to repair, and what a service counts for the ledger. Reads; no stream is locked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from chassis.delivery.buckets import sums_statement
from chassis.delivery.slices import slice_of
from chassis.delivery.statements import ACTING, lane_of

MOST_EVENTS = 10_000


class OutgoingReads:
    """Heads, events and resend: what other services ask of this one as a producer."""

    def __init__(self, schema: str, topic: str) -> None:
        self._schema, self._topic = schema, topic
        self._sums = sums_statement(
            f"{schema}.stream", "head", "head_event_id", "changed_at >= $1 AND head > 0", by=slice_of("changed_at")
        )

    async def heads(
        self,
        connection: asyncpg.Connection,
        *,
        since: datetime | None,
        before: datetime | None,
        after: str | None,
        limit: int,
    ) -> dict[str, Any]:
        """Streams in the order of their last change, from a cursor on: one that changes meanwhile comes again."""
        start = (since or datetime.min.replace(tzinfo=UTC), UUID(int=0))
        changed_at, referral_id = _read_cursor(after) if after else start
        as_of = await connection.fetchval("SELECT clock_timestamp()")
        rows = await connection.fetch(
            f"""SELECT referral_id, head, head_event_id, changed_at FROM {self._schema}.stream
                WHERE (changed_at, referral_id) > ($1, $2) AND changed_at < coalesce($4::timestamptz, 'infinity')
                    AND head > 0
                ORDER BY changed_at, referral_id LIMIT $3""",
            changed_at,
            referral_id,
            limit,
            before,
        )
        next_page = f"{rows[-1][3].isoformat()}|{rows[-1][0]}" if len(rows) == limit else None
        return {**await self._heads_answer(connection, rows, next_page), "as_of": as_of.isoformat()}

    async def slices(self, connection: asyncpg.Connection, *, since: datetime) -> dict[str, Any]:
        """The same streams added up by the ten seconds in which each changed last."""
        as_of = await connection.fetchval("SELECT clock_timestamp()")
        rows = await connection.fetch(self._sums, since)
        slices = [(row[0].isoformat(), row[1], int(row[2]), int(row[3])) for row in rows]
        return {"slices": slices, "as_of": as_of.isoformat(), **await self._known(connection)}

    async def heads_of(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> dict[str, Any]:
        rows = await connection.fetch(
            f"""SELECT referral_id, head, head_event_id FROM {self._schema}.stream
                WHERE referral_id = ANY ($1) AND head > 0""",
            referral_ids,
        )
        return await self._heads_answer(connection, rows, None)

    async def _heads_answer(
        self, connection: asyncpg.Connection, rows: Sequence[asyncpg.Record], next_page: str | None
    ) -> dict[str, Any]:
        heads = [(str(row[0]), row[1], str(row[2])) for row in rows]
        return {"heads": heads, "next": next_page, **await self._known(connection)}

    async def _known(self, connection: asyncpg.Connection) -> dict[str, int]:
        """Of losses of the broker, and of restores."""
        (row,) = await connection.fetch(
            f"""SELECT (SELECT coalesce(max(n), 0) FROM {self._schema}.broker_loss) AS loss,
                       (SELECT coalesce(max(adopted), 0) FROM {self._schema}.incarnation) AS adopted"""
        )
        return dict(row)

    async def resend(self, connection: asyncpg.Connection, wanted: Sequence[tuple[UUID, int]]) -> list[dict[str, Any]]:
        """Puts events into the outbox again with their first headers, unless they still stand there.

        `queued`, `still_waiting` (not relayed yet), or `nothing` (no such numbers here) per referral.
        """
        rows = await connection.fetch(
            f"""
            WITH wanted AS (SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[]) AS t(referral_id, first, lane)),
            found AS (
                SELECT e.id, e.referral_id, e.seq, w.lane,
                       EXISTS (SELECT 1 FROM {self._schema}.outbox o WHERE o.event_id = e.id) AS stands
                FROM wanted w JOIN {self._schema}.event_log e
                    ON e.referral_id = w.referral_id AND e.seq >= w.first
                ORDER BY e.referral_id, e.seq LIMIT {MOST_EVENTS}
            ), put AS (
                INSERT INTO {self._schema}.outbox (lane, topic, key, event_id, resend)
                SELECT lane, $4, referral_id::text, id, true FROM found WHERE NOT stands ORDER BY referral_id, seq
            )
            SELECT w.referral_id, count(f.id) AS events, coalesce(bool_or(f.stands), false) AS stands
            FROM wanted w LEFT JOIN found f USING (referral_id) GROUP BY w.referral_id
            """,
            [referral_id for referral_id, _ in wanted],
            [first for _, first in wanted],
            [lane_of(referral_id) for referral_id, _ in wanted],
            self._topic,
        )
        return [{"referral_id": str(row[0]), "outcome": _outcome(row[1], row[2])} for row in rows]

    async def events(self, connection: asyncpg.Connection, referral_id: UUID, first: int) -> list[dict[str, Any]]:
        rows = await connection.fetch(
            f"""SELECT seq, headers, body FROM {self._schema}.event_log
                WHERE referral_id = $1 AND seq >= $2 ORDER BY seq LIMIT 1000""",
            referral_id,
            first,
        )
        return [{"seq": row[0], "headers": row[1], "body": row[2]} for row in rows]


class LedgerReads:
    """One service's delivery figures, all of one instant (CONTRACTS §9)."""

    def __init__(self, schema: str, consumed: Sequence[str]) -> None:
        self._schema, self._consumed = schema, sorted(consumed)

    async def figures(self, connection: asyncpg.Connection) -> dict[str, Any]:
        return {
            "heads": await self._row(
                connection,
                f"SELECT coalesce(sum(head), 0) AS sum, count(*) AS streams FROM {self._schema}.stream WHERE head > 0",
            ),
            "outbox": await self._row(
                connection,
                f"""SELECT count(*) FILTER (WHERE NOT resend) AS live, count(*) FILTER (WHERE resend) AS resend,
                    (SELECT count(*) FROM {self._schema}.unsendable) AS unsendable FROM {self._schema}.outbox""",
            ),
            "positions": await self._by_producer(
                connection,
                f"""SELECT producer, coalesce(sum(last), 0) AS sum, count(*) AS streams FROM {self._schema}.stream_pos
                    WHERE consumer = $1 GROUP BY producer""",
                {"sum": 0, "streams": 0},
            ),
            "discarded": await self._discarded(connection),
            "parked": await self._parked(connection),
            "quarantined": await self._quarantined(connection),
            "lacking": await self._lacking(connection),
            "failed_timers": await connection.fetchval(
                f"SELECT count(*) FROM {self._schema}.timer WHERE state = 'failed'"
            ),
            "distrusted": [
                row[0]
                for row in await connection.fetch(
                    f"SELECT producer FROM {self._schema}.comparison WHERE consumer = $1 AND distrusted IS NOT NULL",
                    ACTING,
                )
            ],
        }

    async def _parked(self, connection: asyncpg.Connection) -> dict[str, dict[str, int]]:
        """Events that stand aside, by reason; `behind` are those under a number already applied: they fill no place."""
        return await self._by_producer(
            connection,
            f"""SELECT k.producer,
                    count(*) FILTER (WHERE reason = 'waiting') AS waiting,
                    count(*) FILTER (WHERE reason = 'failed') AS failed,
                    count(*) FILTER (WHERE reason = 'conflict') AS conflict,
                    count(*) FILTER (WHERE reason = 'unknown_version') AS unknown_version,
                    count(*) FILTER (WHERE k.seq <= coalesce(p.last, 0)) AS behind
                FROM {self._schema}.parked k
                LEFT JOIN {self._schema}.stream_pos p USING (consumer, producer, referral_id)
                WHERE consumer = $1 GROUP BY k.producer""",
            {"waiting": 0, "failed": 0, "conflict": 0, "unknown_version": 0, "behind": 0},
        )

    async def _discarded(self, connection: asyncpg.Connection) -> dict[str, dict[str, int]]:
        """Decisions of operators; the places they gave up count among the positions."""
        rows = await connection.fetch(
            f"""SELECT producer, count(*) FILTER (WHERE kind = 'parked') AS events,
                    count(*) FILTER (WHERE kind = 'unrepairable') AS holes
                FROM {self._schema}.discard_request WHERE confirmed_at IS NOT NULL AND place LIKE $1 || '/%'
                GROUP BY producer""",
            ACTING,
        )
        found = {row["producer"]: {"events": row["events"], "holes": row["holes"]} for row in rows}
        return {producer: found.get(producer, {"events": 0, "holes": 0}) for producer in self._consumed}

    async def _lacking(self, connection: asyncpg.Connection) -> dict[str, dict[str, int]]:
        """Events, not streams: those above the position and not parked, by what is known of the lack."""
        return await self._by_producer(
            connection,
            f"""SELECT l.producer,
                    coalesce(sum(gap) FILTER (WHERE state = 'in_flight'), 0) AS in_flight,
                    coalesce(sum(gap) FILTER (WHERE state = 'real'), 0) AS real,
                    coalesce(sum(gap) FILTER (WHERE state = 'unrepairable'), 0) AS unrepairable
                FROM {self._schema}.lacking l
                LEFT JOIN {self._schema}.stream_pos p USING (consumer, producer, referral_id)
                CROSS JOIN LATERAL (
                    SELECT greatest(l.upto - coalesce(p.last, 0) - (
                        SELECT count(*) FROM {self._schema}.parked k
                        WHERE k.referral_id = l.referral_id AND k.consumer = l.consumer AND k.producer = l.producer
                          AND k.seq > coalesce(p.last, 0) AND k.seq <= l.upto), 0) AS gap) g
                WHERE l.consumer = $1 GROUP BY l.producer""",
            {"in_flight": 0, "real": 0, "unrepairable": 0},
        )

    async def _quarantined(self, connection: asyncpg.Connection) -> dict[str, int]:
        rows = await connection.fetch(
            f"SELECT topic, count(*) FROM {self._schema}.quarantine GROUP BY topic ORDER BY 1"
        )
        return {row[0]: row[1] for row in rows}

    async def _row(self, connection: asyncpg.Connection, statement: str) -> dict[str, int]:
        row = await connection.fetchrow(statement)
        return {name: int(value) for name, value in (row or {}).items()}

    async def _by_producer(
        self, connection: asyncpg.Connection, statement: str, nothing: dict[str, int]
    ) -> dict[str, dict[str, int]]:
        rows = await connection.fetch(statement, ACTING)
        found = {row["producer"]: {k: int(v) for k, v in row.items() if k != "producer"} for row in rows}
        return {producer: found.get(producer, dict(nothing)) for producer in self._consumed}


def _outcome(events: int, stands: bool) -> str:
    if stands:
        return "still_waiting"
    return "queued" if events else "nothing"


def _read_cursor(cursor: str) -> tuple[datetime, UUID]:
    """Raises ValueError on a cursor that this service has not given."""
    changed_at, _, referral_id = cursor.partition("|")
    return datetime.fromisoformat(changed_at), UUID(referral_id)
