"""A standby is never worked on: who meets one waits until the address leads to a server that writes.

A database whose transactions are read-only by default looks to a client as a standby does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from chassis.database import Database
from chassis.database_errors import DatabaseUnavailable
from chassis.delivery.membership import Membership
from structlog.testing import capture_logs
from support.stack import eventually


@pytest.fixture
def database(new_database: str) -> str:
    return new_database


@pytest.fixture
async def admin(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database)
    await connection.execute("CREATE TABLE item (id int PRIMARY KEY)")
    yield connection
    await connection.close()


@pytest.fixture
async def db(database: str, admin: asyncpg.Connection) -> AsyncIterator[Database]:
    made = Database(database, process="toy", pool_size=1)
    yield made
    await made.close()


async def become(admin: asyncpg.Connection, *, standby: bool) -> None:
    name = await admin.fetchval("SELECT quote_ident(current_database())")
    await admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = {'on' if standby else 'off'}")


async def put(db: Database, number: int) -> None:
    async with db.transaction() as connection:
        await connection.execute("INSERT INTO item VALUES ($1)", number)


async def test_a_standby_is_refused_before_anything_is_read_from_it(db: Database, admin: asyncpg.Connection) -> None:
    await become(admin, standby=True)
    with pytest.raises(DatabaseUnavailable):
        await db.check()
    with pytest.raises(DatabaseUnavailable):
        await db.dedicated()
    await become(admin, standby=False)
    await put(db, 1)
    assert await admin.fetchval("SELECT count(*) FROM item") == 1


async def test_a_connection_whose_server_became_a_standby_is_given_up(db: Database, admin: asyncpg.Connection) -> None:
    async with db.connection() as connection:
        await connection.execute("SET default_transaction_read_only = on")
    with pytest.raises(DatabaseUnavailable):
        await put(db, 1)
    await put(db, 2)
    assert await admin.fetchval("SELECT array_agg(id) FROM item") == [2]


async def test_a_worker_that_finds_a_standby_waits_for_the_primary(db: Database, admin: asyncpg.Connection) -> None:
    await become(admin, standby=True)
    member = Membership(db, "toy")
    with capture_logs() as logs:
        joining = asyncio.create_task(member.join())
        await eventually(lambda: sum(one["event"] == "outage" for one in logs) >= 2)
        assert not joining.done()
        await become(admin, standby=False)
        async with asyncio.timeout(15):
            await joining
    assert member.name == "toy-worker-0"
    await member.close()
