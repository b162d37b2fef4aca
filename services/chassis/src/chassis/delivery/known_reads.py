"""What a consumer tells a producer of the producer's own events: where it stands, and the newest it knows."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from chassis.ids import id_at

MOST_KNOWN = 50_000
STREAMS_PAGE = 2000


class KnownReads:
    """Of every consumer name in this service: a read model may have heard more than the handlers that act."""

    def __init__(self, schema: str) -> None:
        self._newest = f"""
            SELECT DISTINCT event_id FROM {schema}.known_event WHERE producer = $1 AND event_id > $2
            ORDER BY event_id DESC LIMIT {MOST_KNOWN}
        """
        self._streams = f"""
            SELECT referral_id FROM (
                (SELECT DISTINCT referral_id FROM {schema}.stream_pos WHERE producer = $1 AND referral_id > $2
                 ORDER BY referral_id LIMIT {STREAMS_PAGE})
                UNION
                (SELECT DISTINCT referral_id FROM {schema}.parked WHERE producer = $1 AND referral_id > $2
                 ORDER BY referral_id LIMIT {STREAMS_PAGE})) known
            ORDER BY referral_id LIMIT {STREAMS_PAGE}
        """
        self._of_streams = f"""
            SELECT referral_id, last, last_event_id FROM {schema}.stream_pos
            WHERE producer = $1 AND referral_id = ANY ($2) AND last > 0
            UNION SELECT referral_id, seq, event_id FROM {schema}.parked WHERE producer = $1 AND referral_id = ANY ($2)
            ORDER BY 1, 2
        """

    async def newest(self, connection: asyncpg.Connection, producer: str, since: datetime | None) -> dict[str, Any]:
        """Ids of the producer's events that were applied here, one of every few seconds."""
        rows = await connection.fetch(self._newest, producer, id_at(since) if since else UUID(int=0))
        return {"events": [str(row[0]) for row in rows]}

    async def positions(self, connection: asyncpg.Connection, producer: str, after: UUID | None) -> dict[str, Any]:
        """Number and event id of the last applied, and of all that is parked, by referral."""
        streams = [row[0] for row in await connection.fetch(self._streams, producer, after or UUID(int=0))]
        rows = await connection.fetch(self._of_streams, producer, streams)
        return {
            "positions": [(str(row[0]), row[1], str(row[2]) if row[2] else None) for row in rows],
            "next": str(streams[-1]) if len(streams) == STREAMS_PAGE else None,
        }
