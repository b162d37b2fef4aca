"""The checker of DELIVERY §7: reads the four databases with an administrator's eyes and lists every breach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from chaos.claims import SERVICES, claims

SHOWN = 5


@dataclass(frozen=True)
class Promise:
    """What a client was told in a 2xx answer."""

    source: str
    call_no: str
    call_id: UUID
    referral_id: UUID
    tracking_code: str


@dataclass(frozen=True)
class Breach:
    claim: str
    count: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        return f"not so: {self.claim} ({self.count}): {'; '.join(self.examples)}"


async def breaches(
    connection: asyncpg.Connection, promises: Sequence[Promise], *, quarantined: Mapping[str, int] | None = None
) -> list[Breach]:
    """Empty when everything holds. One snapshot; `quarantined` is how many undecodable records each consumer met."""
    async with connection.transaction(isolation="repeatable_read"):
        return await breaches_now(connection, promises, quarantined=quarantined)


async def breaches_now(
    connection: asyncpg.Connection, promises: Sequence[Promise], *, quarantined: Mapping[str, int] | None = None
) -> list[Breach]:
    """Inside the caller's transaction, so that a planted fault can be seen and undone."""
    found = [_breach(claim, await connection.fetch(query)) for claim, query in claims().items()]
    found.append(_breach("every promise to a client is kept, word for word", await _broken(connection, promises)))
    found.append(_breach("as many calls are kept as were promised", await _miscounted(connection, len(promises))))
    expected = dict.fromkeys(SERVICES, 0) | dict(quarantined or {})
    found.append(_breach("quarantine holds what was undecodable and no more", await _stray(connection, expected)))
    return [breach for breach in found if breach is not None]


def _breach(claim: str, rows: Sequence[Any]) -> Breach | None:
    return Breach(claim, len(rows), tuple(row[0] or "null" for row in rows[:SHOWN])) if rows else None


async def _broken(connection: asyncpg.Connection, promises: Sequence[Promise]) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await connection.fetch(
        """SELECT p.call_no || CASE WHEN c.call_id IS NULL THEN ' is not kept' ELSE ' was promised under other ids' END
           FROM unnest($1::text[], $2::text[], $3::uuid[], $4::uuid[], $5::text[])
               AS p(source, call_no, call_id, referral_id, tracking_code)
           LEFT JOIN intake.call c USING (source, call_no)
           WHERE (p.call_id, p.referral_id, p.tracking_code)
               IS DISTINCT FROM (c.call_id, c.referral_id, c.tracking_code)""",
        [one.source for one in promises],
        [one.call_no for one in promises],
        [one.call_id for one in promises],
        [one.referral_id for one in promises],
        [one.tracking_code for one in promises],
    )
    return rows


async def _miscounted(connection: asyncpg.Connection, promised: int) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await connection.fetch(
        "SELECT count(*) || ' kept, ' || $1::int || ' promised' FROM intake.call HAVING count(*) <> $1", promised
    )
    return rows


async def _stray(connection: asyncpg.Connection, expected: Mapping[str, int]) -> list[tuple[str]]:
    query = "SELECT count(*) FROM {}.quarantine WHERE consumer = 'acting'"  # projections keep their own
    counts = {name: await connection.fetchval(query.format(name)) for name in SERVICES}
    return [(f"{name} has {n}, expected {expected[name]}",) for name, n in counts.items() if n != expected[name]]
