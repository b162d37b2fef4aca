"""triage's own part of the ledger."""

from typing import Any

import asyncpg

from triage_svc.domain.referral import State
from triage_svc.store.tables import SCHEMA

# Everything but these is still somebody's to do.
ENDED = (State.BACK_TO_POLICE, State.TO_OTHER_BODY)

_COUNT = f"""
    SELECT state, responsible_code, count(*) AS referrals, count(*) FILTER (WHERE hop > 0) AS dispatched
    FROM {SCHEMA}.referral GROUP BY state, responsible_code
"""


async def ledger_counts(connection: asyncpg.Connection) -> dict[str, Any]:
    """Referrals by state; what was ever dispatched; and for each open one the unit responsible now, never nobody."""
    by_state: dict[str, int] = {}
    open_by_responsible: dict[str, int] = {}
    dispatched = 0
    for state, responsible_code, referrals, sent in await connection.fetch(_COUNT):
        by_state[state] = by_state.get(state, 0) + referrals
        dispatched += sent
        if state not in ENDED:
            key = responsible_code or ""
            open_by_responsible[key] = open_by_responsible.get(key, 0) + referrals
    return {
        "by_state": dict(sorted(by_state.items())),
        "dispatched": dispatched,
        "open_by_responsible": dict(sorted(open_by_responsible.items())),
        "without_responsible": open_by_responsible.get("", 0),
    }
