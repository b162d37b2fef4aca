"""mediation's own part of the ledger."""

import asyncpg

_COUNT = """
    SELECT count(*) AS mirrors, count(*) FILTER (WHERE state = 'dispatched') AS dispatched_mirrors FROM mediation.mirror
"""
_CASES = "SELECT state, count(*) AS cases FROM mediation.mediation_case GROUP BY state"


async def ledger_counts(connection: asyncpg.Connection) -> dict[str, int]:
    """What it has noted, how much of that was dispatched, and its cases by state where there are any."""
    row = await connection.fetchrow(_COUNT)
    assert row is not None
    cases = {f"cases_{found['state']}": found["cases"] for found in await connection.fetch(_CASES)}
    return {**dict(row), **cases}
