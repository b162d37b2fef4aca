"""A consuming service over a real, migrated database: events go straight to its gate, commits are real."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
from chassis.database import Database
from chassis.delivery import Contracts, Handlers, Statements, Units, Work
from chassis.delivery.batch import Applier
from chassis.delivery.gate import Arrival
from chassis.delivery.quarantine import Quarantine
from chassis.delivery.statements import ACTING
from chassis.delivery.wire import read_headers, write_headers
from chassis.ids import new_id
from chassis.migrate import migrate
from chassis.settings import MigrateSettings, ServiceSettings
from referral_schemas.envelope import PublicEvent
from referral_schemas.intake import CallLinked, Counters, Flags, LinkKind, Place, ReferralOpened, Screening
from referral_schemas.triage import Category, Grade, Office, ReferralClassified, ReferralDispatched
from sqlalchemy import MetaData
from support.stack import empty_tables
from support.tokens import Issuer

AT = datetime(2026, 1, 1, 1, 30, tzinfo=UTC)


@dataclass
class Consumer:
    settings: ServiceSettings
    issuer: Issuer
    database: Database
    applier: Applier[Any]
    admin_url: str
    metadata: MetaData

    async def apply(self, *arrivals: Arrival) -> None:
        """One batch, one transaction."""
        await self.applier.apply(arrivals)

    async def rows(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        async with self.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(statement, *arguments)]

    async def forget_everything(self) -> None:
        """Its tables are empty again."""
        admin = await asyncpg.connect(self.admin_url)
        await empty_tables(admin, self.metadata)
        await admin.close()


@asynccontextmanager
async def a_consumer(
    service: str,
    metadata: MetaData,
    contracts: Contracts,
    handlers: Handlers,
    make_work: Callable[[datetime], Work],
    *,
    database_url: str,
    folder: Path,
    **settings: str,
) -> AsyncIterator[Consumer]:
    """Migrates, then serves as the application's own role."""
    for role in ("owner", "app"):
        (folder / f"{role}-password").write_text(f"{service}-{role}-test")
    await migrate(
        MigrateSettings(
            database_admin_url=database_url,
            owner_password_file=folder / "owner-password",
            app_password_file=folder / "app-password",
        ),
        service,
        metadata,
    )
    issuer = Issuer(folder)
    served = issuer.settings(database_url=_as_app(database_url, service), **settings)
    database = Database(served.database_url, process=f"{service}-test", pool_size=4)
    units: Units[Any] = Units(database, Statements(service, contracts.topic), make_work, lambda: None)
    quarantine = Quarantine(database, service, served.keyring, consumer=ACTING)
    try:
        applier = Applier(units, contracts, handlers, quarantine)
        yield Consumer(served, issuer, database, applier, database_url, metadata)
    finally:
        await database.close()


def _as_app(url: str, service: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{service}_app:{service}-app-test@{parts.netloc.rpartition('@')[2]}").geturl()


def an_arrival(
    event: PublicEvent,
    referral_id: UUID,
    seq: int,
    *,
    after: Mapping[str, int] | None = None,
    event_id: UUID | None = None,
) -> Arrival:
    headers = write_headers(
        event_id=event_id or new_id(),
        event_type=event.TYPE,
        subject=referral_id,
        at=AT,
        seq=seq,
        after=after or {},
        causation_id=None,
    )
    raw = tuple((name, value.encode()) for name, value in headers.items())
    return Arrival(event.TYPE.split(".")[2], read_headers(raw), raw, event.model_dump_json().encode())


def opened() -> ReferralOpened:
    return ReferralOpened(
        call_id=new_id(),
        source="hongkou-110",
        call_no="1",
        tracking_code="LD-7K3M9-QX2TB-J",
        reported_at=AT,
        received_at=AT,
        redacted=False,
        place=Place(confidence=0.5, candidates=()),
        flags=Flags(dual_track=False, duty_unclear=False, confidential=False, is_drill=False),
        parties=(),
        screening=Screening(rule_version="test", outcome="referred"),
    )


def linked(*, calls: int) -> CallLinked:
    return CallLinked(
        call_id=new_id(),
        source="hongkou-110",
        call_no="2",
        kind=LinkKind.DUPLICATE,
        redacted=False,
        reported_at=AT,
        counters=Counters(calls=calls, duplicates=calls - 1, repeats=0),
    )


def classified(category: Category = Category.NEIGHBOUR, grade: Grade = Grade.YELLOW) -> ReferralClassified:
    return ReferralClassified(
        category=category, confidence=0.9, grade=grade, review=False, reasons=(), decision_id=new_id(), versions={}
    )


def dispatched(office: str = "310109010-SFS", *, hop: int = 1) -> ReferralDispatched:
    return ReferralDispatched(office=Office(code=office, name="曲阳路司法所"), hop=hop, decision_id=new_id(), clocks=())
