"""Composition root: the one file that knows everything of this service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from chassis import failpoints, logs
from chassis.app import create_app
from chassis.clock import Clock
from chassis.database import Database
from chassis.delivery import Delivery, Statements, Units, ops_router
from chassis.migrate import migrate as migrate_schema
from chassis.serve import run_worker, serve
from chassis.settings import MigrateSettings
from chassis.wake import WORK, poke
from fastapi import FastAPI

from intake_svc.api.reading import CallReader
from intake_svc.api.routes import call_routes
from intake_svc.domain.reception import ReceptionRules
from intake_svc.events import CONTRACTS, HANDLERS, PUBLISH, SERVICE
from intake_svc.rules.loading import Rules, load_rules
from intake_svc.settings import IntakeSettings
from intake_svc.store.backlog import Backlog
from intake_svc.store.tables import SCHEMA, metadata
from intake_svc.store.vault import Vault
from intake_svc.store.work import IntakeWork
from intake_svc.use_cases.queries import ledger_counts
from intake_svc.use_cases.screen_calls import ScreenCalls
from intake_svc.use_cases.screening_loop import screening_loop
from intake_svc.use_cases.submit_call import SubmitCall

PREFIX = "INTAKE_"

make_work = partial(IntakeWork, publish=PUBLISH)


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


def make_api(settings: IntakeSettings) -> FastAPI:
    rules = load_rules()
    database = Database(settings.database_url, process=f"{SERVICE}-api", pool_size=settings.pool_size)
    wake = partial(poke, settings.wake_port)
    units = Units(database, Statements(SCHEMA, CONTRACTS.topic), make_work, wake)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await database.warm(settings.pool_size)
        yield
        await database.close()

    calls = call_routes(
        CallReader(rules.masking, settings.index_key),
        SubmitCall(units, Vault(settings.keyring)),
        Backlog(database, limit=settings.queue_limit),
        database,
        wake=partial(poke, settings.wake_port, WORK),
    )
    ops = ops_router(
        SERVICE, SCHEMA, CONTRACTS.topic, sorted(CONTRACTS.consumed), database, Clock(),
        counts=ledger_counts, wake=wake,
    )  # fmt: skip
    return create_app(
        "受理服务",
        "Intake",
        settings=settings,
        routers=[calls, ops],
        checks={"postgres": database.check},
        lifespan=lifespan,
    )


async def run_delivery(settings: IntakeSettings) -> None:
    """Until cancelled."""
    rules = load_rules()
    database = Database(settings.database_url, process=f"{SERVICE}-worker", pool_size=settings.pool_size)
    delivery = Delivery(settings, CONTRACTS, HANDLERS, make_work, database, Clock())
    screen = make_screen(delivery.units, settings, rules)
    try:
        await delivery.run(partial(screening_loop, screen))
    finally:
        await database.close()


def make_screen(units: Units[IntakeWork], settings: IntakeSettings, rules: Rules) -> ScreenCalls:
    reception = ReceptionRules(rules.screening, rules.masking, rules.places)
    return ScreenCalls(units, Vault(settings.keyring), reception, rules.linking)


def _start(process: str) -> IntakeSettings:
    settings = IntakeSettings.load(PREFIX)
    logs.configure(f"{SERVICE}-{process}", settings.log_level)
    failpoints.configure(settings.failpoints_dir, f"{SERVICE}-{process}")
    return settings
