"""What is measured: ours, the floor, the weekend version. The same calls go into each, the same questions are asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from bench.client import Client
from stack.ports import SERVICES

DRAIN_SECONDS = 60.0


class Void(RuntimeError):
    """The run did not do what it was measured for: its figure says nothing."""


@dataclass(frozen=True)
class Questions:
    """Statements. `accepted` counts calls by prefix, `arrived` what has come to the road's ends of those whose id is
    not below a given one: to count all, four times a second, took more of each minute than of the last. `journeys`
    gives, by prefix, each call's number and the later of the two commits at the road's ends, `stages` the commits of
    each stage, `left` what must be nought when all have come: rows that wait or stand aside, effects told twice."""

    accepted: str
    arrived: str
    journeys: str
    stages: str
    left: str = "SELECT 0"


OURS = Questions(
    accepted="SELECT count(*) FROM intake.call WHERE call_no LIKE $1 || '-%'",
    arrived="""SELECT least(
        (SELECT count(*) FROM followup.watch WHERE referral_id >= $1),
        (SELECT count(*) FROM mediation.mirror WHERE referral_id >= $1 AND state = 'dispatched'))""",
    journeys="""
        SELECT c.call_no, greatest(pg_xact_commit_timestamp(m.xmin), pg_xact_commit_timestamp(e.xmin)) AS at
        FROM intake.call c
        JOIN mediation.mirror m ON m.referral_id = c.referral_id AND m.state = 'dispatched'
        JOIN followup.watch w ON w.referral_id = c.referral_id
        JOIN followup.event_log e ON e.referral_id = c.referral_id AND e.seq = 1
        WHERE c.call_no LIKE $1 || '-%'""",
    stages="""
        WITH run AS MATERIALIZED (SELECT referral_id, call_id FROM intake.call WHERE call_no LIKE $1 || '-%')
        SELECT 'accepted' AS stage, pg_xact_commit_timestamp(v.xmin) AS at
            FROM intake.call_version v JOIN run USING (call_id)
        UNION ALL SELECT 'opened', pg_xact_commit_timestamp(e.xmin) FROM intake.event_log e JOIN run USING (referral_id)
            WHERE e.seq = 1
        UNION ALL SELECT 'dispatched', pg_xact_commit_timestamp(e.xmin) FROM triage.event_log e
            JOIN run USING (referral_id) WHERE e.type LIKE '%dispatched%'
        UNION ALL SELECT 'mirrored', pg_xact_commit_timestamp(m.xmin) FROM mediation.mirror m
            JOIN run USING (referral_id) WHERE m.state = 'dispatched'
        UNION ALL SELECT 'watched', pg_xact_commit_timestamp(e.xmin) FROM followup.event_log e
            JOIN run USING (referral_id) WHERE e.seq = 1""",
    left="""SELECT (SELECT count(*) - count(DISTINCT referral_id) FROM followup.event_log
                    WHERE type LIKE '%watch_opened%')"""
    + "".join(
        f" + (SELECT count(*) FROM {name}.{table})" for name in SERVICES for table in ("outbox", "unsendable", "parked")
    ),
)
FLOOR = Questions(
    accepted="SELECT count(*) FROM call WHERE call_no LIKE $1 || '-%'",
    arrived="""SELECT least((SELECT count(*) FROM watch WHERE referral_id >= $1),
                            (SELECT count(*) FROM mirror WHERE referral_id >= $1))""",
    journeys="""
        SELECT c.call_no, greatest(pg_xact_commit_timestamp(m.xmin), pg_xact_commit_timestamp(w.xmin)) AS at
        FROM call c JOIN mirror m USING (referral_id) JOIN watch w USING (referral_id)
        WHERE c.call_no LIKE $1 || '-%'""",
    stages="""
        WITH run AS MATERIALIZED (SELECT referral_id FROM call WHERE call_no LIKE $1 || '-%')
        SELECT 'accepted' AS stage, pg_xact_commit_timestamp(c.xmin) AS at FROM call c JOIN run USING (referral_id)
        UNION ALL SELECT 'dispatched', pg_xact_commit_timestamp(r.xmin) FROM referral r JOIN run USING (referral_id)
        UNION ALL SELECT 'mirrored', pg_xact_commit_timestamp(m.xmin) FROM mirror m JOIN run USING (referral_id)
        UNION ALL SELECT 'watched', pg_xact_commit_timestamp(w.xmin) FROM watch w JOIN run USING (referral_id)""",
)
WEEKEND = replace(  # few rows, and ids without order
    FLOOR,
    arrived="SELECT least((SELECT count(*) FROM watch), (SELECT count(*) FROM mirror WHERE $1::uuid IS NOT NULL))",
)


class Subject:
    """One that runs: where it takes calls, and its database to look into."""

    def __init__(
        self, name: str, port: int, token: str, url: str, questions: Questions, pids: Mapping[str, int]
    ) -> None:
        self.name, self.pids = name, pids
        self._port, self._token, self.url, self._ask = port, token, url, questions
        self._connection: asyncpg.Connection | None = None

    async def client(self, connections: int) -> Client:
        client = Client("127.0.0.1", self._port, token=self._token)
        await client.open(connections)
        return client

    async def value(self, statement: str, *arguments: Any) -> Any:
        return await (await self._eyes()).fetchval(statement, *arguments)

    async def rows(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        return list(await (await self._eyes()).fetch(statement, *arguments, timeout=60))

    def arrivals(self) -> Callable[[], Awaitable[int]]:
        """What counts those that were opened from now on and have come to both ends."""
        now = UUID(int=time.time_ns() // 1_000_000 << 80)

        async def count() -> int:
            return int(await self.value(self._ask.arrived, now))

        return count

    async def accepted(self, prefix: str) -> int:
        return int(await self.value(self._ask.accepted, prefix))

    async def journeys(self, prefix: str, *, expected: int) -> dict[str, float]:
        """When each call was committed at both ends. Raises Void when one has not come after a minute."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while True:
            rows = await (await self._eyes()).fetch(self._ask.journeys, prefix, timeout=60)
            if len(rows) >= expected:
                return {row["call_no"]: _seconds(row["at"]) for row in rows}
            if time.monotonic() > deadline:
                raise Void(f"{self.name}: {len(rows)} of {expected} calls have reached both ends of the road")
            await asyncio.sleep(0.5)

    async def nothing_left(self) -> None:
        """Raises Void when after a minute something still waits, stands aside or was told twice."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while left := int(await self.value(self._ask.left)):
            if time.monotonic() > deadline:
                raise Void(f"{self.name}: {left} rows are left over, stand aside or were told twice")
            await asyncio.sleep(0.5)

    async def stages(self, prefix: str) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        for row in await (await self._eyes()).fetch(self._ask.stages, prefix, timeout=60):
            found.setdefault(row["stage"], []).append(_seconds(row["at"]))
        return found

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _eyes(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self.url)
        return self._connection


def _seconds(at: datetime) -> float:
    return at.timestamp()
