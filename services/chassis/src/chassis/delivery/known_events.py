"""The newest events applied of each producer, one every few seconds: by them a restored producer learns that it is one.

A sample and not a list: what a restore loses is always the newest, so the samples of that time are all unknown to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

from chassis.database import Database
from chassis.delivery.gate import Position
from chassis.delivery.outages import OUTAGES
from chassis.ids import id_at

EVERY_SECONDS = 2.0
KEPT = timedelta(days=1)
"""Before the newest one, however old that is itself."""


class KnownEvents:
    """What is noted is written outside the batches: their transactions would wait for each other here."""

    def __init__(self, database: Database, schema: str, *, consumer: str) -> None:
        self._database, self._consumer = database, consumer
        self._newest: dict[str, UUID] = {}
        self._add = f"""
            INSERT INTO {schema}.known_event (consumer, producer, event_id)
            SELECT $1, p, e FROM unnest($2::text[], $3::uuid[]) AS t(p, e) ORDER BY p, e ON CONFLICT DO NOTHING
        """
        self._forget = f"DELETE FROM {schema}.known_event WHERE producer = $1 AND event_id < $2 AND consumer = $3"

    def note(self, moved: Iterable[tuple[UUID, str, Position]]) -> None:
        for _, producer, position in moved:
            newest = self._newest.get(producer)
            if position.last_event_id is not None and (newest is None or position.last_event_id > newest):
                self._newest[producer] = position.last_event_id

    async def run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            with suppress(*OUTAGES):
                await self.write()

    async def write(self) -> None:
        found, self._newest = self._newest, {}
        if not found:
            return
        async with self._database.connection() as connection:
            await connection.execute(self._add, self._consumer, list(found), list(found.values()))
            for producer, event_id in found.items():
                await connection.execute(self._forget, producer, id_at(_written_at(event_id) - KEPT), self._consumer)


def _written_at(event_id: UUID) -> datetime:
    return datetime.fromtimestamp((event_id.int >> 80) / 1000, UTC)
