"""A toy service `desk` that people command: its real roles and rights, its API in this process, its rows to look at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from chassis.api_keys import ApiKeys
from chassis.app import create_app
from chassis.clock import Clock
from chassis.database import Database
from chassis.delivery import Statements, Units, ops_router
from chassis.grants import grant_statements
from chassis.ids import new_id
from chassis.scram import scram_verifier
from chassis.settings import ServiceSettings
from chassis.texts_routes import texts_routes
from fastapi import FastAPI
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from support.desk_routes import DeskRefused, desk_routes, explain
from support.stack import PostgresServer
from support.tokens import Issuer
from support.toys import ToyWork, create_schema

SCHEMA = "desk"
TABLES = ("stream", "event_log", "outbox", "tally", "audit", "audit_block", "command_key", "text_note", "api_key")
FAR_AWAY = UUID("0199aa00-0000-7000-8000-00000000fa00")
"""A referral of another district."""


@dataclass
class Desk:
    """`client` is one api process, `other` a second one over the same database."""

    issuer: Issuer
    app: FastAPI
    client: httpx.AsyncClient
    other: httpx.AsyncClient
    admin: asyncpg.Connection
    app_url: str

    def bearer(self, *roles: str, **claims: Any) -> dict[str, str]:
        return self.issuer.bearer(*(roles or ("clerk",)), **claims)

    async def opened(self, n: int = 1) -> UUID:
        referral_id = new_id()
        answer = await self.client.post(
            "/v1/things", json={"thing_id": str(referral_id), "n": n}, headers=self.bearer()
        )
        assert answer.status_code == 201, answer.text
        return referral_id

    async def ping(
        self,
        referral_id: UUID,
        n: int = 5,
        *,
        key: str | None = None,
        match: str | None = "*",
        client: httpx.AsyncClient | None = None,
        **changes: Any,
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key, "If-Match": match}
        return await (client or self.client).post(
            f"/v1/things/{referral_id}/ping",
            json={"n": n, "note": changes.get("note")},
            headers=self.bearer(sub=changes.get("sub", "clerk-1"))
            | {name: value for name, value in headers.items() if value is not None},
        )

    async def get(self, path: str, *roles: str, **claims: Any) -> httpx.Response:
        return await self.client.get(path, headers=self.bearer(*roles, **claims))

    async def rows(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        return list(await self.admin.fetch(statement, *arguments))

    async def count(self, table: str) -> int:
        return int(await self.admin.fetchval(f"SELECT count(*) FROM {SCHEMA}.{table}"))

    async def numbers(self, referral_id: UUID) -> list[int]:
        """What the stream says, in its order."""
        rows = await self.rows(
            f"SELECT body->>'n' AS n FROM {SCHEMA}.event_log WHERE referral_id = $1 ORDER BY seq", referral_id
        )
        return [int(row["n"]) for row in rows]


@dataclass(frozen=True)
class DeskDatabase:
    admin_url: str
    app_url: str
    issuer: Issuer


async def make_database(postgres: PostgresServer, issuer: Issuer) -> DeskDatabase:
    """Its tables belong to the administrator, and `desk_app` has what `migrate` would grant it, no more."""
    admin = await asyncpg.connect(postgres.url())
    await admin.execute("CREATE DATABASE desk_tests")
    await admin.execute(f"CREATE ROLE desk_app LOGIN PASSWORD '{scram_verifier('desk-password')}'")
    await admin.execute("ALTER ROLE desk_app IN DATABASE desk_tests SET search_path = desk, pg_catalog")
    await admin.close()
    admin_url = postgres.url("desk_tests")
    await create_schema(admin_url, SCHEMA)
    engine = create_async_engine(admin_url.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        for statement in await grant_statements(connection, SCHEMA):
            await connection.exec_driver_sql(statement)
    await engine.dispose()
    app_url = make_url(admin_url).set(username="desk_app", password="desk-password")
    return DeskDatabase(admin_url, app_url.render_as_string(hide_password=False), issuer)


@asynccontextmanager
async def a_desk(made: DeskDatabase, *, app_url: str | None = None) -> AsyncIterator[Desk]:
    """Its tables empty, two api processes over them."""
    admin = await asyncpg.connect(made.admin_url)
    # not TRUNCATE: a few rows are gone sooner than the files of so many tables are made anew
    await admin.execute("; ".join(f"DELETE FROM {SCHEMA}.{table}" for table in TABLES))
    url = app_url or made.app_url
    databases = [Database(url, process=f"desk-{n}", pool_size=4) for n in (1, 2)]
    settings = made.issuer.settings(database_url=url)
    apps = [_an_app(settings, database) for database in databases]
    clients = [httpx.AsyncClient(transport=_transport(app), base_url="http://desk") for app in apps]
    try:
        yield Desk(made.issuer, apps[0], clients[0], clients[1], admin, url)
    finally:
        for client in clients:
            await client.aclose()
        for database in databases:
            await database.close()
        await admin.close()


def _transport(app: FastAPI) -> httpx.ASGITransport:
    return httpx.ASGITransport(app)


def _an_app(settings: ServiceSettings, database: Database) -> FastAPI:
    def make_work(now: Any) -> ToyWork:
        return ToyWork(now, schema=SCHEMA)

    units: Units[ToyWork] = Units(
        database, Statements(SCHEMA, "desk.v1"), make_work, lambda: None, keyring=settings.keyring
    )

    async def counts(_: asyncpg.Connection) -> dict[str, Any]:
        return {}

    async def scope_of(_: asyncpg.Connection, referral_id: UUID) -> str:
        return "31/310101" if referral_id == FAR_AWAY else "31/310109"

    ops = ops_router(SCHEMA, SCHEMA, "desk.v1", [], database, Clock(), counts=counts, wake=lambda: None)
    texts = texts_routes(database, SCHEMA, settings.keyring, ["clerk"], scope_of)
    return create_app(
        "案头", "Desk", settings=settings, routers=[desk_routes(units, SCHEMA), texts, ops], checks={},
        refusals={DeskRefused: explain}, api_keys=ApiKeys(database, SCHEMA),
    )  # fmt: skip
