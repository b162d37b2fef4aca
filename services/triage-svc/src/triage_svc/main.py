"""Composition root: the one file that knows everything of this service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from chassis import failpoints, logs
from chassis.app import create_app
from chassis.clock import Clock
from chassis.database import Database
from chassis.delivery import Delivery, ops_router
from chassis.migrate import migrate as migrate_schema
from chassis.serve import run_worker, serve
from chassis.settings import MigrateSettings, ServiceSettings
from chassis.wake import poke
from fastapi import FastAPI

from triage_svc.api.routes import decision_routes
from triage_svc.events import CONTRACTS, HANDLERS, SERVICE
from triage_svc.rules.loading import load_rulebook
from triage_svc.settings import PREFIX, DirectorySettings
from triage_svc.store.directories import CurrentDirectory
from triage_svc.store.ledger import ledger_counts
from triage_svc.store.tables import SCHEMA, metadata
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.load_directory import load_directory_file


def api() -> int:
    settings = _start("api")
    serve(make_api(settings), host=settings.http_host, port=settings.http_port)
    return 0


def worker() -> int:
    settings = _start("worker")
    return run_worker(run_delivery(settings))


def migrate() -> int:
    settings = MigrateSettings.load(PREFIX)
    logs.configure(f"{SERVICE}-migrate", settings.log_level)
    asyncio.run(migrate_schema(settings, SERVICE, metadata))
    return 0


def load_directory(path: Path) -> str:
    """What there is to say of it. Raises DirectoryRefused, DatabaseUnavailable."""
    settings = DirectorySettings.load(PREFIX)
    return asyncio.run(_load_directory(settings.database_url, path))


def make_api(settings: ServiceSettings) -> FastAPI:
    database = Database(settings.database_url, process=f"{SERVICE}-api", pool_size=settings.pool_size)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await database.close()

    ops = ops_router(
        SERVICE, SCHEMA, CONTRACTS.topic, sorted(CONTRACTS.consumed), database, Clock(),
        counts=ledger_counts, wake=partial(poke, settings.wake_port),
    )  # fmt: skip
    return create_app(
        "研判分流服务",
        "Triage",
        settings=settings,
        routers=[decision_routes(database), ops],
        checks={"postgres": database.check},
        lifespan=lifespan,
    )


async def run_delivery(settings: ServiceSettings) -> None:
    """Until cancelled. The rule files are read once; the directory follows its table."""
    rules, directory = load_rulebook(), CurrentDirectory()
    database = Database(settings.database_url, process=f"{SERVICE}-worker", pool_size=settings.pool_size)
    make_work = partial(TriageWork, rules=rules, current=directory)
    try:
        await Delivery(settings, CONTRACTS, HANDLERS, make_work, database, Clock()).run()
    finally:
        await database.close()


async def _load_directory(database_url: str, path: Path) -> str:
    database = Database(database_url, process=f"{SERVICE}-load-directory", pool_size=1)
    try:
        file, is_new = await load_directory_file(path, database)
    finally:
        await database.close()
    counts = f"{len(file.areas)} areas, {len(file.organisations)} organisations, {len(file.relations)} relations"
    return f"{file.label}: {'已载入 loaded' if is_new else '无变化 unchanged'} ({counts})"


def _start(process: str) -> ServiceSettings:
    settings = ServiceSettings.load(PREFIX)
    logs.configure(f"{SERVICE}-{process}", settings.log_level)
    failpoints.configure(settings.failpoints_dir, f"{SERVICE}-{process}")
    return settings
