"""Composition root: the one file that knows everything of this service."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

from chassis.app import create_app
from chassis.clock import Clock
from chassis.commands import Commands
from chassis.database import Database
from chassis.delivery import Delivery, Statements, Units, ops_router, rebuild_command, restore_command
from chassis.delivery.peers import Peers
from chassis.delivery.projecting import Projection
from chassis.delivery.states import StateTransfer
from chassis.restore_guard import RestoreGuard
from chassis.serve import run_worker, serve
from chassis.settings import ServiceSettings
from chassis.starting import begin, run_migration
from chassis.texts_routes import texts_routes
from chassis.timers import Ticker, clock_routes
from chassis.wake import Poker
from fastapi import FastAPI

from followup_svc.alarms import ALARMS
from followup_svc.api.asking import WatchCommands
from followup_svc.api.closings import closing_routes
from followup_svc.api.refusals import REFUSALS
from followup_svc.api.scopes import scope_of
from followup_svc.api.timeline import timeline_routes
from followup_svc.api.visits import visit_routes
from followup_svc.api.watches import READERS, watch_routes
from followup_svc.events import CONTRACTS, HANDLERS, PATIENT, SERVICE
from followup_svc.rules.loading import load_rulebook
from followup_svc.store.ledger import ledger_counts
from followup_svc.store.tables import SCHEMA, metadata
from followup_svc.store.timeline import TimelineWork, forget, on_any
from followup_svc.store.work import STATUS_SQL, FollowupWork
from followup_svc.use_cases.asking_heads import AskHeads, Heads
from followup_svc.use_cases.closing_loop import ClosingLoop, audit_loop
from followup_svc.use_cases.closing_units import ClosingCommands
from followup_svc.use_cases.telling import STATUS_TOPIC
from followup_svc.use_cases.timing import on_moved, on_timer

PREFIX = "FOLLOWUP_"
TIMELINE = Projection("timeline", on_any, TimelineWork, forget)
STATES = {STATUS_TOPIC: StateTransfer(STATUS_SQL)}
TEXT_READERS = ("visitor", "mediator", "office_clerk", "bureau_supervisor", "city_supervisor")

_start = partial(begin, ServiceSettings, PREFIX, SERVICE, alarms=ALARMS)


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


def rebuild_timeline() -> int:
    return rebuild_command.rebuild(_start("rebuild-timeline"), CONTRACTS, TIMELINE)


def make_api(settings: ServiceSettings, *, ask: AskHeads | None = None) -> FastAPI:
    """`ask` stands in for the three producers where they do not run."""
    database = Database(settings.database_url, process=f"{SERVICE}-api", pool_size=settings.pool_size)
    peers = Peers(settings.peers, settings.service_token)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await peers.close()
        await database.close()

    wake = Poker(settings.wake_port)
    statements = Statements(SCHEMA, CONTRACTS.topic)
    units = Units(database, statements, work_maker(settings), wake, keyring=settings.keyring)
    commands = WatchCommands(Commands(units, SCHEMA))
    ops = ops_router(
        SERVICE, SCHEMA, CONTRACTS.topic, sorted(CONTRACTS.consumed), database, Clock(),
        counts=ledger_counts, wake=wake, keyring=settings.keyring,
    )  # fmt: skip
    routers = [
        watch_routes(database, commands),
        visit_routes(database, commands),
        closing_routes(database, closing_commands(settings, database), ask or Heads(peers, database).ask),
        timeline_routes(database),
        clock_routes(database, SCHEMA, READERS, scope_of, path="/v1/watches"),
        texts_routes(database, SCHEMA, settings.keyring, TEXT_READERS, scope_of),
        ops,
    ]
    return create_app(
        "回访服务",
        "Follow-up",
        description_zh="跟踪回访：回访计划、提醒、提级、督办、结案与重启；只有本服务可以结案。",
        description_en="Return visits, reminders, escalation, supervision, closing and reopening; this service alone "
        "closes a referral.",
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
    peers = Peers(settings.peers, settings.service_token)
    try:
        delivery = Delivery(
            settings, CONTRACTS, HANDLERS, work_maker(settings), database, Clock(), states=STATES,
            projections=[TIMELINE], patient=PATIENT,
        )  # fmt: skip
        closings = ClosingLoop(database, closing_commands(settings, database), Heads(peers, database).ask)
        ticker = make_ticker(delivery.units)
        await delivery.run(ticker.run, closings.run, partial(audit_loop, database))
    finally:
        await peers.close()
        await database.close()


def make_ticker(units: Units[FollowupWork]) -> Ticker[FollowupWork]:
    return Ticker(units, SCHEMA, on_timer, on_moved=on_moved)


def work_maker(settings: ServiceSettings) -> Callable[[datetime], FollowupWork]:
    """The rule files are read once for a whole process."""
    return partial(FollowupWork, calendar=settings.calendar, rules=load_rulebook(demo=settings.demo))


def closing_commands(settings: ServiceSettings, database: Database) -> ClosingCommands:
    return ClosingCommands(
        database, Statements(SCHEMA, CONTRACTS.topic), settings.calendar, load_rulebook(demo=settings.demo),
        Poker(settings.wake_port), keyring=settings.keyring,
    )  # fmt: skip
