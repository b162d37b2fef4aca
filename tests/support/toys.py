"""Two toy services that stand on the real delivery runtime: `ping` counts what `pong` answers.

Real PostgreSQL, real Kafka, real HTTP between them; only their business is a toy.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, ClassVar, Self
from uuid import UUID

import asyncpg
import jwt
import uvicorn
from chassis.app import create_app
from chassis.clock import Clock
from chassis.database import Database
from chassis.delivery import (
    Contracts,
    Delivery,
    Handlers,
    Projection,
    Rows,
    Statements,
    StateTransfer,
    Units,
    Work,
    ops_router,
)
from chassis.delivery.tables import add_partitions_call, add_to, functions
from chassis.restore_guard import RestoreGuard
from chassis.settings import ServiceSettings
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel
from sqlalchemy import Column, Integer, MetaData, Table, Uuid, create_mock_engine
from sqlalchemy.engine.mock import MockConnection
from support.stack import eventually, free_ports


class ToyEvent(BaseModel):
    TYPE: ClassVar[str]
    URGENT: ClassVar[bool] = False

    @classmethod
    def parse(cls, body: bytes) -> Self:
        return cls.model_validate_json(body)

    @classmethod
    def example(cls) -> Self:
        return cls.parse(b'{"n": 1}')

    def named_referrals(self) -> tuple[UUID, ...]:
        return ()


class Pinged(ToyEvent):
    TYPE = "cn.toy.ping.pinged.v1"
    n: int


class Ponged(ToyEvent):
    TYPE = "cn.toy.pong.ponged.v1"
    n: int


@dataclass(frozen=True)
class ToyTopic:
    name: str
    partitions: int = 12
    cleanup: str = "delete"
    retention_ms: int | None = 3_600_000


MODELS = {model.TYPE: model for model in (Pinged, Ponged)}


def contracts_of(service: str, suffix: str) -> Contracts:
    topics = (
        *(ToyTopic(f"{name}.{suffix}") for name in ("ping", "pong")),
        *(ToyTopic(f"{name}-told.{suffix}", partitions=3) for name in ("ping", "pong")),
        *(ToyTopic(f"{name}-status.{suffix}", 3, "compact", None) for name in ("ping", "pong")),
    )
    other = {"ping": "pong", "pong": "ping"}[service]
    return Contracts(service, f"{service}.{suffix}", {f"{other}.{suffix}": other}, MODELS, topics)


def states_of(service: str) -> StateTransfer:
    """The tally of a referral: its version is its count."""
    return StateTransfer(
        f"""SELECT referral_id::text AS key, count AS version, 'cn.toy.{service}.status.v1' AS type,
                json_build_object('count', count, 'digest', digest) AS body, clock_timestamp() AS as_of
            FROM {service}.tally WHERE referral_id = ANY ($1::text[]::uuid[])"""
    )


@dataclass(frozen=True)
class Tally:
    """How many events had effect, and their sum in order: another order gives another digest."""

    count: int = 0
    digest: int = 0

    def add(self, n: int) -> Tally:
        return replace(self, count=self.count + 1, digest=(self.digest * 31 + n) % 2**31)


def tally_of(*numbers: int) -> Tally:
    tally = Tally()
    for n in numbers:
        tally = tally.add(n)
    return tally


@dataclass
class ToyWork(Work):
    schema: str = ""
    tallies: Rows[UUID, Tally] = field(init=False)

    def __post_init__(self) -> None:
        self.tallies = self.rows()

    async def load(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
        for row in await connection.fetch(
            f"SELECT referral_id, count, digest FROM {self.schema}.tally WHERE referral_id = ANY ($1)", referral_ids
        ):
            self.tallies.load(row[0], Tally(row[1], row[2]))

    async def save(self, connection: asyncpg.Connection) -> None:
        changed = sorted(self.tallies.changed().items())
        if changed:
            await connection.execute(
                f"""INSERT INTO {self.schema}.tally (referral_id, count, digest)
                    SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[])
                    ON CONFLICT (referral_id) DO UPDATE SET count = EXCLUDED.count, digest = EXCLUDED.digest""",
                [key for key, _ in changed],
                [tally.count for _, tally in changed],
                [tally.digest for _, tally in changed],
            )

    def tally(self, referral_id: UUID) -> Tally:
        return self.tallies.find(referral_id) or Tally()


def on_pinged(event: Pinged, work: ToyWork) -> None:
    """A negative number is poison; one above 2^31 is refused by the database itself."""
    if event.n < 0:
        raise ValueError("poison")
    tally = work.tally(work.subject).add(event.n)
    work.tallies.put(work.subject, tally if event.n < 2**31 else replace(tally, count=event.n))
    work.record(work.subject, Ponged(n=event.n))


def on_ponged(event: Ponged, work: ToyWork) -> None:
    work.tallies.put(work.subject, work.tally(work.subject).add(event.n))


HANDLERS: Mapping[str, Handlers] = {"ping": {Ponged: on_ponged}, "pong": {Pinged: on_pinged}}


@lru_cache
def schema_script(service: str) -> str:
    """The delivery tables and the toy's own."""
    metadata = MetaData()
    add_to(metadata, service)
    Table(
        "tally", metadata, Column("referral_id", Uuid, primary_key=True), Column("count", Integer),
        Column("digest", Integer), schema=service,
    )  # fmt: skip
    said = [f"CREATE SCHEMA {service}"]
    engine: MockConnection = create_mock_engine(
        "postgresql://", lambda made, *_: said.append(str(made.compile(dialect=engine.dialect)))
    )
    metadata.create_all(engine, checkfirst=False)
    return ";".join([*said, *functions(service)])


