"""Composition root: the one file that knows everything of this service."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import TypeVar

from chassis.app import create_app
from chassis.clock import Clock
from chassis.commands import Commands
from chassis.database import Database
from chassis.delivery import Delivery, Statements, Units, ops_router, restore_command
from chassis.restore_guard import RestoreGuard
from chassis.serve import run_worker, serve
from chassis.settings import ServiceSettings
from chassis.starting import begin, run_migration
from chassis.texts_routes import texts_routes
from chassis.timers import Ticker, clock_routes
from chassis.wake import Poker
from fastapi import FastAPI

from mediation_svc.api.case_routes import READERS, case_routes, clocks_scope
from mediation_svc.api.command_routes import command_routes
from mediation_svc.api.refusals import REFUSALS
from mediation_svc.api.routes import mirror_routes
from mediation_svc.api.running import Runner
from mediation_svc.events import CONTRACTS, HANDLERS, PATIENT, SERVICE, on_timer
from mediation_svc.publishing import PUBLISH
from mediation_svc.rules.loading import load_rulebook
from mediation_svc.store.ledger import ledger_counts
from mediation_svc.store.tables import SCHEMA, metadata
from mediation_svc.store.work import AcceptingWork, MediationWork
from mediation_svc.store.work_list import scope_of_case
from mediation_svc.use_cases.clocks import tell_moved

PREFIX = "MEDIATION_"
TEXT_READERS = ("mediator", "committee_head", "office_clerk", "bureau_supervisor", "city_supervisor")
W = TypeVar("W", bound=MediationWork)

_start = partial(begin, ServiceSettings, PREFIX, SERVICE)


def api() -> int:
    settings = _start("api")
    serve(make_api(settings), host=settings.http_host, port=settings.http_port)
    return 0


def worker() -> int:
    settings = _start("worker")
    return run_worker(run_delivery(settings))


def migrate() -> int:
    return run_migration(PREFIX, SERVICE, metadata)


def adopt_restore(words: Sequence[str]) -> int:
    return restore_command.adopt_restore(_start("adopt-restore"), CONTRACTS, words)


def make_api(settings: ServiceSettings) -> FastAPI:
    database = Database(settings.database_url, process=f"{SERVICE}-api", pool_size=settings.pool_size)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await database.close()

    wake = Poker(settings.wake_port)
    ops = ops_router(
        SERVICE, SCHEMA, CONTRACTS.topic, sorted(CONTRACTS.consumed), database, Clock(),
        counts=ledger_counts, wake=wake, keyring=settings.keyring,
    )  # fmt: skip

    def commands(kind: type[W]) -> Commands[W]:
        statements = Statements(SCHEMA, CONTRACTS.topic)
        units = Units(database, statements, work_maker(settings, kind), wake, keyring=settings.keyring)
        return Commands(units, SCHEMA)

    routers = [
        case_routes(database),
        command_routes(Runner(commands(MediationWork), commands(AcceptingWork))),
        clock_routes(database, SCHEMA, READERS, clocks_scope, path="/v1/cases"),
        texts_routes(database, SCHEMA, settings.keyring, TEXT_READERS, scope_of_case),
        mirror_routes(database),
        ops,
    ]
    return create_app(
        "调解服务",
        "Mediation",
        description_zh="人民调解：意愿、受理、调解会、协议、履行、归档。",
        description_en="People's mediation: consent, acceptance, meetings, agreements, performance, and the file.",
        settings=settings,
        routers=routers,
        checks={"postgres": database.check},
        guard=RestoreGuard(database, SCHEMA),
        lifespan=lifespan,
        refusals=REFUSALS,
    )


async def run_delivery(settings: ServiceSettings) -> None:
    """Until cancelled."""
    database = Database(settings.database_url, process=f"{SERVICE}-worker", pool_size=settings.pool_size)
    try:
        delivery = Delivery(
            settings, CONTRACTS, HANDLERS, work_maker(settings, MediationWork), database, Clock(), patient=PATIENT
        )
        await delivery.run(make_ticker(delivery.units).run)
    finally:
        await database.close()


def make_ticker(units: Units[MediationWork]) -> Ticker[MediationWork]:
    return Ticker(units, SCHEMA, on_timer, on_moved=tell_moved)


def work_maker(settings: ServiceSettings, kind: type[W]) -> Callable[[datetime], W]:
    """One rulebook and one calendar for a whole process."""
    rules = load_rulebook(demo=settings.demo)
    return partial(kind, rules=rules, publish=PUBLISH, calendar=settings.calendar)
