"""The worker's eye on its own database: whether it came back from a backup, by its fingerprint or by what others know.

A data directory copied back has the same fingerprint: only a consumer that knows events which are not there shows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta

import structlog

from chassis.database import Database
from chassis.delivery.incarnation import Incarnation, RestoredDatabase, Standing, cure
from chassis.delivery.outages import OUTAGES, until_done
from chassis.delivery.peers import Peers

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0
ALARM_SECONDS = 60.0
ASK_SECONDS = 3.0
OVERLAP = timedelta(minutes=10)


class RestoreWatch:
    """One per worker. `consumers` are the services that read this one's topic."""

    def __init__(
        self, database: Database, schema: str, consumers: Collection[str], peers: Peers, *, compare_seconds: float
    ) -> None:
        self._database, self._schema, self._peers = database, schema, peers
        self._consumers, self._compare_seconds = sorted(consumers), compare_seconds
        self._incarnation = Incarnation(schema)
        self._silent: set[str] = set(self._consumers)
        self._server_since: datetime | None = None
        self._next_ask = 0.0
        self._heard = f"SELECT consumer, heard_at FROM {schema}.heard_of"
        self._hear = f"""
            INSERT INTO {schema}.heard_of (consumer, heard_at) VALUES ($1, $2)
            ON CONFLICT (consumer) DO UPDATE SET heard_at = EXCLUDED.heard_at
        """
        self._unknown = f"""
            SELECT count(*) FROM unnest($1::uuid[]) AS known(id)
            LEFT JOIN LATERAL (SELECT id FROM {schema}.event_log WHERE id = known.id OFFSET 0) own ON true
            WHERE own.id IS NULL
        """

    async def until_trusted(self) -> None:
        """Returns when nobody who can be reached speaks against this database; until then nothing may be sent."""
        next_alarm = 0.0
        while True:
            try:
                return await until_done("restore check", self.look)
            except RestoredDatabase as refusal:
                if (now := asyncio.get_running_loop().time()) >= next_alarm:
                    log.error("restored_database_refused", reason=str(refusal), cure=cure(self._schema))
                    next_alarm = now + ALARM_SECONDS
            await asyncio.sleep(LOOK_SECONDS)

    async def watch(self) -> None:
        """Until cancelled; raises RestoredDatabase, which ends the worker. The next one waits in `until_trusted`."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except OUTAGES as error:
                log.warning("restore_check_waits", error=type(error).__name__)

    async def look(self) -> None:
        """At the fingerprint always; at what consumers know when it is time, or when the server was started anew."""
        async with self._database.connection() as connection:
            standing = await self._incarnation.look(connection)
        standing.must_be_trusted()
        now = asyncio.get_running_loop().time()
        if self._silent or now >= self._next_ask or standing.server_since != self._server_since:
            self._next_ask = now + self._compare_seconds
            await self._ask(standing)
            self._server_since = standing.server_since

    async def _ask(self, standing: Standing) -> None:
        async with self._database.connection() as connection:
            rows = await connection.fetch(self._heard)
            heard = {row[0]: row[1] for row in rows}
            now: datetime = await connection.fetchval("SELECT clock_timestamp()")
        asked = (self._ask_one(name, _since(heard.get(name), standing.adopted_at)) for name in self._consumers)
        answers = dict(zip(self._consumers, await asyncio.gather(*asked), strict=True))
        self._note_silence({name for name, unknown in answers.items() if unknown is None})
        knowing = {name: unknown for name, unknown in answers.items() if unknown}
        async with self._database.connection() as connection:
            for name, unknown in answers.items():
                if unknown == 0:
                    await connection.execute(self._hear, name, now)
            if knowing:
                told = ", ".join(f"{name} ({unknown})" for name, unknown in knowing.items())
                await self._incarnation.refuse(connection, f"events are known that are not here: {told}")
                (await self._incarnation.look(connection)).must_be_trusted()

    async def _ask_one(self, consumer: str, since: datetime | None) -> int | None:
        """How many events it knows that are not here; None when it does not answer."""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                known = await self._peers.known(consumer, self._schema, since=since)
        except OUTAGES:
            return None
        async with self._database.connection() as connection:
            unknown: int = await connection.fetchval(self._unknown, known)
        return unknown

    def _note_silence(self, silent: set[str]) -> None:
        if silent != self._silent and silent:
            log.warning("restore_check_unanswered", consumers=sorted(silent))
        self._silent = silent


def _since(heard_at: datetime | None, adopted_at: datetime | None) -> datetime | None:
    """What was lost before an adoption is known to be lost."""
    overlapping = heard_at and heard_at - OVERLAP
    return max((one for one in (overlapping, adopted_at) if one is not None), default=None)