async def create_schema(database_url: str, service: str) -> None:
    """As the administrator of a throw-away database; in one request, for most tests begin with it."""
    plain = await asyncpg.connect(database_url)
    await plain.execute(schema_script(service))
    statement, *arguments = add_partitions_call(service, datetime.now(UTC))
    await plain.execute(statement, *arguments)
    await plain.close()


@dataclass(frozen=True)
class Secrets:
    """One issuer for all toys of a test: its public key, and the tokens that it signs."""

    folder: Path
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def write(self) -> None:
        public = self.key.public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        (self.folder / "public.pem").write_bytes(pem)
        (self.folder / "service.token").write_text(self.token("service"))
        ring = {"active": "k1", "keys": {"k1": base64.b64encode(os.urandom(32)).decode()}}
        (self.folder / "keyring.json").write_text(json.dumps(ring))

    def token(self, *roles: str, source: str | None = None, sub: str = "toy", scope: str = "31") -> str:
        claims: dict[str, Any] = {
            "sub": sub, "roles": list(roles), "scope_path": scope, "iss": "liandong-local", "aud": "liandong",
            "exp": datetime.now(UTC) + timedelta(hours=1),
        }  # fmt: skip
        return jwt.encode(claims | ({"source": source} if source else {}), self.key, algorithm="EdDSA")


@dataclass
class Toy:
    """One toy service of a test: its units for commands, its database, and whether its worker and api run."""

    service: str
    settings: ServiceSettings
    database: Database
    contracts: Contracts
    units: Units[ToyWork]
    delivery: Delivery[ToyWork]
    url: str

    async def ping(self, referral_id: UUID, *numbers: int) -> None:
        async with self.units.begin([referral_id]) as work:
            for n in numbers:
                work.record(referral_id, Pinged(n=n))

    @property
    def told_topic(self) -> str:
        return self.contracts.topic.replace(self.service, f"{self.service}-told", 1)

    @property
    def status_topic(self) -> str:
        return self.contracts.topic.replace(self.service, f"{self.service}-status", 1)

    async def tell(self, referral_id: UUID, *versions: int) -> None:
        """Notices, each in a transaction of its own."""
        for n in versions:
            async with self.units.begin([referral_id]) as work:
                work.notify(
                    self.told_topic, str(referral_id), f"cn.toy.{self.service}.told.v1", Pinged(n=n),
                    referral_id=referral_id, version=n,
                )  # fmt: skip

    async def count_up(self, referral_id: UUID, n: int = 1) -> None:
        """The tally changes, and its state is to be published."""
        async with self.units.begin([referral_id]) as work:
            work.tallies.put(referral_id, work.tally(referral_id).add(n))
            work.publish_state(self.status_topic, str(referral_id), referral_id=referral_id)

    async def tally(self, referral_id: UUID) -> Tally:
        row = await self.row(f"SELECT count, digest FROM {self.service}.tally WHERE referral_id = $1", referral_id)
        return Tally(*row) if row else Tally()

    async def row(self, statement: str, *arguments: Any) -> Any:
        async with self.database.connection() as connection:
            return await connection.fetchrow(statement, *arguments)

    async def value(self, statement: str, *arguments: Any) -> Any:
        async with self.database.connection() as connection:
            return await connection.fetchval(statement, *arguments)

    async def execute(self, statements: str) -> None:
        async with self.database.connection() as connection:
            await connection.execute(statements)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """The worker runs while the body does; what it raises fails the test."""
        task = asyncio.create_task(self.delivery.run())
        try:
            yield
            if task.done():
                task.result()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def anew(self, database: Database | None = None) -> Toy:
        """The next process of the same service: nothing of the last one's memory, but for its pool."""
        pool = database or self.database
        return replace(self, delivery=_delivery(self.settings, self.contracts, HANDLERS[self.service], pool, ()))

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """The api, over real HTTP, on the port its peers know."""

        async def counts(_: asyncpg.Connection) -> dict[str, Any]:
            return {}

        router = ops_router(
            self.service, self.service, self.contracts.topic, sorted(self.contracts.consumed), self.database, Clock(),
            counts=counts, wake=lambda: None,
        )  # fmt: skip
        guard = RestoreGuard(self.database, self.service)
        app = create_app("玩具", "Toy", settings=self.settings, routers=[router], checks={}, guard=guard)
        server = uvicorn.Server(
            uvicorn.Config(app, port=self.settings.http_port, log_config=None, lifespan="off", ws="none")
        )
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server.serve())
        await eventually(lambda: server.started)
        try:
            yield
        finally:
            server.should_exit = True
            await task


