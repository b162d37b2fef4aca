"""The statements of delivery: what a transaction reads after its locks, and what it writes before it ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from chassis.delivery.gate import Arrival, Parked, ParkReason, Position, ReferralGate, needs_text
from chassis.delivery.murmur import partition_of
from chassis.delivery.notices import Notice, StateChange
from chassis.delivery.tables import LANES
from chassis.delivery.wire import read_headers, write_headers
from chassis.delivery.work import Numbered

Moved: TypeAlias = tuple[UUID, str, Position]
"""A referral, a producer, and where the consumer now stands in what that one has said of it."""
ACTING = "acting"
"""The consumer name under which handlers that change state keep their positions."""


@dataclass(frozen=True)
class OpenedStreams:
    gates: dict[UUID, ReferralGate]
    now: datetime
    have_parked: list[UUID]


@dataclass(frozen=True)
class ParkedChange:
    """What a batch did to the parked rows of its referrals."""

    added: list[tuple[Parked, dict[str, int]]]
    removed: list[tuple[UUID, str, int]]


def lane_of(key: object) -> int:
    """The lane of a referral or of another key, fixed for good, whatever becomes of the topic's partitions."""
    return _lane_of(str(key))


@lru_cache(maxsize=8192)  # several events of a referral come within seconds, and the hash is Python's own work
def _lane_of(key: str) -> int:
    return partition_of(key, LANES)


_TOLD = """, told AS (
                SELECT * FROM unnest($10::uuid[], $11::uuid[], $12::text[], $13::text[], $14::text[], $15::int[],
                                     $16::text[], $17::text[], $18::int[]) WITH ORDINALITY
                    AS t(id, referral_id, topic, key, type, version, headers, body, lane, ord)
            ), noticed AS (
                INSERT INTO {schema}.notice (id, referral_id, lane, topic, key, type, version, headers, body)
                SELECT id, referral_id, lane, topic, key, type, version, headers::json, body::json
                FROM told WHERE id IS NOT NULL ORDER BY id
            )"""
# A notice goes behind those of its key that are being sent again: live rows would overtake them.
_QUEUED = """SELECT lane, topic, key, id, told = 1 AND id IS NOT NULL AND EXISTS (
                SELECT 1 FROM {schema}.outbox o
                WHERE o.resend AND o.topic = both_kinds.topic AND o.key = both_kinds.key)
            FROM (
                SELECT 0 AS told, lane, $9 AS topic, referral_id::text AS key, id, ord FROM new
                UNION ALL SELECT 1, lane, topic, key, id, ord FROM told) both_kinds ORDER BY told, ord"""


def _positions(schema: str, *, first: int) -> str:
    """`first` is the number of its first parameter: it stands alone, or in front of what is told."""
    who, referral, producer, last, event = (f"${number}" for number in range(first, first + 5))
    return f"""
            INSERT INTO {schema}.stream_pos AS p (referral_id, consumer, producer, last, last_event_id)
            SELECT r, {who}, w, l, e
            FROM unnest({referral}::uuid[], {producer}::text[], {last}::int[], {event}::uuid[]) AS t(r, w, l, e)
            ORDER BY r, w
            ON CONFLICT (referral_id, consumer, producer)
            DO UPDATE SET last = EXCLUDED.last, last_event_id = EXCLUDED.last_event_id
        """


def _events(schema: str, *, told: str, queued: str, positions: str) -> str:
    return f"""
            WITH new AS (
                SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::uuid[], $6::text[], $7::text[],
                                     $8::int[]) WITH ORDINALITY
                    AS t(id, referral_id, seq, type, causation_id, headers, body, lane, ord)
            ), heads AS (
                UPDATE {schema}.stream s SET head = n.seq, head_event_id = n.id, changed_at = clock_timestamp()
                FROM (SELECT DISTINCT ON (referral_id) referral_id, seq, id FROM new ORDER BY referral_id, seq DESC) n
                WHERE s.referral_id = n.referral_id
            ), logged AS (
                INSERT INTO {schema}.event_log (id, referral_id, seq, type, causation_id, headers, body)
                SELECT id, referral_id, seq, type, causation_id, headers::json, body::json FROM new
            ), moved AS ({positions}){told}
            INSERT INTO {schema}.outbox (lane, topic, key, event_id, resend)
            {queued}
        """


