"""File numbers without a gap: the committee's row is locked from the look to the commit, so a refusal uses up none."""

from collections.abc import Collection, Mapping

import asyncpg

Series = tuple[str, int]
"""A committee's code and a year."""

# The update changes nothing: it makes the row where it is missing, and locks it either way.
_LOCK = """
    INSERT INTO mediation.file_number AS n (committee_code, year, last)
    SELECT c, y, 0 FROM unnest($1::text[], $2::smallint[]) AS t(c, y) ORDER BY c, y
    ON CONFLICT (committee_code, year) DO UPDATE SET last = n.last RETURNING committee_code, year, last
"""
_SAVE = """
    UPDATE mediation.file_number n SET last = new.last
    FROM unnest($1::text[], $2::smallint[], $3::int[]) AS new(committee_code, year, last)
    WHERE (n.committee_code, n.year) = (new.committee_code, new.year)
"""


async def lock_numbers(connection: asyncpg.Connection, series: Collection[Series]) -> dict[Series, int]:
    """The last number given in each. Locked after the streams, in order: whoever waits here holds no stream another
    acceptance waits for."""
    if not series:
        return {}
    rows = await connection.fetch(_LOCK, *map(list, zip(*sorted(series), strict=True)))
    return {(row["committee_code"], row["year"]): row["last"] for row in rows}


async def save_numbers(connection: asyncpg.Connection, numbers: Mapping[Series, int]) -> None:
    if numbers:
        rows = [(code, year, last) for (code, year), last in sorted(numbers.items())]
        await connection.execute(_SAVE, *map(list, zip(*rows, strict=True)))