@dataclass
class Toys:
    ping: Toy
    pong: Toy
    secrets: Secrets

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for toy in (self.ping, self.pong):
                await stack.enter_async_context(toy.serving())
            for toy in (self.ping, self.pong):
                await stack.enter_async_context(toy.working())
            yield


@asynccontextmanager
async def toys(
    database_url: str,
    bootstrap_servers: str,
    folder: Path,
    *,
    handlers: Mapping[str, Handlers] = HANDLERS,
    projections: Mapping[str, Sequence[Projection]] | None = None,
    wrap: Callable[[str], str] = str,
    session_seconds: float = 6,
    databases: Mapping[str, str] | None = None,
) -> AsyncIterator[Toys]:
    """Both toys over one database, or each over its own, with topics of their own; intervals as short as a test needs
    them.
    """
    secrets = Secrets(folder)
    secrets.write()
    ports = dict(zip(("ping", "pong"), free_ports(2), strict=True))
    suffix = f"t{os.urandom(4).hex()}.v1"
    made = []
    for service in ("ping", "pong"):
        url = (databases or {}).get(service, database_url)
        await create_schema(url, service)
        settings = ServiceSettings(
            database_url=wrap(url), kafka_bootstrap_servers=bootstrap_servers, http_port=ports[service],
            token_public_key_file=folder / "public.pem", service_token_file=folder / "service.token",
            keyring_file=folder / "keyring.json", peers={name: f"http://127.0.0.1:{p}" for name, p in ports.items()},
            gap_seconds=1, compare_seconds=2, broker_check_seconds=1, session_seconds=session_seconds,
            delivery_limit_seconds=1,
        )  # fmt: skip
        projecting = (projections or {}).get(service, ())
        made.append(_toy(service, settings, contracts_of(service, suffix), handlers[service], projecting))
    try:
        ping, pong = made
        yield Toys(ping, pong, secrets)
    finally:
        for toy in made:
            await toy.database.close()


def _toy(
    service: str,
    settings: ServiceSettings,
    contracts: Contracts,
    handlers: Handlers,
    projections: Sequence[Projection],
) -> Toy:
    database = Database(settings.database_url, process=f"{service}-toy", pool_size=6)
    units: Units[ToyWork] = Units(
        database, Statements(service, contracts.topic), partial(ToyWork, schema=service), lambda: None
    )
    delivery = _delivery(settings, contracts, handlers, database, projections)
    return Toy(service, settings, database, contracts, units, delivery, settings.peers[service])


def _delivery(
    settings: ServiceSettings,
    contracts: Contracts,
    handlers: Handlers,
    database: Database,
    projections: Sequence[Projection],
) -> Delivery[ToyWork]:
    states = {f"{contracts.service}-status.{contracts.topic.split('.', 1)[1]}": states_of(contracts.service)}
    return Delivery(
        settings, contracts, handlers, partial(ToyWork, schema=contracts.service), database, Clock(), states=states,
        projections=projections,
    )  # fmt: skip
