# ruff: noqa: PT012  (the body of a transaction is what is tried here, not one statement)
from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from chassis.database import Database, savepoint
from chassis.database_errors import (
    CommitOutcomeUnknown,
    DatabaseBusy,
    DatabaseUnavailable,
    TransactionUndone,
    as_unavailable,
    retrying,
)
from sqlalchemy.engine import make_url
from support.cutting_proxy import cutting_proxy
from support.stack import PostgresServer, a_postgres, eventually


@pytest.fixture
async def db(database: str) -> AsyncIterator[Database]:
    db = Database(database, process="test-api", pool_size=2)
    async with db.connection() as connection:
        await connection.execute("CREATE TABLE item (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)")
    yield db
    await db.close()


@pytest.fixture
async def witness(database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that has nothing to do with ours, to see what is really there."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def ids(witness: asyncpg.Connection) -> list[int]:
    return [row["id"] for row in await witness.fetch("SELECT id FROM item ORDER BY id")]


async def test_a_transaction_is_seen_by_others_only_after_it_ended(db: Database, witness: asyncpg.Connection) -> None:
    async with db.transaction() as connection:
        await connection.execute("INSERT INTO item VALUES (1)")
        assert await ids(witness) == []
    assert await ids(witness) == [1]


async def test_whatever_the_body_raises_undoes_all_of_it_and_is_raised_on(
    db: Database, witness: asyncpg.Connection
) -> None:
    with pytest.raises(KeyError, match="refused"):
        async with db.transaction() as connection:
            await connection.execute("INSERT INTO item VALUES (1)")
            raise KeyError("refused")
    with pytest.raises(asyncpg.UniqueViolationError):
        async with db.transaction() as connection:
            await connection.execute("INSERT INTO item VALUES (2)")
            await connection.execute("INSERT INTO item VALUES (2)")

    assert await ids(witness) == []
    async with db.transaction() as connection:
        await connection.execute("INSERT INTO item VALUES (3)")
    assert await ids(witness) == [3]


async def test_an_error_that_the_body_swallowed_does_not_pass_for_a_commit(
    db: Database, witness: asyncpg.Connection
) -> None:
    with pytest.raises(TransactionUndone):
        async with db.transaction() as connection:
            await connection.execute("INSERT INTO item VALUES (1)")
            with pytest.raises(asyncpg.UniqueViolationError):
                await connection.execute("INSERT INTO item VALUES (1)")
    assert await ids(witness) == []


async def test_a_savepoint_undoes_only_its_own_part(db: Database, witness: asyncpg.Connection) -> None:
    async with db.transaction() as connection:
        await connection.execute("INSERT INTO item VALUES (1)")
        with pytest.raises(asyncpg.UniqueViolationError):
            async with savepoint(connection):
                await connection.execute("INSERT INTO item VALUES (2)")
                await connection.execute("INSERT INTO item VALUES (1)")
        async with savepoint(connection):
            await connection.execute("INSERT INTO item VALUES (3)")
    assert await ids(witness) == [1, 3]


async def test_a_cancelled_transaction_is_undone_and_its_connection_is_good_again(
    db: Database, witness: asyncpg.Connection
) -> None:
    async def endless() -> None:
        async with db.transaction() as connection:
            await connection.execute("INSERT INTO item VALUES (1)")
            await connection.execute("SELECT pg_sleep(4)")

    for _ in range(6):  # more often than the pool has connections
        task = asyncio.create_task(endless())
        await eventually(lambda: witness.fetchval("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%sleep(4)'"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await ids(witness) == []
    await db.check()


async def test_a_transaction_costs_its_own_statements_and_nothing_more(db: Database, postgres: PostgresServer) -> None:
    """By the server's own log: the pool adds no round trip when it hands a connection out or takes it back."""
    async with db.connection() as connection:
        await connection.execute("SET log_statement = 'all'")
        pid = connection.get_server_pid()
    for n in range(3):
        async with db.transaction() as connection:
            assert connection.get_server_pid() == pid, "the pool hands out the connection used last"
            await connection.execute("INSERT INTO item VALUES ($1)", n)
    async with db.connection() as connection:
        await connection.execute("RESET log_statement")

    lines = [line for line in postgres.log.read_text().splitlines() if f"[{pid}]" in line and " LOG: " in line]
    statements = [line.split("LOG: ", 1)[1].split(": ", 1)[1] for line in lines]
    assert statements == ["BEGIN", "INSERT INTO item VALUES ($1)", "COMMIT"] * 3 + ["RESET log_statement"]


async def test_reads_and_transactions_share_one_pool_with_its_limits_and_its_name(
    db: Database, witness: asyncpg.Connection
) -> None:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "application_name", "TimeZone")
    async with db.connection() as connection:
        settings = [await connection.fetchval("SELECT current_setting($1)", name) for name in names]
    async with db.transaction() as connection:
        found = await connection.fetchval("""SELECT '{"姓": [1]}'::jsonb""")

    assert settings == ["5s", "2s", "10s", "test-api", "UTC"]
    assert found == {"姓": [1]}
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'test-api'"
    assert await witness.fetchval(count) <= 2


async def test_a_full_pool_is_unavailable_and_not_a_surprise(database: str) -> None:
    db = Database(database, process="test-api", pool_size=1)
    async with db.transaction():
        with pytest.raises(DatabaseUnavailable):
            async with db.transaction():
                pass
    await db.close()


async def test_two_who_meet_in_opposite_order_both_get_through(db: Database, witness: asyncpg.Connection) -> None:
    await witness.execute("INSERT INTO item VALUES (1), (2)")
    met = asyncio.Barrier(2)
    tries = 0

    async def add(first: int, second: int) -> None:
        nonlocal tries
        tries += 1
        is_first_try = tries <= 2
        async with db.transaction() as connection:
            await connection.execute("UPDATE item SET n = n + 1 WHERE id = $1", first)
            if is_first_try:
                await met.wait()
            await connection.execute("UPDATE item SET n = n + 1 WHERE id = $1", second)

    await asyncio.gather(retrying(lambda: add(1, 2)), retrying(lambda: add(2, 1)))

    assert tries > 2, "no deadlock was met"
    assert [row["n"] for row in await witness.fetch("SELECT n FROM item")] == [2, 2]


async def test_a_lock_held_by_another_for_good_ends_as_busy(db: Database, witness: asyncpg.Connection) -> None:
    await witness.execute("INSERT INTO item VALUES (1)")
    tries = 0

    async def touch() -> None:
        nonlocal tries
        tries += 1
        async with db.transaction() as connection:
            await connection.execute("SET LOCAL lock_timeout = '50ms'")
            await connection.execute("UPDATE item SET n = 9 WHERE id = 1")

    async with witness.transaction():
        await witness.execute("UPDATE item SET n = 5 WHERE id = 1")
        with pytest.raises(DatabaseBusy, match="55P03"):
            await retrying(touch, attempts=3)
    assert tries == 3
    assert await witness.fetchval("SELECT n FROM item") == 5


async def test_what_is_no_contention_is_not_tried_again(db: Database) -> None:
    tries = 0

    async def insert() -> None:
        nonlocal tries
        tries += 1
        async with db.transaction() as connection:
            await connection.execute("INSERT INTO item VALUES (1), (1)")

    with pytest.raises(asyncpg.UniqueViolationError):
        await retrying(insert)
    assert tries == 1


@pytest.mark.parametrize("delivered", [True, False])
async def test_a_connection_cut_in_commit_leaves_the_outcome_unknown(
    db: Database, witness: asyncpg.Connection, database: str, delivered: bool
) -> None:
    """The same error whether the server has committed or not: from this side nobody can tell."""
    port = make_url(database).port
    assert port is not None
    async with cutting_proxy(port) as proxy:
        through = Database(
            make_url(database).set(port=proxy.port).render_as_string(hide_password=False), process="cut", pool_size=1
        )
        await through.check()
        proxy.cut_at, proxy.delivered = b"COMMIT", delivered
        with pytest.raises(CommitOutcomeUnknown):
            async with through.transaction() as connection:
                await connection.execute("INSERT INTO item VALUES (1)")
        assert proxy.cuts == 1
        assert await ids(witness) == ([1] if delivered else [])

        proxy.cut_at = None
        await through.check()
        await through.close()


async def test_a_connection_cut_before_commit_is_unavailable_and_nothing_is_there(
    db: Database, witness: asyncpg.Connection
) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with db.transaction() as connection:
            await connection.execute("INSERT INTO item VALUES (1)")
            await witness.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
            await connection.execute("INSERT INTO item VALUES (2)")
    with pytest.raises(DatabaseUnavailable):
        async with db.transaction() as connection:
            await connection.execute("INSERT INTO item VALUES (3)")
            await witness.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
            await eventually(connection.is_closed)
    assert await ids(witness) == []
    await db.check()


async def test_a_constraint_that_speaks_at_commit_is_a_plain_no(db: Database, witness: asyncpg.Connection) -> None:
    await witness.execute("CREATE TABLE late (id int, UNIQUE (id) DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(asyncpg.UniqueViolationError):
        async with db.transaction() as connection:
            await connection.execute("INSERT INTO late VALUES (1), (1)")
    assert await witness.fetchval("SELECT count(*) FROM late") == 0
    await db.check()


async def test_a_statement_beyond_its_time_is_unavailable(db: Database) -> None:
    with pytest.raises(DatabaseUnavailable, match="57014"):
        async with db.transaction() as connection:
            await connection.execute("SET LOCAL statement_timeout = '50ms'")
            await connection.execute("SELECT pg_sleep(5)")


async def test_after_a_crash_of_the_server_the_pool_works_again_at_once(test_folder: Path) -> None:
    server: PostgresServer = a_postgres(test_folder / "crash")
    server.start()
    db = Database(server.url(), process="test-api", pool_size=3)
    try:
        await asyncio.gather(*(db.check() for _ in range(3)))
        server.stop_immediately()
        began = time.monotonic()
        with pytest.raises(DatabaseUnavailable):
            await db.check()
        assert time.monotonic() - began < 5
        with pytest.raises(DatabaseUnavailable):
            await db.dedicated()
        server.start()
        await asyncio.gather(*(db.check() for _ in range(6)))
    finally:
        await db.close()
        server.stop()


async def test_a_dedicated_connection_is_outside_the_pool(db: Database) -> None:
    own = await db.dedicated()
    try:
        assert await own.fetchval("SELECT pg_try_advisory_lock(1)") is True
        for _ in range(3):
            async with db.connection() as connection:
                assert await connection.fetchval("SELECT pg_try_advisory_lock(1)") is False
    finally:
        await own.close()


@pytest.mark.parametrize("wait", [0, 0.0005, 0.002])
async def test_a_backend_that_dies_between_two_statements_is_unavailable_at_every_moment(
    db: Database, witness: asyncpg.Connection, wait: float
) -> None:
    """The driver reports the same death in three ways, by how much of the server's last word it has read."""
    for _ in range(15):
        with pytest.raises(DatabaseUnavailable):
            async with db.transaction() as connection:
                await witness.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
                await asyncio.sleep(wait)
                await connection.execute("INSERT INTO item VALUES (1)")
        with pytest.raises(DatabaseUnavailable):
            async with db.connection() as connection:
                await witness.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
                await asyncio.sleep(wait)
                await connection.execute("INSERT INTO item VALUES (1)")
                await connection.execute("INSERT INTO item VALUES (2)")
    await witness.execute("DELETE FROM item")
    await db.check()


@pytest.mark.parametrize("wait", [0, 0.002])
async def test_a_backend_that_dies_under_a_read_is_unavailable_too(
    db: Database, witness: asyncpg.Connection, wait: float
) -> None:
    for _ in range(15):
        with pytest.raises(Exception) as caught:  # noqa: PT011
            async with db.connection() as reader:
                pid = await reader.fetchval("SELECT pg_backend_pid()")
                await witness.execute("SELECT pg_terminate_backend($1)", pid)
                await asyncio.sleep(wait)
                await reader.execute("SELECT 1")
        assert as_unavailable(caught.value) is not None, repr(caught.value)
    await db.check()
