"""What this consumer knows to be missing from its producers' streams, kept on disk until it is reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka.structs import TopicPartition

from chassis.database import Database
from chassis.delivery.peers import Heads
from chassis.delivery.statements import ACTING

IN_FLIGHT, REAL, UNREPAIRABLE = "in_flight", "real", "unrepairable"


@dataclass
class Lack:
    """One stream of one producer, to be reached up to a number.

    `noted` are the ends of the producer's logs after the lack was seen: read past them and still lacking, it is real.
    """

    producer: str
    referral_id: UUID
    upto: int
    state: str = IN_FLIGHT
    rounds: int = 0
    noted: Mapping[TopicPartition, int] = field(default_factory=dict)
    not_before: float = 0.0

    @property
    def key(self) -> tuple[str, UUID]:
        return self.producer, self.referral_id


def lock_statement(schema: str, consumer: str) -> str:
    """Whoever applies events of the referrals in `$1` for this consumer waits: what it locks first is locked here."""
    if consumer == ACTING:
        return f"SELECT 1 FROM {schema}.stream WHERE referral_id = ANY ($1) ORDER BY referral_id FOR UPDATE"
    return (
        f"SELECT 1 FROM {schema}.stream_pos WHERE referral_id = ANY ($1) AND consumer = '{consumer}' "
        "ORDER BY referral_id, producer FOR UPDATE"
    )


class LackStore:
    def __init__(self, database: Database, schema: str, *, consumer: str) -> None:
        self._database, self._schema, self._consumer = database, schema, consumer
        self._lock = lock_statement(schema, consumer)

    async def load(self) -> list[Lack]:
        rows = await self._fetch(
            f"SELECT producer, referral_id, upto, state, rounds FROM {self._schema}.lacking WHERE consumer = $1"
        )
        return [Lack(*row) for row in rows]

    async def reached(self, lacks: Sequence[Lack]) -> set[tuple[str, UUID]]:
        """Those whose position has come up to what they lacked."""
        rows = await self._fetch(
            f"""SELECT l.p, l.r FROM unnest($2::text[], $3::uuid[], $4::int[]) AS l(p, r, upto)
                CROSS JOIN LATERAL (
                    SELECT last FROM {self._schema}.stream_pos
                    WHERE referral_id = l.r AND consumer = $1 AND producer = l.p OFFSET 0) s
                WHERE s.last >= l.upto""",
            [lack.producer for lack in lacks],
            [lack.referral_id for lack in lacks],
            [lack.upto for lack in lacks],
        )
        return {(row[0], row[1]) for row in rows}

    async def parked(self, lacks: Sequence[Lack]) -> set[tuple[str, UUID]]:
        """Those of which every event has arrived and stands parked: nothing to ask for, they wait for their turn."""
        rows = await self._fetch(
            f"""SELECT l.p, l.r FROM unnest($2::text[], $3::uuid[], $4::int[]) AS l(p, r, upto)
                LEFT JOIN {self._schema}.stream_pos s ON s.referral_id = l.r AND s.consumer = $1 AND s.producer = l.p
                WHERE l.upto - coalesce(s.last, 0) <= (
                    SELECT count(*) FROM {self._schema}.parked k WHERE k.referral_id = l.r AND k.consumer = $1
                      AND k.producer = l.p AND k.seq > coalesce(s.last, 0) AND k.seq <= l.upto)""",
            [lack.producer for lack in lacks],
            [lack.referral_id for lack in lacks],
            [lack.upto for lack in lacks],
        )
        return {(row[0], row[1]) for row in rows}

    async def positions(self, producer: str, referral_ids: Sequence[UUID]) -> dict[UUID, tuple[int, UUID | None]]:
        rows = await self._fetch(
            f"""SELECT referral_id, last, last_event_id FROM {self._schema}.stream_pos
                WHERE consumer = $1 AND producer = $2 AND referral_id = ANY ($3)""",
            producer,
            referral_ids,
        )
        return {row[0]: (row[1], row[2]) for row in rows}

    async def differing(self, producer: str, heads: Heads) -> list[tuple[UUID, int, int]]:
        """Streams whose head is not where we stand: referral, head, own position. Compared where the positions are."""
        rows = await self._fetch(
            f"""SELECT h.r, h.n, coalesce(p.last, 0)
                FROM unnest($3::uuid[], $4::int[], $5::uuid[]) AS h(r, n, e)
                LEFT JOIN LATERAL (
                    SELECT last, last_event_id FROM {self._schema}.stream_pos
                    WHERE referral_id = h.r AND consumer = $1 AND producer = $2 OFFSET 0) p ON true
                WHERE p.last IS DISTINCT FROM h.n OR p.last_event_id <> h.e""",
            producer,
            heads.referral_ids,
            heads.numbers,
            heads.event_ids,
        )
        return [(row[0], row[1], row[2]) for row in rows]

    async def waiting_longer_than(self, seconds: float) -> list[tuple[UUID, str, int, str]]:
        """Parked events that have waited: referral, producer, own number, and the positions they need."""
        rows = await self._fetch(
            f"""SELECT referral_id, producer, seq, needs FROM {self._schema}.parked
                WHERE consumer = $1 AND reason = 'waiting'
                  AND (since < now() - make_interval(secs => $2) OR needs = '')
                ORDER BY since LIMIT 5000""",
            seconds,
        )
        return [tuple(row) for row in rows]

    async def free_known_versions(self, types: Sequence[str]) -> None:
        """Events of a version that we have learnt meanwhile wait for their turn like any other."""
        rows = await self._fetch(
            f"""SELECT DISTINCT referral_id FROM {self._schema}.parked
                WHERE consumer = $1 AND reason = 'unknown_version' AND type = ANY ($2)
                ORDER BY referral_id LIMIT 200""",
            types,
        )
        if not rows:
            return
        async with self._database.transaction() as connection:
            await connection.execute(self._lock, [row[0] for row in rows])
            await connection.execute(
                f"""UPDATE {self._schema}.parked SET reason = 'waiting', detail = '', needs = ''
                    WHERE consumer = $1 AND reason = 'unknown_version' AND type = ANY ($2)
                      AND referral_id = ANY ($3)""",
                self._consumer,
                types,
                [row[0] for row in rows],
            )

    async def write(self, kept: Iterable[Lack], gone: Iterable[tuple[str, UUID]]) -> None:
        rows, done = list(kept), list(gone)
        async with self._database.transaction() as connection:
            await connection.execute(
                f"""INSERT INTO {self._schema}.lacking (consumer, producer, referral_id, upto, state, rounds)
                    SELECT $1, p, r, u, s, n FROM unnest($2::text[], $3::uuid[], $4::int[], $5::text[], $6::int[])
                        AS t(p, r, u, s, n) ORDER BY r, p
                    ON CONFLICT (referral_id, consumer, producer)
                    DO UPDATE SET upto = EXCLUDED.upto, state = EXCLUDED.state, rounds = EXCLUDED.rounds""",
                self._consumer,
                [lack.producer for lack in rows],
                [lack.referral_id for lack in rows],
                [lack.upto for lack in rows],
                [lack.state for lack in rows],
                [lack.rounds for lack in rows],
            )
            await connection.execute(
                f"""DELETE FROM {self._schema}.lacking l USING unnest($2::text[], $3::uuid[]) AS t(p, r)
                    WHERE l.consumer = $1 AND l.producer = t.p AND l.referral_id = t.r""",
                self._consumer,
                [producer for producer, _ in done],
                [referral_id for _, referral_id in done],
            )

    async def _fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        async with self._database.connection() as connection:
            rows: list[asyncpg.Record] = await connection.fetch(statement, self._consumer, *arguments)
        return rows
