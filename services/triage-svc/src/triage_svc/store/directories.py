"""The directory as a worker routes by it: read whole, kept until the table's version changes."""

import time

import asyncpg

from triage_svc.domain.directory import Area, Directory, Kind, Organisation, Period, Relation, RelationKind
from triage_svc.store.tables import SCHEMA

CHECK_SECONDS = 5.0
EMPTY = Directory.of("none", (), (), ())


async def load_directory(connection: asyncpg.Connection) -> Directory:
    organisations = await connection.fetch(f"SELECT * FROM {SCHEMA}.organisation ORDER BY code")
    relations = await connection.fetch(f"SELECT * FROM {SCHEMA}.relation")
    areas = await connection.fetch(f"SELECT * FROM {SCHEMA}.area ORDER BY code")
    labels = await connection.fetch(
        f"SELECT DISTINCT ON (dataset) label FROM {SCHEMA}.directory_version ORDER BY dataset, n DESC"
    )
    return Directory.of(
        ",".join(row["label"] for row in labels) or EMPTY.version,
        [
            Organisation(
                row["code"], Kind(row["kind"]), row["name"], row["area_code"], _period(row), tuple(row["sources"])
            )
            for row in organisations
        ],
        [
            Relation(
                RelationKind(row["kind"]), row["from_code"], row["to_code"], _period(row), frozenset(row["classes"])
            )
            for row in relations
        ],
        [Area(row["code"], row["name"], tuple(row["aliases"])) for row in areas],
    )


class CurrentDirectory:
    """The directory a worker routes by: one value for a whole batch, at most `check_seconds` behind the table."""

    def __init__(self, *, check_seconds: float = CHECK_SECONDS) -> None:
        self.value = EMPTY
        self._check_seconds = check_seconds
        self._version = 0
        self._checked_at = float("-inf")

    async def refresh(self, connection: asyncpg.Connection) -> None:
        now = time.monotonic()
        if now - self._checked_at < self._check_seconds:
            return
        version = await connection.fetchval(f"SELECT coalesce(max(n), 0) FROM {SCHEMA}.directory_version")
        if version != self._version:
            self.value = await load_directory(connection)
            self._version = version
        self._checked_at = now


def _period(row: asyncpg.Record) -> Period:
    return Period(row["valid_from"], row["valid_to"])
