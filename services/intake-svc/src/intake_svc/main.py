"""Composition root: the one file that knows everything of this service."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from types import SimpleNamespace

from chassis.api_keys import ApiKeys
from chassis.app import create_app
from chassis.auth import Verifier, caller_with
from chassis.clock import Clock
from chassis.commands import Commands
from chassis.database import Database
from chassis.delivery import Delivery, Statements, Units, ops_router, restore_command
from chassis.delivery.outsiders import Outsiders
from chassis.fast_lane import FastLane
from chassis.restore_guard import RestoreGuard
from chassis.serve import run_worker, serve
from chassis.starting import begin, run_migration
from chassis.texts_routes import texts_routes
from chassis.timers import Ticker
from chassis.wake import WORK, Poker
from chassis.workdays import Calendar
from fastapi import FastAPI

from intake_svc.alarms import ALARMS
from intake_svc.api.access import OFFICERS, WAIVERS
from intake_svc.api.block_routes import block_routes
from intake_svc.api.clocks_route import clocks_route
from intake_svc.api.content_route import content_route
from intake_svc.api.desk import Desk
from intake_svc.api.feedback_routes import feedback_routes
from intake_svc.api.list_route import list_route
from intake_svc.api.models import CallIn
from intake_svc.api.reading import CallReader
from intake_svc.api.refusals import REFUSALS
from intake_svc.api.routes import SUBMIT_PATH, call_routes
from intake_svc.api.screen_routes import screen_routes
from intake_svc.domain.reception import ReceptionRules
from intake_svc.events import CONTRACTS, SERVICE, SOURCES_TOPIC, handlers, on_source_record
from intake_svc.publishing import PUBLISH
from intake_svc.rules.loading import Rules, load_rules
from intake_svc.settings import IntakeSettings
from intake_svc.store.backlog import Backlog
from intake_svc.store.tables import SCHEMA, metadata
from intake_svc.store.vault import Vault
from intake_svc.store.work import FEEDBACK_TOPIC, IntakeWork
from intake_svc.use_cases.confirm_by_topic import ConfirmByTopic
from intake_svc.use_cases.deliver_feedback import UNCONFIRMED, DeliverFeedback
from intake_svc.use_cases.queries import ledger_counts, scope_of_referral
from intake_svc.use_cases.running_clocks import on_timer, tell_moved
from intake_svc.use_cases.screen_calls import ScreenCalls
from intake_svc.use_cases.screening_loop import feedback_loop, screening_loop
from intake_svc.use_cases.submit_call import SubmitCall

PREFIX = "INTAKE_"

_start = partial(begin, IntakeSettings, PREFIX, SERVICE, alarms=ALARMS)

MakeWork = Callable[[datetime], IntakeWork]


def work_maker(rules: Rules, calendar: Calendar) -> MakeWork:
    return lambda now: IntakeWork(now, calendar, publish=PUBLISH, clocks=rules.desk.clocks)


def api() -> int:
    settings = _start("api")
    serve(FastLane(make_api(settings), SUBMIT_PATH), host=settings.http_host, port=settings.http_port)
    return 0


def worker() -> int:
    settings = _start("worker")
    return run_worker(run_delivery(settings))


def migrate() -> int:
    return run_migration(PREFIX, SERVICE, metadata)


def adopt_restore(words: Sequence[str]) -> int:
    return restore_command.adopt_restore(_start("adopt-restore"), CONTRACTS, words)


def make_api(settings: IntakeSettings) -> FastAPI:
    rules = load_rules()
    database = Database(settings.database_url, process=f"{SERVICE}-api", pool_size=settings.pool_size)
    wake = Poker(settings.wake_port)
    wake_worker = Poker(settings.wake_port, WORK)
    make_work = work_maker(rules, settings.calendar)
    units = Units(database, Statements(SCHEMA, CONTRACTS.topic), make_work, wake, keyring=settings.keyring)
    vault = Vault(settings.keyring)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await database.warm(settings.pool_size)
        yield
        await database.close()

    desk = Desk(Commands(units, SCHEMA), database, wake_worker)
    routers = [
        list_route(database),
        screen_routes(desk, rules.desk),
        block_routes(desk, rules.desk),
        feedback_routes(desk, database, rules.desk),
        content_route(database, vault, rules.masking),
        clocks_route(database),
        texts_routes(database, SCHEMA, settings.keyring, (*OFFICERS, *WAIVERS), scope_of_referral),
        call_routes(
            CallReader(rules.masking, settings.index_key),
            SubmitCall(units, vault, published=frozenset(CallIn.model_fields)),
            Backlog(database, limit=settings.queue_limit),
            database,
            wake=wake_worker,
        ),  # last: its GET takes every path below a call that no other has taken
    ]
    ops = ops_router(
        SERVICE, SCHEMA, CONTRACTS.topic, sorted(CONTRACTS.consumed), database, Clock(),
        counts=ledger_counts, wake=wake, keyring=settings.keyring,
    )  # fmt: skip
    return create_app(
        "受理服务",
        "Intake",
        description_zh="接收警务系统的非警务警情，加密保存个人信息，甄别、并案，开立分流单，并向来源反馈每个节点。",
        description_en="Takes in calls of police dispatch systems, keeps personal data sealed, screens and links them, "
        "opens referrals, and tells the source each milestone.",
        settings=settings,
        routers=[*routers, ops],
        checks={"postgres": database.check},
        guard=RestoreGuard(database, SCHEMA),
        lifespan=lifespan,
        refusals=REFUSALS,
        api_keys=ApiKeys(database, SCHEMA),
    )


async def run_delivery(settings: IntakeSettings) -> None:
    """Until cancelled."""
    rules = load_rules()
    database = Database(settings.database_url, process=f"{SERVICE}-worker", pool_size=settings.pool_size)
    make_work = work_maker(rules, settings.calendar)
    hearing = handlers(rules.desk.sources)
    delivery = Delivery(
        settings, CONTRACTS, hearing, make_work, database, Clock(),
        unacknowledged={FEEDBACK_TOPIC: UNCONFIRMED}, patient=hearing.keys(),
    )  # fmt: skip
    screen = make_screen(delivery.units, settings, rules)
    deliver = DeliverFeedback(delivery.units)
    sources = make_sources(delivery.units, settings, rules, delivery.topics_stand)
    ticker = make_ticker(delivery.units)
    try:
        await delivery.run(
            partial(screening_loop, screen, delivery.has_work), partial(feedback_loop, deliver), ticker.run, sources.run
        )
    finally:
        await database.close()


def make_sources(
    units: Units[IntakeWork], settings: IntakeSettings, rules: Rules, topics_stand: asyncio.Event
) -> Outsiders:
    """What sources say on their topic, with the keys and tokens that the API takes."""
    tokens = Verifier(settings.token_public_key, issuer=settings.token_issuer, audience=settings.token_audience)
    known = SimpleNamespace(verifier=tokens, api_keys=ApiKeys(units.database, SCHEMA))
    who_is = partial(caller_with, known, roles=("source_system",))
    take = partial(on_source_record, confirm=ConfirmByTopic(units, who_is, rules.desk.sources))
    return Outsiders(settings, CONTRACTS, [SOURCES_TOPIC], take, units.database, topics_stand, name="sources")


def make_ticker(units: Units[IntakeWork]) -> Ticker[IntakeWork]:
    return Ticker(units, SCHEMA, on_timer, on_moved=tell_moved)


def make_screen(units: Units[IntakeWork], settings: IntakeSettings, rules: Rules) -> ScreenCalls:
    reception = ReceptionRules(rules.screening, rules.masking, rules.places)
    return ScreenCalls(units, Vault(settings.keyring), reception, rules.linking)
