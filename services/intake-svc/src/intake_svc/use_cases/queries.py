"""Reads that change nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

_CALL = """
    SELECT call_id, source, call_no, state, version, referral_id, tracking_code, linked_to, station_code, reported_at,
           received_at, screening, screened_at, opened_at, link_kind
    FROM intake.call WHERE source = $1 AND call_no = $2
"""
_VERSIONS = """
    SELECT version, kind, updated_at, received_at FROM intake.call_version WHERE call_id = $1 ORDER BY received_at
    LIMIT 500
"""
_ACCEPTED = "SELECT count(*) FROM intake.call_version WHERE version = 1"
_COUNTS = """
    SELECT state, count(*) AS calls, count(opened_at) AS opened FROM intake.call GROUP BY state ORDER BY state
"""


@dataclass(frozen=True, slots=True)
class CallView:
    """A call and its versions, as rows; no personal data stands in either."""

    call: dict[str, Any]
    versions: list[dict[str, Any]]

    def milestones(self) -> list[tuple[str, datetime]]:
        """What has happened so far, from the instants the row keeps."""
        named = [
            ("received", self.call["received_at"]),
            ("screened", self.call["screened_at"]),
            ("opened", self.call["opened_at"]),
            ("linked", self.call["screened_at"] if self.call["linked_to"] else None),
        ]
        return [(name, at) for name, at in named if at is not None]


async def find_call_view(connection: asyncpg.Connection, source: str, call_no: str) -> CallView | None:
    row = await connection.fetchrow(_CALL, source, call_no)
    if row is None:
        return None
    versions = await connection.fetch(_VERSIONS, row["call_id"])
    return CallView(dict(row), [dict(version) for version in versions])


async def ledger_counts(connection: asyncpg.Connection) -> dict[str, Any]:
    """intake's part of the ledger: calls accepted, by their first versions, and calls by state, by their own rows.

    The two are counted apart, so that a lost call shows. `opened` counts referrals ever opened.
    """
    rows = await connection.fetch(_COUNTS)
    by_state = {row["state"]: row["calls"] for row in rows}
    return {
        "accepted": await connection.fetchval(_ACCEPTED),
        "by_state": by_state,
        "opened": sum(row["opened"] for row in rows),
        "unopened_by_state": {row["state"]: row["calls"] - row["opened"] for row in rows},
        "received": by_state.get("received", 0),
    }
