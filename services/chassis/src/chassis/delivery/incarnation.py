"""Which database this is: its fingerprint as it was stored and as it is, and whether it may be served from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg
import structlog

log = structlog.get_logger(__name__)


class RestoredDatabase(RuntimeError):
    """The database came back from a backup: nothing is sent or served from it until a person has adopted it."""


@dataclass(frozen=True)
class Fingerprint:
    """A dump loaded anew has another oid, another cluster another identifier, a recovery another timeline."""

    system_identifier: str
    timeline: int
    stream_oid: int

    def differs_from(self, stored: Fingerprint) -> str:
        """Names what differs; empty when nothing does."""
        names = ("system_identifier", "timeline", "stream_oid")
        return ", ".join(name for name in names if getattr(self, name) != getattr(stored, name))


@dataclass(frozen=True)
class Standing:
    """How the database stands at one look. `server_since` moves with every start of its server."""

    present: Fingerprint
    stored: Fingerprint
    server_since: datetime
    refused_at: datetime | None
    reason: str | None
    adopted: int
    adopted_at: datetime | None

    def must_be_trusted(self) -> None:
        """Raises RestoredDatabase."""
        if self.refused_at is not None:
            raise RestoredDatabase(self.reason)


class Incarnation:
    """Bound to one schema; every method works on the caller's connection."""

    def __init__(self, schema: str) -> None:
        self._look = f"""
            SELECT p.system_identifier, p.timeline, p.stream_oid, i.system_identifier, i.timeline, i.stream_oid,
                   pg_postmaster_start_time(), i.refused_at, i.reason, i.adopted, i.adopted_at
            FROM ({_present(schema)}) p LEFT JOIN {schema}.incarnation i ON true
        """
        self._begin = f"""
            INSERT INTO {schema}.incarnation (system_identifier, timeline, stream_oid) {_present(schema)}
            ON CONFLICT DO NOTHING
        """
        self._refuse = f"""
            UPDATE {schema}.incarnation SET refused_at = now(), reason = $1 WHERE refused_at IS NULL RETURNING 1
        """
        self._adopt = f"""
            UPDATE {schema}.incarnation i SET system_identifier = p.system_identifier, timeline = p.timeline,
                stream_oid = p.stream_oid, refused_at = NULL, reason = NULL, adopted = adopted + 1, adopted_at = now()
            FROM ({_present(schema)}) p RETURNING i.adopted
        """

    async def look(self, connection: asyncpg.Connection) -> Standing:
        """The first look of all stores the fingerprint; one that finds another says so, and it stays said."""
        found = await connection.fetch(self._look)
        if found[0]["adopted"] is None:
            await connection.execute(self._begin)
            found = await connection.fetch(self._look)
        row = tuple(found[0])
        standing = Standing(Fingerprint(*row[0:3]), Fingerprint(*row[3:6]), *row[6:11])
        if standing.refused_at is None and (differing := standing.present.differs_from(standing.stored)):
            await self.refuse(connection, f"another database: {differing}")
            return await self.look(connection)
        return standing

    async def refuse(self, connection: asyncpg.Connection, reason: str) -> None:
        if await connection.fetchval(self._refuse, reason):
            log.error("restore_noticed", reason=reason)

    async def adopt(self, connection: asyncpg.Connection) -> int:
        """This database is the service's from now on; gives the number of the adoption."""
        adoption: int = await connection.fetchval(self._adopt)
        return adoption


def cure(service: str) -> str:
    return f"python -m {service}_svc adopt-restore"


def _present(schema: str) -> str:
    """The timeline is the one being written, which the control file learns of only at the next checkpoint."""
    return f"""SELECT system_identifier::text AS system_identifier,
            ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int AS timeline,
            '{schema}.stream'::regclass::oid::bigint AS stream_oid FROM pg_control_system()"""
