"""mediation's own part of the ledger."""

import asyncpg

_COUNT = """
    SELECT count(*) AS mirrors, count(*) FILTER (WHERE state = 'dispatched') AS dispatched_mirrors FROM mediation.mirror
"""


async def ledger_counts(connection: asyncpg.Connection) -> dict[str, int]:
    """What it has noted, and how much of that was dispatched."""
    row = await connection.fetchrow(_COUNT)
    assert row is not None
    return dict(row)
