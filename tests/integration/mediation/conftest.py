"""mediation on a real database: events straight to its gate, commands over its HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from mediation_svc.events import CONTRACTS, HANDLERS
from mediation_svc.main import make_api
from mediation_svc.store.tables import metadata
from support.consumers import Consumer, a_consumer
from support.mediation_desk import MAKE_WORK, Desk


@pytest.fixture
async def mediation(database: str, tmp_path: Path) -> AsyncIterator[Consumer]:
    async with a_consumer(
        "mediation", metadata, CONTRACTS, HANDLERS, MAKE_WORK, database_url=database, folder=tmp_path
    ) as consumer:
        yield consumer


@pytest.fixture
async def desk(mediation: Consumer) -> AsyncIterator[Desk]:
    app = make_api(mediation.settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://mediation") as client,
    ):
        yield Desk(mediation, client)
