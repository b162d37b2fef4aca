"""The timeline: a read model of every service's events, kept by a projecting consumer, rebuilt at will."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson
from chassis.delivery import Rows
from chassis.delivery.gate import Arrival
from chassis.delivery.projecting import ProjectionWork

from followup_svc.domain.timeline import TimelineEntry, codes_of
from followup_svc.store.upserting import Upsert

_SAVE = Upsert(
    "timeline",
    {
        "referral_id": "uuid", "producer": "text", "seq": "int", "event_id": "uuid", "at": "timestamptz",
        "type": "text", "codes": "json",
    },
    key=3,
)  # fmt: skip
_PAGE = """
    SELECT referral_id, producer, seq, event_id, at, type, codes FROM followup.timeline
    WHERE referral_id = $1 AND (at, event_id) > ($2, $3) ORDER BY at, event_id LIMIT $4
"""


class TimelineWork(ProjectionWork):
    """Nothing is loaded: a line is written once and depends on no other."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self.entries: Rows[tuple[UUID, str, int], TimelineEntry] = self.rows()

    async def save(self, connection: asyncpg.Connection) -> None:
        rows = [
            (one.referral_id, one.producer, one.seq, one.event_id, one.at, one.type, orjson.dumps(one.codes).decode())
            for one in self.entries.changed().values()
        ]
        await _SAVE.write(connection, rows)


def on_any(arrival: Arrival, work: TimelineWork) -> None:
    """Every event has its line, also one of a type that this version does not know."""
    envelope = arrival.envelope
    entry = TimelineEntry(
        arrival.referral_id, arrival.producer, envelope.seq, envelope.event_id, envelope.time or work.now,
        envelope.type, codes_of(orjson.loads(arrival.body)),
    )  # fmt: skip
    work.entries.put((entry.referral_id, entry.producer, entry.seq), entry)


async def forget(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
    await connection.execute("DELETE FROM followup.timeline WHERE referral_id = ANY ($1)", referral_ids)


async def list_entries(
    connection: asyncpg.Connection, referral_id: UUID, *, after: tuple[datetime, UUID], limit: int
) -> Sequence[TimelineEntry]:
    """The oldest first; one more than `limit` says that there are more."""
    rows = await connection.fetch(_PAGE, referral_id, *after, limit + 1)
    return [TimelineEntry(*row) for row in rows]
