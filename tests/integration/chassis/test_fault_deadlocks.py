"""The three deadlocks that are certain without the lock rule, in tables of their own, and their absence with it.

`meet()` holds a transaction at its half until the other one has come to its own, so that nothing is left to chance;
with the rule the other one cannot come there, and the wait ends by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

TRIES = 20
MOST_MS, IN_VAIN_MS = 5000, 3
TABLES = """
    CREATE TABLE stream (id int PRIMARY KEY);
    CREATE TABLE aggregate (id int PRIMARY KEY, n int NOT NULL DEFAULT 0);
    CREATE TABLE clock (id int PRIMARY KEY, state text NOT NULL DEFAULT 'running');
    CREATE TABLE mirror (id int PRIMARY KEY);
    INSERT INTO aggregate SELECT generate_series(1, 2);
    INSERT INTO clock SELECT generate_series(1, 2);
    CREATE FUNCTION meet(most_ms int) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(7);
        FOR n IN 1 .. most_ms LOOP
            EXIT WHEN (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7) = 2;
            PERFORM pg_sleep(0.001);
        END LOOP;
    END $$;
    CREATE FUNCTION at_half() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT 1 FROM mirror) THEN PERFORM meet(current_setting('test.most_ms')::int); END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER at_half BEFORE INSERT ON mirror FOR EACH ROW EXECUTE FUNCTION at_half();
"""
MEET = "SELECT meet(current_setting('test.most_ms')::int)"
ADD = "UPDATE aggregate SET n = n + 1 WHERE id = {}"
FIRE = "UPDATE clock SET state = 'fired' WHERE id = {}"
PAUSE = "UPDATE clock SET state = 'paused' WHERE id = {}"
MIRROR = "INSERT INTO mirror VALUES ({}), ({}) ON CONFLICT DO NOTHING"

STREAMS_FIRST = [
    "INSERT INTO stream VALUES (1), (2) ON CONFLICT DO NOTHING",
    "SELECT 1 FROM stream WHERE id IN (1, 2) ORDER BY id FOR UPDATE",
]
MEETINGS = {
    "two batches for two producers": ([ADD.format(1), MEET, ADD.format(2)], [ADD.format(2), MEET, ADD.format(1)]),
    "a ticker against a command": ([FIRE.format(1), MEET, ADD.format(1)], [ADD.format(1), MEET, PAUSE.format(1)]),
    "two inserts of several rows": ([MIRROR.format(1, 2)], [MIRROR.format(2, 1)]),
}


@pytest.fixture
async def two(database: str) -> AsyncIterator[Sequence[asyncpg.Connection]]:
    sessions = [await asyncpg.connect(database, server_settings={"deadlock_timeout": "10ms"}) for _ in range(2)]
    await sessions[0].execute(TABLES)
    yield sessions
    for session in sessions:
        await session.close()


async def run(session: asyncpg.Connection, statements: Sequence[str]) -> bool:
    """False when the server had to choose this one as the victim."""
    try:
        async with session.transaction():
            for statement in statements:
                await session.execute(statement)
    except asyncpg.DeadlockDetectedError:
        return False
    return True


async def deadlocks(
    two: Sequence[asyncpg.Connection],
    meeting: Sequence[Sequence[str]],
    *,
    first: Sequence[str] = (),
    most_ms: int = MOST_MS,
) -> int:
    """Of so many meetings."""
    found = 0
    for session in two:
        await session.execute(f"SET test.most_ms = {most_ms}")
    for _ in range(TRIES):
        await two[0].execute("TRUNCATE mirror, stream")
        both = (run(session, [*first, *one]) for session, one in zip(two, meeting, strict=True))
        found += (await asyncio.gather(*both)).count(False)
    return found


@pytest.mark.parametrize("meeting", MEETINGS.values(), ids=MEETINGS)
async def test_without_the_lock_rule_every_meeting_is_a_deadlock(
    two: Sequence[asyncpg.Connection], meeting: Sequence[Sequence[str]]
) -> None:
    assert await deadlocks(two, meeting) == TRIES


@pytest.mark.parametrize("meeting", MEETINGS.values(), ids=MEETINGS)
async def test_with_the_streams_locked_first_no_meeting_is(
    two: Sequence[asyncpg.Connection], meeting: Sequence[Sequence[str]]
) -> None:
    assert await deadlocks(two, meeting, first=STREAMS_FIRST, most_ms=IN_VAIN_MS) == 0


async def test_inserts_sorted_by_their_key_need_no_stream(two: Sequence[asyncpg.Connection]) -> None:
    one = [MIRROR.format(1, 2)]
    assert await deadlocks(two, (one, one), most_ms=IN_VAIN_MS) == 0
