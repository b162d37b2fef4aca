"""One desk in front of one migrated followup for all tests of this folder: referrals do not know one another."""

import time
from collections.abc import AsyncIterator

import asyncpg
import pytest
from support.stack import PostgresServer
from support.watching import Desk, Producers, a_desk


@pytest.fixture(scope="session")
async def shared_url(postgres: PostgresServer) -> AsyncIterator[str]:
    name = f"followup_{time.monotonic_ns()}"
    admin = await asyncpg.connect(postgres.url())
    await admin.execute(f'CREATE DATABASE "{name}"')
    await admin.close()
    yield postgres.url(name)
    admin = await asyncpg.connect(postgres.url())
    await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await admin.close()


@pytest.fixture(scope="session")
async def shared_desk(shared_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with a_desk(shared_url, tmp_path_factory.mktemp("followup")) as desk:
        yield desk


@pytest.fixture
async def desk(shared_desk: Desk) -> AsyncIterator[Desk]:
    """Every producer answers again, and nobody is distrusted."""
    yield shared_desk
    shared_desk.producers.silent.clear()
    shared_desk.producers.age = Producers().age
    await shared_desk.consumer.rows("DELETE FROM followup.comparison RETURNING 1")
    await shared_desk.consumer.rows("UPDATE followup.closing_request SET state = 'overtaken' RETURNING 1")