class Statements:
    """Bound to one service's schema and topic; every method runs inside the caller's transaction."""

    def __init__(self, schema: str, topic: str, *, consumer: str = ACTING) -> None:
        self.schema, self.topic, self.consumer = schema, topic, consumer
        self._open = (
            f"SELECT referral_id, head, head_event_id, producer, last, last_event_id, has_parked, now_is "
            f"FROM {schema}.open_streams($1, $2)"
        )
        self._parked = f"SELECT * FROM {schema}.parked WHERE referral_id = ANY ($1) AND consumer = $2"
        self._positions = _positions(schema, first=1)
        self._events = _events(
            schema, told="", queued="SELECT lane, $9, referral_id::text, id, false FROM new ORDER BY ord",
            positions=_positions(schema, first=10),
        )  # fmt: skip
        self._events_and_told = _events(
            schema, told=_TOLD.format(schema=schema), queued=_QUEUED.format(schema=schema),
            positions=_positions(schema, first=19),
        )  # fmt: skip
        self._park = f"""
            INSERT INTO {schema}.parked
                (referral_id, consumer, producer, seq, event_id, type, reason, detail, needs, headers, body)
            SELECT r, $1, p, s, e, t, x, d, n, h::json, b
            FROM unnest($2::uuid[], $3::text[], $4::int[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[],
                        $10::text[], $11::bytea[]) AS u(r, p, s, e, t, x, d, n, h, b) ORDER BY r, p, s
            ON CONFLICT (referral_id, consumer, producer, seq)
            DO UPDATE SET reason = EXCLUDED.reason, detail = EXCLUDED.detail, needs = EXCLUDED.needs,
                          event_id = EXCLUDED.event_id, headers = EXCLUDED.headers, body = EXCLUDED.body
        """
        self._unpark = f"""
            DELETE FROM {schema}.parked k USING unnest($2::uuid[], $3::text[], $4::int[]) AS t(r, p, s)
            WHERE k.referral_id = t.r AND k.consumer = $1 AND k.producer = t.p AND k.seq = t.s
        """

    async def open_streams(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> OpenedStreams:
        """Locks the streams in id order, missing ones made first; heads and positions are those after the locks."""
        rows = await connection.fetch(self._open, self.consumer, sorted(referral_ids))
        gates: dict[UUID, ReferralGate] = {}
        parked: set[UUID] = set()
        for referral_id, head, head_event_id, producer, last, last_event_id, has_parked, _ in rows:
            gate = gates.setdefault(referral_id, ReferralGate(referral_id, head, head_event_id))
            if producer is not None:
                gate.positions[producer] = Position(last, last_event_id)
            if has_parked:
                parked.add(referral_id)
        return OpenedStreams(gates, rows[0]["now_is"], sorted(parked))

    async def load_parked(self, connection: asyncpg.Connection, gates: dict[UUID, ReferralGate]) -> None:
        for row in await connection.fetch(self._parked, list(gates), self.consumer):
            parked = parked_from(row)
            gates[row["referral_id"]].parked[parked.arrival.place] = parked

    async def write_positions(self, connection: asyncpg.Connection, moved: Sequence[Moved]) -> None:
        if moved:
            await connection.execute(self._positions, *self._columns_of(moved))

    async def write_outgoing(
        self,
        connection: asyncpg.Connection,
        events: Sequence[Numbered],
        told: Sequence[Notice | StateChange] = (),
        moved: Sequence[Moved] = (),
        *,
        at: datetime,
    ) -> None:
        """Positions, head, event_log, notice and outbox in one statement; in the outbox events first, in order of
        recording."""
        if not events and not told:
            await self.write_positions(connection, moved)
            return
        recorded = [event.recorded for event in events]
        columns: list[Any] = [
            [one.event_id for one in recorded],
            [one.referral_id for one in recorded],
            [event.seq for event in events],
            [one.model.TYPE for one in recorded],
            [one.causation_id for one in recorded],
            [headers_text(event) for event in events],
            [one.model.model_dump_json() for one in recorded],
            [lane_of(one.referral_id) for one in recorded],
            self.topic,
        ]
        if not told:
            await connection.execute(self._events, *columns, *self._columns_of(moved))
            return
        notices = [one if isinstance(one, Notice) else None for one in told]
        await connection.execute(
            self._events_and_told,
            *columns,
            [one and one.notice_id for one in notices],
            [one.referral_id for one in told],
            [one.topic for one in told],
            [one.key for one in told],
            [one and one.event_type for one in notices],
            [one and one.version for one in notices],
            [one and one.headers(self.schema, at=at) for one in notices],
            [one and one.model.model_dump_json() for one in notices],
            [lane_of(one.key) for one in told],
            *self._columns_of(moved),
        )

    def _columns_of(self, moved: Sequence[Moved]) -> list[Any]:
        return [
            self.consumer,
            [referral_id for referral_id, _, _ in moved],
            [producer for _, producer, _ in moved],
            [position.last for _, _, position in moved],
            [position.last_event_id for _, _, position in moved],
        ]

    async def write_parked(self, connection: asyncpg.Connection, change: ParkedChange) -> None:
        if change.removed:
            referrals, producers, numbers = zip(*change.removed, strict=True)
            await connection.execute(self._unpark, self.consumer, list(referrals), list(producers), list(numbers))
        if change.added:
            await connection.execute(
                self._park,
                self.consumer,
                [parked.arrival.referral_id for parked, _ in change.added],
                [parked.arrival.producer for parked, _ in change.added],
                [parked.arrival.envelope.seq for parked, _ in change.added],
                [parked.arrival.envelope.event_id for parked, _ in change.added],
                [parked.arrival.envelope.type for parked, _ in change.added],
                [parked.reason.value for parked, _ in change.added],
                [parked.detail for parked, _ in change.added],
                [needs_text(needs) for _, needs in change.added],
                [stored_headers(parked.arrival.headers) for parked, _ in change.added],
                [parked.arrival.body for parked, _ in change.added],
            )


def headers_text(event: Numbered) -> str:
    return orjson.dumps(
        write_headers(
            event_id=event.recorded.event_id,
            event_type=event.recorded.model.TYPE,
            subject=event.recorded.referral_id,
            at=event.at,
            seq=event.seq,
            after=event.after,
            causation_id=event.recorded.causation_id,
            urgent=event.recorded.model.URGENT,
        )
    ).decode()


def stored_headers(headers: Iterable[tuple[str, bytes]]) -> str:
    """As text; a value of null, which Kafka allows, and NUL, which PostgreSQL does not hold, are left out."""
    texts = {name: value.decode("utf-8", "replace").replace("\x00", "") for name, value in headers if value is not None}
    return orjson.dumps(texts).decode()


def kafka_headers(stored: str | dict[str, str]) -> list[tuple[str, bytes]]:
    """The pool's connections decode json, the relay's own does not."""
    values = orjson.loads(stored) if isinstance(stored, str) else stored
    return [(name, value.encode()) for name, value in values.items()]


def parked_from(row: asyncpg.Record) -> Parked:
    headers = tuple(kafka_headers(row["headers"]))
    arrival = Arrival(row["producer"], read_headers(headers), headers, row["body"])
    return Parked(arrival, ParkReason(row["reason"]), row["detail"])
