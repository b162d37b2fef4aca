"""A toy read model: every event of a referral, once, with the instant it says; a negative number is poison to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg
from chassis.delivery import Projection, ProjectionWork, Rows
from chassis.delivery.gate import Arrival
from support.toys import Toy

Place = tuple[UUID, str, int]


@dataclass
class SeenWork(ProjectionWork):
    seen: Rows[Place, str] = field(init=False)
    breaks: bool = False

    def __post_init__(self) -> None:
        self.seen = self.rows()

    async def save(self, connection: asyncpg.Connection) -> None:
        if self.breaks and self.seen.changed():
            raise RuntimeError("a projection with a bug where nobody catches it")
        places: Sequence[Place] = sorted(self.seen.changed())
        await connection.execute(
            """INSERT INTO ping.seen (referral_id, producer, seq, body)
               SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::text[])""",
            [place[0] for place in places],
            [place[1] for place in places],
            [place[2] for place in places],
            [self.seen.get(place) for place in places],
        )


def on_any(arrival: Arrival, work: SeenWork) -> None:
    if b"-" in arrival.body:
        raise ValueError("poison")
    work.seen.put((arrival.referral_id, arrival.producer, arrival.envelope.seq), arrival.body.decode())


def seeing(*, breaks: bool = False) -> Projection:
    def make_work(now: datetime) -> SeenWork:
        return SeenWork(now, breaks=breaks)

    return Projection("seen", on_any, make_work, forget)


async def forget(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
    await connection.execute("DELETE FROM ping.seen WHERE referral_id = ANY ($1)", referral_ids)


async def make_seen_table(toy: Toy) -> None:
    await toy.execute(
        "CREATE TABLE ping.seen (referral_id uuid, producer text, seq int, body text, n bigserial, "
        "PRIMARY KEY (referral_id, producer, seq))"
    )


async def seen_of(toy: Toy, referral_id: UUID, producer: str) -> list[int]:
    found: list[int] = await toy.value(
        "SELECT coalesce(array_agg(seq ORDER BY n), '{}') FROM ping.seen WHERE referral_id = $1 AND producer = $2",
        referral_id,
        producer,
    )
    return found
