from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs
from support.desk import Desk, DeskDatabase, a_desk, make_database
from support.stack import PostgresServer
from support.tokens import Issuer


@pytest.fixture(scope="session")
async def desk_database(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> DeskDatabase:
    """Made once for the run; each test finds its tables empty."""
    return await make_database(postgres, Issuer(tmp_path_factory.mktemp("desk")))


@pytest.fixture
async def desk(desk_database: DeskDatabase) -> AsyncIterator[Desk]:
    async with a_desk(desk_database) as made:
        with capture_logs():  # structlog's own console takes seconds to draw a traceback
            yield made
