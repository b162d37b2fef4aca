"""triage's own part of the ledger."""

from typing import Any

import asyncpg

from triage_svc.domain.states import State
from triage_svc.store.tables import SCHEMA

_COUNT = f"""
    SELECT state, responsible_code, outcome, closed_at IS NOT NULL AS is_closed, count(*) AS referrals,
        count(*) FILTER (WHERE hop > 0) AS dispatched,
        count(*) FILTER (WHERE hop > 0 OR state IN ('{State.BACK_TO_POLICE}', '{State.TO_OTHER_BODY}')) AS watched
    FROM {SCHEMA}.referral GROUP BY state, responsible_code, outcome, is_closed
"""
_HALTED = f"SELECT count(DISTINCT referral_id) FROM {SCHEMA}.halt"


async def ledger_counts(connection: asyncpg.Connection) -> dict[str, Any]:
    """All referrals by state, the closed ones by outcome too; what was ever dispatched, and what followup must watch:
    that, and what ended before any office had it; for each open one the unit responsible now, never nobody. `halted`
    are those that a block holds.
    """
    by_state: dict[str, int] = {}
    open_by_state: dict[str, int] = {}
    closed_by_outcome: dict[str, int] = {}
    open_by_responsible: dict[str, int] = {}
    dispatched = watched = 0
    for state, responsible_code, outcome, is_closed, referrals, sent, seen in await connection.fetch(_COUNT):
        _add(by_state, state, referrals)
        dispatched += sent
        watched += seen
        if is_closed:
            _add(closed_by_outcome, outcome or "", referrals)
        else:
            _add(open_by_state, state, referrals)
            _add(open_by_responsible, responsible_code or "", referrals)
    return {
        "by_state": dict(sorted(by_state.items())),
        "open_by_state": dict(sorted(open_by_state.items())),
        "closed_by_outcome": dict(sorted(closed_by_outcome.items())),
        "dispatched": dispatched,
        "to_be_watched": watched,
        "open_by_responsible": dict(sorted(open_by_responsible.items())),
        "without_responsible": open_by_responsible.get("", 0),
        "halted": await connection.fetchval(_HALTED),
    }


def _add(counts: dict[str, int], key: str, more: int) -> None:
    counts[key] = counts.get(key, 0) + more
