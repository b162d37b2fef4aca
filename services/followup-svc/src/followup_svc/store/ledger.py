"""followup's own part of the ledger."""

from typing import Any

import asyncpg

from followup_svc.domain.watch import WatchState

_COUNT = "SELECT state, count(*) FROM followup.watch GROUP BY state"


async def ledger_counts(connection: asyncpg.Connection) -> dict[str, Any]:
    """Watches by state, each state named even when none stands in it."""
    found: dict[str, int] = {row["state"]: row["count"] for row in await connection.fetch(_COUNT)}
    return {"watches_by_state": {state.value: found.get(state.value, 0) for state in WatchState}}
