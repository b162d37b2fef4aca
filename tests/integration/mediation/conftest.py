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


@pytest.fixture
async def mediation(database: str, tmp_path: Path) -> AsyncIterator[Consumer]:
    async with a_mediation(database, tmp_path) as consumer:
        yield consumer


@pytest.fixture
async def desk(mediation: Consumer) -> AsyncIterator[Desk]:
    async with a_client(mediation) as client:
        yield Desk(mediation, client)


@pytest.fixture(scope="module")
async def shared_desk(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One for all tests of a file whose referrals do not know one another."""
    async with (
        fresh_database(postgres) as database,
        a_mediation(database, tmp_path_factory.mktemp("mediation")) as consumer,
        a_client(consumer) as client,
    ):
        yield Desk(consumer, client)
