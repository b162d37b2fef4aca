"""intake on a real database: its API in this process, its screening by hand, its rows to look at."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import orjson
import pytest
from chassis import failpoints
from chassis.database import Database
from chassis.delivery import Statements, Units
from chassis.migrate import migrate
from chassis.settings import MigrateSettings
from chassis.workdays import load_calendar
from fastapi import FastAPI
from intake_svc.events import CONTRACTS
from intake_svc.main import make_api, make_screen, work_maker
from intake_svc.rules.loading import load_rules
from intake_svc.settings import IntakeSettings
from intake_svc.store.tables import SCHEMA, metadata
from intake_svc.store.work import IntakeWork
from intake_svc.use_cases.screen_calls import ScreenCalls
from sqlalchemy import make_url
from structlog.testing import capture_logs
from support.stack import KafkaServer, PostgresServer, empty_tables
from support.tokens import Issuer

LANES = itertools.count(1)
NEIGHBOURS = "报警人称楼上邻居家漏水，多次沟通无果，要求调解。"


@dataclass
class Intake:
    settings: IntakeSettings
    issuer: Issuer
    app: FastAPI
    client: httpx.AsyncClient
    units: Units[IntakeWork]
    screen: ScreenCalls
    admin: asyncpg.Connection

    def a_call(self, **changes: Any) -> dict[str, Any]:
        call = {
            "source": "hongkou-110",
            "call_no": f"T-{uuid4().hex}",
            "content": NEIGHBOURS,
            "reported_at": "2026-03-02 09:00:00",
            "caller_name": "王建国",
            "caller_phone": "13800138000",
            "incident_address": f"上海市虹口区曲阳路{next(LANES)}弄5号601室",
            "jurisdiction_code": "310109010-PCS1",
            "updated_at": "2026-03-02 09:05:00",
        } | changes
        return {name: value for name, value in call.items() if value is not None}

    async def post(self, call: dict[str, Any], **claims: Any) -> httpx.Response:
        bearer = self.issuer.bearer("source_system", **({"source": "hongkou-110"} | claims))
        return await self.client.post("/v1/calls", json=call, headers=bearer)

    async def get(self, call: dict[str, Any], *roles: str, **claims: Any) -> httpx.Response:
        bearer = self.issuer.bearer(*(roles or ("source_system",)), **({"source": "hongkou-110"} | claims))
        return await self.client.get(f"/v1/calls/{call['source']}/{call['call_no']}", headers=bearer)

    async def accepted(self, **changes: Any) -> dict[str, Any]:
        answer = await self.post(self.a_call(**changes))
        assert answer.status_code == 202, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def act(
        self,
        call: dict[str, Any],
        what: str,
        body: dict[str, Any],
        role: str,
        *,
        match: str | None = "*",
        key: str | None = None,
        **claims: Any,
    ) -> httpx.Response:
        """A command on the call; a system is bound to the call's source unless `source` says otherwise."""
        bound = {"source": call["source"]} if role == "source_system" else {}
        headers = self.issuer.bearer(role, **(bound | claims))
        headers |= {"If-Match": match} if match else {}
        headers |= {"Idempotency-Key": key} if key else {}
        return await self.client.post(
            f"/v1/calls/{call['source']}/{call['call_no']}/{what}", json=body, headers=headers
        )

    async def done(self, *arguments: Any, **more: Any) -> dict[str, Any]:
        answer = await self.act(*arguments, **more)
        assert answer.is_success, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def posted(self, **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """A call as sent, and as accepted; not screened yet."""
        call = self.a_call(**changes)
        answer = await self.post(call)
        assert answer.status_code == 202, answer.text
        return call, answer.json()

    async def brought_to(self, state: str, **changes: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """A call that has come to this state by the rules: referred, awaiting_screener or retained_by_police."""
        marks = {"referred": {}, "awaiting_screener": {"category": "770077"}, "retained_by_police": {"has_weapon": "1"}}
        call, accepted = await self.posted(**(marks[state] | changes))
        await self.screen_all()
        assert (await self.call_row(accepted["call_id"]))["state"] == state
        return call, accepted

    async def screen_all(self) -> None:
        while await self.screen():
            pass

    async def rows(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        return list(await self.admin.fetch(statement, *arguments))

    async def call_row(self, call_id: str) -> asyncpg.Record:
        (row,) = await self.rows("SELECT * FROM intake.call WHERE call_id = $1", call_id)
        return row

    async def events(self, referral_id: str) -> list[tuple[str, dict[str, Any]]]:
        rows = await self.rows(
            "SELECT type, body FROM intake.event_log WHERE referral_id = $1 ORDER BY seq", referral_id
        )
        return [(row["type"].split(".")[3], orjson.loads(row["body"])) for row in rows]


@dataclass(frozen=True)
class Migrated:
    admin_url: str
    app_url: str
    issuer: Issuer


@pytest.fixture(scope="session")
async def migrated(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Migrated:
    """intake's own database, migrated once for the run; each test finds its tables empty."""
    folder = tmp_path_factory.mktemp("intake")
    for role in ("owner", "app"):
        (folder / f"{role}.password").write_text(f"intake-{role}-test")  # roles are the cluster's: as support.consumers
    admin = await asyncpg.connect(postgres.url())
    await admin.execute("CREATE DATABASE intake_tests")
    await admin.close()
    admin_url = postgres.url("intake_tests")
    settings = MigrateSettings(
        database_admin_url=admin_url,
        owner_password_file=folder / "owner.password",
        app_password_file=folder / "app.password",
    )
    await migrate(settings, SCHEMA, metadata, package="intake_svc")
    app_url = make_url(admin_url).set(username="intake_app", password="intake-app-test")
    return Migrated(admin_url, app_url.render_as_string(hide_password=False), Issuer(folder))


@pytest.fixture(scope="session")
async def served(migrated: Migrated) -> AsyncIterator[Intake]:
    """Making an app takes longer than most tests: it is made once."""
    async with an_app(migrated) as made:
        yield made


@pytest.fixture
async def intake(served: Intake) -> AsyncIterator[Intake]:
    await empty_tables(served.admin, metadata)
    with capture_logs():
        yield served


@pytest.fixture
async def crowded_intake(migrated: Migrated) -> AsyncIterator[Intake]:
    """Two calls may wait, no more."""
    async with an_intake(migrated, QUEUE_LIMIT="2") as made:
        yield made


@pytest.fixture(scope="module")
async def shared_intake(migrated: Migrated) -> AsyncIterator[Intake]:
    """One for all tests of a file whose calls do not know one another."""
    async with an_intake(migrated) as made:
        yield made


@pytest.fixture
async def intake_on_kafka(migrated: Migrated, kafka: KafkaServer) -> AsyncIterator[Intake]:
    async with an_intake(migrated, KAFKA_BOOTSTRAP_SERVERS=kafka.bootstrap_servers) as made:
        yield made


@asynccontextmanager
async def an_intake(migrated: Migrated, **settings_changes: str) -> AsyncIterator[Intake]:
    async with an_app(migrated, **settings_changes) as made:
        with capture_logs():  # structlog's own console takes seconds to draw a traceback
            yield made


@asynccontextmanager
async def an_app(migrated: Migrated, **settings_changes: str) -> AsyncIterator[Intake]:
    """Whoever uses it captures its logs."""
    variables = migrated.issuer.environment("", DATABASE_URL=migrated.app_url, **settings_changes)
    settings = IntakeSettings.model_validate({name.lower(): value for name, value in variables.items()})
    app = make_api(settings)
    worker = Database(settings.database_url, process="intake-worker", pool_size=4)
    rules = load_rules()
    make_work = work_maker(rules, load_calendar())
    units = Units(worker, Statements(SCHEMA, CONTRACTS.topic), make_work, lambda: None, keyring=settings.keyring)
    screen = make_screen(units, settings, rules)
    admin = await asyncpg.connect(migrated.admin_url)
    await empty_tables(admin, metadata)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://intake")
    async with client, app.router.lifespan_context(app):
        yield Intake(settings, migrated.issuer, app, client, units, screen, admin)
    await admin.close()
    await worker.close()


@pytest.fixture
def armed(tmp_path: Path) -> Iterator[Callable[[str, str], Path]]:
    """Arms a failpoint of this process; gives the file that proves it was met."""
    folder = tmp_path / "failpoints"
    folder.mkdir()
    failpoints.configure(folder, "intake-test")

    def arm(name: str, order: str) -> Path:
        (folder / f"intake-test.{name}").write_text(order)
        return folder / f"intake-test.{name}.met"

    yield arm
    failpoints.configure(None, "intake-test")
