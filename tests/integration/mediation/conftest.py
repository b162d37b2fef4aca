"""mediation on a real database: events straight to its gate, commands over its HTTP."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from mediation_svc.events import CONTRACTS, HANDLERS
from mediation_svc.main import make_api
from mediation_svc.store.tables import metadata
from support.consumers import Consumer, a_consumer
from support.mediation_desk import MAKE_WORK, Desk
from support.stack import PostgresServer, fresh_database


def a_mediation(database: str, folder: Path) -> AbstractAsyncContextManager[Consumer]:
    return a_consumer("mediation", metadata, CONTRACTS, HANDLERS, MAKE_WORK, database_url=database, folder=folder)


@asynccontextmanager
async def a_client(mediation: Consumer) -> AsyncIterator[httpx.AsyncClient]:
    app = make_api(mediation.settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://mediation") as client,
    ):
        yield client


@asynccontextmanager
async def a_desk(postgres: PostgresServer, folder: Path) -> AsyncIterator[Desk]:
    async with (
        fresh_database(postgres) as database,
        a_mediation(database, folder) as consumer,
        a_client(consumer) as client,
    ):
        yield Desk(consumer, client)


@pytest.fixture(scope="session")
async def used_desk(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """To migrate and to make an app takes longer than most tests: it is made once."""
    async with a_desk(postgres, tmp_path_factory.mktemp("used")) as desk:
        yield desk


@pytest.fixture
async def desk(used_desk: Desk) -> Desk:
    """Nothing has come to it."""
    await used_desk.consumer.forget_everything()
    return used_desk


@pytest.fixture
async def mediation(desk: Desk) -> Consumer:
    return desk.consumer


@pytest.fixture(scope="module")
async def shared_desk(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One for all tests of a file whose referrals do not know one another."""
    async with a_desk(postgres, tmp_path_factory.mktemp("mediation")) as desk:
        yield desk
