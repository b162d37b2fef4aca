"""Composition root: the one file that knows everything of this service."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

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

from triage_svc.api.command_routes import command_routes
from triage_svc.api.referral_routes import READERS, clocks_scope, referral_routes
from triage_svc.api.refusals import REFUSALS
from triage_svc.api.routes import decision_routes
from triage_svc.events import CONTRACTS, HANDLERS, PATIENT, SERVICE, on_timer
from triage_svc.publishing import PUBLISH
from triage_svc.rules.loading import load_rulebook
from triage_svc.settings import PREFIX, DirectorySettings
from triage_svc.store.directories import CurrentDirectory
from triage_svc.store.ledger import ledger_counts
from triage_svc.store.tables import SCHEMA, metadata
from triage_svc.store.work import TriageWork
from triage_svc.store.work_list import scope_of
from triage_svc.use_cases.clocks import tell_moved
from triage_svc.use_cases.load_directory import load_directory_file

TEXT_READERS = ("office_clerk", "dispatcher", "bureau_supervisor", "city_supervisor")

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


def load_directory(path: Path) -> str:
    """What there is to say of it. Raises DirectoryRefused, DatabaseUnavailable."""
    settings = DirectorySettings.load(PREFIX)
    return asyncio.run(_load_directory(settings.database_url, path))


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
    units = Units(database, Statements(SCHEMA, CONTRACTS.topic), work_maker(settings), wake, keyring=settings.keyring)
    routers = [
        decision_routes(database),
        referral_routes(database),
        command_routes(Commands(units, SCHEMA)),
        clock_routes(database, SCHEMA, READERS, clocks_scope),
        texts_routes(database, SCHEMA, settings.keyring, TEXT_READERS, scope_of),
        ops,
    ]
    return create_app(
        "研判分流服务",
        "Triage",
        description_zh="判定类别与风险等级，派往司法所；司法所在此签收、联系当事人、申请退回、移交调解。",
        description_en="Judges category and grade and sends referrals to judicial offices, which sign, contact the "
        "parties, hand back or hand over here.",
        settings=settings,
        routers=routers,
        checks={"postgres": database.check},
        guard=RestoreGuard(database, SCHEMA),
        lifespan=lifespan,
        refusals=REFUSALS,
    )


async def run_delivery(settings: ServiceSettings) -> None:
    """Until cancelled. The rule files are read once; the directory follows its table."""
    database = Database(settings.database_url, process=f"{SERVICE}-worker", pool_size=settings.pool_size)
    try:
        delivery = Delivery(settings, CONTRACTS, HANDLERS, work_maker(settings), database, Clock(), patient=PATIENT)
        await delivery.run(make_ticker(delivery.units).run)
    finally:
        await database.close()


def make_ticker(units: Units[TriageWork]) -> Ticker[TriageWork]:
    return Ticker(units, SCHEMA, on_timer, on_moved=tell_moved)


def work_maker(settings: ServiceSettings) -> Callable[[datetime], TriageWork]:
    """One rulebook and one directory for a whole process."""
    return partial(
        TriageWork, rules=load_rulebook(), current=CurrentDirectory(), publish=PUBLISH, calendar=settings.calendar
    )


async def _load_directory(database_url: str, path: Path) -> str:
    database = Database(database_url, process=f"{SERVICE}-load-directory", pool_size=1)
    try:
        file, is_new = await load_directory_file(path, database)
    finally:
        await database.close()
    counts = f"{len(file.areas)} areas, {len(file.organisations)} organisations, {len(file.relations)} relations"
    return f"{file.label}: {'已载入 loaded' if is_new else '无变化 unchanged'} ({counts})"
