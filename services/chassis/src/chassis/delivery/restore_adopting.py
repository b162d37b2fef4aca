"""A restored database becomes the service's own: heads above all that others know, new numbers for what came since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from chassis.database import Database
from chassis.database_errors import retrying
from chassis.delivery.incarnation import Incarnation
from chassis.delivery.restore_numbers import Claim, Lost, Own, Raised, raise_stream
from chassis.delivery.statements import ACTING, lane_of
from chassis.delivery.wire import read_after, write_headers

STREAMS_AT_ONCE = 100
LOST_TYPE = "number_lost.v1"
"""What stands for an event of which the number alone is known. No service knows the type, so each passes it over."""


@dataclass(frozen=True)
class Adopted:
    """`streams` are those in which others knew more; empty when nothing was lost."""

    adoption: int
    streams: Mapping[UUID, Raised]

    @property
    def lost(self) -> int:
        return sum(len(raised.lost) for raised in self.streams.values())

    @property
    def renumbered(self) -> int:
        return sum(len(raised.renumbered) for raised in self.streams.values())


class Adoption:
    """May be begun again at any point: a stream that is done has nothing lost any more, and the last step ends it."""

    def __init__(self, database: Database, schema: str, topic: str, type_prefix: str) -> None:
        self._database, self._schema, self._topic = database, schema, topic
        self._incarnation = Incarnation(schema)
        self._lost_type = f"{type_prefix}.{LOST_TYPE}"
        self._own = f"""
            SELECT referral_id, seq, id FROM {schema}.event_log WHERE referral_id = ANY ($1) ORDER BY referral_id, seq
        """
        self._renumber = f"SELECT {schema}.renumber_events($1, $2)"
        self._log = f"""
            INSERT INTO {schema}.event_log (id, referral_id, seq, type, causation_id, headers, body)
            SELECT id, r, s, t, c, h::json, b::json FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[],
                $5::uuid[], $6::text[], $7::text[]) AS u(id, r, s, t, c, h, b)
        """
        self._heads = f"""
            UPDATE {schema}.stream s SET head = t.head, head_event_id = t.id, changed_at = clock_timestamp()
            FROM unnest($1::uuid[], $2::int[], $3::uuid[]) AS t(referral_id, head, id)
            WHERE s.referral_id = t.referral_id
        """
        self._out = f"DELETE FROM {schema}.outbox WHERE event_id = ANY ($1) AND topic = $2"
        self._in = f"""
            INSERT INTO {schema}.outbox (lane, topic, key, event_id, resend)
            SELECT lane, $4, key, id, false FROM unnest($1::int[], $2::text[], $3::uuid[]) WITH ORDINALITY
                AS t(lane, key, id, ord) ORDER BY ord
        """
        self._list = f"""
            INSERT INTO {schema}.adopted_event (adoption, referral_id, seq, was, event_id, type, known_by)
            SELECT (SELECT adopted + 1 FROM {schema}.incarnation), r, s, w, e, coalesce(x, l.type), k
            FROM unnest($1::uuid[], $2::int[], $3::int[], $4::uuid[], $5::text[], $6::text[]) WITH ORDINALITY
                AS t(r, s, w, e, x, k, ord)
            LEFT JOIN LATERAL (SELECT type FROM {schema}.event_log WHERE id = t.e OFFSET 0) l ON true ORDER BY ord
        """
        self._conflicts = f"""
            SELECT referral_id, producer, seq, headers FROM {schema}.parked
            WHERE consumer = $1 AND reason = 'conflict' AND referral_id = ANY ($2)
        """
        self._free = f"""
            UPDATE {schema}.parked k SET reason = 'waiting', detail = '', needs = ''
            FROM unnest($2::uuid[], $3::text[], $4::int[]) AS t(r, p, s)
            WHERE k.consumer = $1 AND k.referral_id = t.r AND k.producer = t.p AND k.seq = t.s
        """

    async def refuse(self, reason: str) -> None:
        """Nothing is served meanwhile; a first look also stores the fingerprint of a database that has none."""
        async with self._database.connection() as connection:
            await self._incarnation.look(connection)
            await self._incarnation.refuse(connection, reason)

    async def adopt(self, claims: Sequence[Claim]) -> Adopted:
        """Raises DatabaseUnavailable; what was done by then stands, and the service goes on refusing."""
        known = sorted(claims, key=lambda claim: claim.referral_id)
        by_stream = {key: list(group) for key, group in groupby(known, key=lambda claim: claim.referral_id)}
        newest = max((claim.event_id for claim in claims if claim.event_id), default=None)
        streams: dict[UUID, Raised] = {}
        referral_ids = list(by_stream)
        for start in range(0, len(referral_ids), STREAMS_AT_ONCE):
            chosen = {one: by_stream[one] for one in referral_ids[start : start + STREAMS_AT_ONCE]}
            streams |= await self._raise_all(chosen, newest)
        async with self._database.connection() as connection:
            return Adopted(await self._incarnation.adopt(connection), streams)

    async def _raise_all(self, claims: Mapping[UUID, Sequence[Claim]], newest: UUID | None) -> dict[UUID, Raised]:
        async def attempt() -> dict[UUID, Raised]:
            async with self._database.transaction() as connection:
                opened = await connection.fetch(
                    f"SELECT DISTINCT referral_id, head, now_is FROM {self._schema}.open_streams($1, $2)",
                    ACTING,
                    list(claims),
                )
                heads = {row[0]: row[1] for row in opened}
                own: dict[UUID, list[Own]] = {referral_id: [] for referral_id in claims}
                for row in await connection.fetch(self._own, list(claims)):
                    own[row[0]].append(Own(row[1], row[2]))
                found = {one: raise_stream(own[one], claims[one], newest_lost=newest) for one in claims}
                streams = {one: raised for one, raised in found.items() if raised is not None}
                if streams:
                    await self._write(connection, streams, at=opened[0]["now_is"])
                    await self._free_conflicts(connection, streams, heads)
                return streams

        return await retrying(attempt)

    async def _write(self, connection: asyncpg.Connection, streams: Mapping[UUID, Raised], *, at: datetime) -> None:
        lost = [(one, row) for one, raised in streams.items() for row in raised.lost]
        new = [(one, row) for one, raised in streams.items() for row in raised.renumbered]
        new_ids = [row.event_id for _, row in new]
        await connection.execute(
            self._list,
            [one for one, _ in (*lost, *new)],
            [row.seq for _, row in lost] + [row.seq for _, row in new],
            [None] * len(lost) + [row.was for _, row in new],
            [row.event_id for _, row in lost] + new_ids,
            [row.record.type if row.record else self._lost_type for _, row in lost] + [None] * len(new),
            [row.known_by for _, row in lost] + [""] * len(new),
        )
        await connection.execute(self._renumber, new_ids, [row.seq for _, row in new])
        await connection.execute(self._log, *_columns([self._row(one, row, at) for one, row in lost], 7))
        await connection.execute(
            self._heads,
            list(streams),
            [raised.head for raised in streams.values()],
            [raised.head_event_id for raised in streams.values()],
        )
        await connection.execute(self._out, new_ids, self._topic)
        await connection.execute(
            self._in, [lane_of(one) for one, _ in new], [str(one) for one, _ in new], new_ids, self._topic
        )

    def _row(self, referral_id: UUID, lost: Lost, at: datetime) -> tuple[Any, ...]:
        """In the log it stands again as it was first stated, so that who lacks it can have it: it was said."""
        if lost.record is not None:
            record = lost.record
            return (
                lost.event_id, referral_id, lost.seq, record.type, record.causation_id, record.headers, record.body,
            )  # fmt: skip
        headers = write_headers(
            event_id=lost.event_id, event_type=self._lost_type, subject=referral_id, at=at, seq=lost.seq, after={},
            causation_id=None,
        )  # fmt: skip
        return lost.event_id, referral_id, lost.seq, self._lost_type, None, orjson.dumps(headers).decode(), "{}"

    async def _free_conflicts(
        self, connection: asyncpg.Connection, streams: Mapping[UUID, Raised], heads: Mapping[UUID, int]
    ) -> None:
        """Others' events that answer what was lost: the head has come up to them."""
        rows = await connection.fetch(self._conflicts, ACTING, list(streams))
        free = []
        for row in rows:
            answered = read_after(row["headers"].get("ce_after", "")).get(self._schema, 0)
            if heads.get(row["referral_id"], 0) < answered <= streams[row["referral_id"]].head:
                free.append((row["referral_id"], row["producer"], row["seq"]))
        await connection.execute(self._free, ACTING, *_columns(free, 3))


def _columns(rows: Sequence[tuple[Any, ...]], count: int) -> list[list[Any]]:
    return [[row[n] for row in rows] for n in range(count)]
