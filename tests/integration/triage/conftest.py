"""triage on a real database with the sample directory: events straight to its gate, commands over its HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from chassis.workdays import load_calendar
from support.consumers import Consumer, a_consumer
from support.stack import PostgresServer, fresh_database
from triage_svc.cli import sample_directory
from triage_svc.events import CONTRACTS, HANDLERS
from triage_svc.publishing import PUBLISH
from triage_svc.rules.loading import load_rulebook
from triage_svc.store.directories import CurrentDirectory
from triage_svc.store.tables import metadata
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.load_directory import load_directory_file


@asynccontextmanager
async def a_triage(database: str, folder: Path) -> AsyncIterator[Consumer]:
    make_work = partial(
        TriageWork,
        rules=load_rulebook(),
        current=CurrentDirectory(check_seconds=0),
        publish=PUBLISH,
        calendar=load_calendar(),
    )
    async with a_consumer(
        "triage", metadata, CONTRACTS, HANDLERS, make_work, database_url=database, folder=folder
    ) as consumer:
        yield consumer


@pytest.fixture(scope="session")
async def used_triage(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Consumer]:
    """To migrate takes longer than most tests: it is made once."""
    async with (
        fresh_database(postgres) as database,
        a_triage(database, tmp_path_factory.mktemp("used")) as consumer,
    ):
        yield consumer


@pytest.fixture
async def triage_without_directory(used_triage: Consumer) -> Consumer:
    """Nothing has come to it."""
    await used_triage.forget_everything()
    return used_triage


@pytest.fixture
async def triage(triage_without_directory: Consumer) -> Consumer:
    await load_directory_file(sample_directory(), triage_without_directory.database)
    return triage_without_directory


@pytest.fixture(scope="module")
async def shared_triage(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Consumer]:
    """One for all tests of a file whose referrals do not know one another."""
    async with (
        fresh_database(postgres) as database,
        a_triage(database, tmp_path_factory.mktemp("triage")) as consumer,
    ):
        await load_directory_file(sample_directory(), consumer.database)
        yield consumer
