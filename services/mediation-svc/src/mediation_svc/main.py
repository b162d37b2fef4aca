"""Composition root: the one file that knows everything of this service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

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

from mediation_svc.api.routes import mirror_routes
from mediation_svc.events import CONTRACTS, HANDLERS, SERVICE
from mediation_svc.store.ledger import ledger_counts
from mediation_svc.store.tables import SCHEMA, metadata
from mediation_svc.store.work import MediationWork

PREFIX = "MEDIATION_"


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
        "调解服务",
        "Mediation",
        settings=settings,
        routers=[mirror_routes(database), ops],
        checks={"postgres": database.check},
        lifespan=lifespan,
    )


async def run_delivery(settings: ServiceSettings) -> None:
    """Until cancelled."""
    database = Database(settings.database_url, process=f"{SERVICE}-worker", pool_size=settings.pool_size)
    try:
        await Delivery(settings, CONTRACTS, HANDLERS, MediationWork, database, Clock()).run()
    finally:
        await database.close()


def _start(process: str) -> ServiceSettings:
    settings = ServiceSettings.load(PREFIX)
    logs.configure(f"{SERVICE}-{process}", settings.log_level)
    failpoints.configure(settings.failpoints_dir, f"{SERVICE}-{process}")
    return settings
