"""Closings that wait, what the producers said before them, and what delivery knows of a referral."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from followup_svc.domain.closing import ClosingRequest, ClosingState
from followup_svc.domain.gate import Arrivals, HeadAsked, Reached
from followup_svc.domain.obstacles import Obstacle
from followup_svc.store.upserting import Upsert

REQUEST_COLUMNS = "referral_id, cycle, command_id, asked_by, asked_at, next_try_at, state, tries, obstacles"
_LOAD_REQUESTS = f"SELECT {REQUEST_COLUMNS} FROM followup.closing_request WHERE referral_id = ANY ($1)"
_DUE_REQUESTS = """
    SELECT referral_id FROM followup.closing_request WHERE state = 'waiting' AND next_try_at <= clock_timestamp()
    ORDER BY next_try_at LIMIT $1
"""
_REQUESTS = Upsert(
    "closing_request",
    {
        "referral_id": "uuid", "cycle": "int2", "command_id": "uuid", "asked_by": "text", "asked_at": "timestamptz",
        "next_try_at": "timestamptz", "state": "text", "tries": "int", "obstacles": "json",
    },
    key=1,
)  # fmt: skip
_CHECKS = Upsert(
    "gate_check",
    {"referral_id": "uuid", "producer": "text", "head": "int", "event_id": "uuid", "asked_at": "timestamptz"},
    key=2,
)
_HELD = """
    SELECT producer || ':' || seq AS place, reason FROM followup.parked
    WHERE referral_id = $1 AND consumer = 'acting' ORDER BY producer, seq
"""
_LACKING = """
    SELECT l.producer || ':' || l.upto AS place FROM followup.lacking l
    LEFT JOIN followup.stream_pos p ON p.referral_id = l.referral_id AND p.consumer = l.consumer
        AND p.producer = l.producer
    WHERE l.referral_id = $1 AND l.consumer = 'acting' AND l.upto > coalesce(p.last, 0) ORDER BY 1
"""
_DISTRUSTED = "SELECT producer FROM followup.comparison WHERE consumer = 'acting' AND distrusted IS NOT NULL"


async def load_requests(connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> list[ClosingRequest]:
    return [request_of(row) for row in await connection.fetch(_LOAD_REQUESTS, referral_ids)]


async def save_requests(connection: asyncpg.Connection, requests: Collection[ClosingRequest]) -> None:
    rows = [
        (
            one.referral_id, one.cycle, one.command_id, one.asked_by, one.asked_at, one.next_try_at, one.state.value,
            one.tries, orjson.dumps([[o.code, list(o.subjects)] for o in one.obstacles], default=str).decode(),
        )
        for one in requests
    ]  # fmt: skip
    await _REQUESTS.write(connection, rows)


async def list_due_closings(connection: asyncpg.Connection, *, limit: int) -> list[UUID]:
    """Without locks: whoever tries one locks its referral and looks again."""
    return [row["referral_id"] for row in await connection.fetch(_DUE_REQUESTS, limit)]


async def save_checks(connection: asyncpg.Connection, referral_id: UUID, asked: Collection[HeadAsked]) -> None:
    rows = [(referral_id, one.producer, one.head, one.event_id, one.asked_at) for one in asked]
    await _CHECKS.write(connection, rows)


async def load_arrivals(
    connection: asyncpg.Connection, referral_id: UUID, asked: Collection[HeadAsked], reached: dict[str, Reached]
) -> Arrivals:
    """Inside the closing's transaction, its stream locked: nothing of this referral moves meanwhile."""
    held = await connection.fetch(_HELD, referral_id)
    return Arrivals(
        {one.producer: one for one in asked},
        reached,
        held_up=[row["place"] for row in held if row["reason"] != "waiting"],
        waiting=[row["place"] for row in held if row["reason"] == "waiting"],
        missing=[row["place"] for row in await connection.fetch(_LACKING, referral_id)],
        distrusted=[row["producer"] for row in await connection.fetch(_DISTRUSTED)],
    )


async def database_now(connection: asyncpg.Connection) -> datetime:
    """The database's clock is the authority: the age of an answer is measured by it alone."""
    now: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return now


def request_of(row: asyncpg.Record) -> ClosingRequest:
    obstacles = tuple(Obstacle(code, tuple(subjects)) for code, subjects in row["obstacles"])
    return ClosingRequest(
        row["referral_id"], row["cycle"], row["command_id"], row["asked_by"], row["asked_at"], row["next_try_at"],
        ClosingState(row["state"]), row["tries"], obstacles,
    )  # fmt: skip
