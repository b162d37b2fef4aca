"""followup over a real database: the facts of the other services, its API, and producers that answer or do not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from chassis.delivery import Statements, Units
from chassis.ids import new_id
from chassis.timers import Ticker
from chassis.workdays import Calendar, load_calendar
from followup_svc.domain.gate import PRODUCERS, HeadAsked
from followup_svc.events import CONTRACTS, HANDLERS
from followup_svc.main import make_api, make_ticker, work_maker
from followup_svc.rules.loading import load_rulebook
from followup_svc.store.closings import database_now
from followup_svc.store.tables import SCHEMA, metadata
from followup_svc.store.work import FollowupWork
from followup_svc.use_cases.closing_loop import ClosingLoop
from followup_svc.use_cases.closing_units import ClosingCommands
from referral_schemas import intake, mediation, triage
from referral_schemas.envelope import PublicEvent
from support.consumers import AT, Consumer, a_consumer, an_arrival, classified, dispatched, opened

make_work = partial(FollowupWork, calendar=load_calendar(), rules=load_rulebook())
DEMO = partial(FollowupWork, calendar=load_calendar(), rules=load_rulebook(demo=True))


@dataclass
class Producers:
    """The other three services' heads of each referral; `silent` ones do not answer."""

    heads: dict[tuple[str, UUID], tuple[int, UUID]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    age: timedelta = timedelta()

    async def ask(self, consumer: Consumer, referral_id: UUID) -> list[HeadAsked]:
        async with consumer.database.connection() as connection:
            at = await database_now(connection) - self.age
        return [self._answer(name, referral_id, at) for name in PRODUCERS if name not in self.silent]

    def _answer(self, name: str, referral_id: UUID, at: datetime) -> HeadAsked:
        head = self.heads.get((name, referral_id))
        return HeadAsked(name, head[0], head[1], at) if head else HeadAsked(name, 0, None, at)


@dataclass
class Desk:
    """Speaks for the other services and for the people."""

    consumer: Consumer
    client: httpx.AsyncClient
    producers: Producers
    closings: ClosingLoop
    ticker: Ticker[FollowupWork]

    async def state(self, referral_id: UUID, *events: PublicEvent, apply: bool = True) -> list[UUID]:
        """Each as the next of its producer's stream; answers their event ids."""
        ids = []
        for event in events:
            producer = event.TYPE.split(".")[2]
            number = self.producers.heads.get((producer, referral_id), (0, None))[0] + 1
            event_id = new_id()
            ids.append(event_id)
            self.producers.heads[producer, referral_id] = (number, event_id)
            if apply:
                await self.consumer.apply(an_arrival(event, referral_id, number, event_id=event_id))
        return ids

    async def dispatched(self, grade: str = "yellow", category: str = "neighbour") -> UUID:
        referral_id = new_id()
        await self.state(
            referral_id, opened(), classified(triage.Category(category), triage.Grade(grade)), dispatched()
        )
        return referral_id

    async def self_resolved(self, grade: str = "yellow", category: str = "neighbour") -> UUID:
        """Ended in triage, its result told to the source: what is left are the visits."""
        referral_id = await self.dispatched(grade, category)
        (fact,) = await self.state(referral_id, ended())
        await self.state(referral_id, delivered(fact))
        return referral_id

    async def fire(self, referral_id: UUID, *, ahead: timedelta = timedelta(days=400)) -> None:
        """Everything that will be due of this referral falls due now."""
        await self.consumer.rows(
            "UPDATE followup.timer SET due_at = due_at - $2::interval, started_at = started_at - $2::interval "
            "WHERE referral_id = $1 AND state = 'running' RETURNING 1",
            referral_id, ahead,
        )  # fmt: skip
        await self.ticker.tick()

    async def get(self, path: str, role: str = "visitor", scope: str = "31/310109") -> httpx.Response:
        return await self.client.get(path, headers=self.consumer.issuer.bearer(role, scope_path=scope))

    async def post(
        self, path: str, body: Mapping[str, Any], role: str = "visitor", *, match: str = "*", key: str | None = None,
        scope: str = "31/310109",
    ) -> httpx.Response:  # fmt: skip
        headers = self.consumer.issuer.bearer(role, scope_path=scope) | {"If-Match": match}
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self.client.post(path, json=dict(body), headers=headers)

    async def watch(self, referral_id: UUID) -> dict[str, Any]:
        found: dict[str, Any] = (await self.get(f"/v1/watches/{referral_id}")).json()
        return found

    async def close(self, referral_id: UUID) -> httpx.Response:
        return await self.post(f"/v1/watches/{referral_id}/close", {})

    async def make_visits(self, referral_id: UUID) -> None:
        """Every one of them falls due and is made."""
        await self.fire(referral_id)
        for visit in (await self.watch(referral_id))["visits"]:
            if visit["state"] == "due":
                answer = await self.post(f"/v1/visits/{visit['visit_id']}/record", a_visit())
                assert answer.status_code == 200, answer.text

    async def ready(self, grade: str = "yellow", category: str = "neighbour") -> UUID:
        """Nothing stands in the way of closing this one."""
        referral_id = await self.self_resolved(grade, category)
        await self.make_visits(referral_id)
        return referral_id


@asynccontextmanager
async def a_desk(database: str, folder: Path) -> AsyncIterator[Desk]:
    async with a_consumer(
        "followup", metadata, CONTRACTS, HANDLERS, make_work, database_url=database, folder=folder
    ) as consumer:
        producers, settings = Producers(), consumer.settings
        statements = Statements(SCHEMA, CONTRACTS.topic)
        commands = ClosingCommands(
            consumer.database, statements, settings.calendar, load_rulebook(), lambda: None, keyring=settings.keyring
        )

        async def ask(referral_id: UUID) -> list[HeadAsked]:
            return await producers.ask(consumer, referral_id)

        app = make_api(settings, ask=ask)
        transport = httpx.ASGITransport(app=app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://followup") as client,
        ):
            closings = ClosingLoop(consumer.database, commands, ask)
            yield Desk(consumer, client, producers, closings, ticker_of(consumer, work_maker(settings)))


def ticker_by(calendar: Calendar, desk: Desk) -> Ticker[FollowupWork]:
    """Of a worker that has just started with this calendar."""
    return ticker_of(desk.consumer, partial(FollowupWork, calendar=calendar, rules=load_rulebook()))


def ticker_of(consumer: Consumer, work_of: Callable[[datetime], FollowupWork]) -> Ticker[FollowupWork]:
    statements = Statements(SCHEMA, CONTRACTS.topic)
    return make_ticker(Units(consumer.database, statements, work_of, lambda: None, keyring=consumer.settings.keyring))


def ended(end: triage.End = triage.End.SELF_RESOLVED, *, hop: int = 1) -> triage.ReferralEnded:
    return triage.ReferralEnded(end=end, hop=hop)


def signed(*, hop: int = 1) -> triage.ReferralSigned:
    return triage.ReferralSigned(office_code="310109010-SFS", hop=hop, signed_at=AT)


def delivered(fact: UUID, milestone: str = "result", *, awaits: bool = False) -> intake.FeedbackDelivered:
    return intake.FeedbackDelivered.model_validate(
        {"milestone": milestone, "fact_id": fact, "awaits_acknowledgement": awaits, "delivered_at": AT}, strict=False
    )


def performed(obligation_id: UUID) -> mediation.ObligationPerformed:
    return mediation.ObligationPerformed(obligation_id=obligation_id, performed_at=AT, all_performed=True)


def effective(
    obligations: Collection[tuple[UUID, date | None]] = (), *, at: datetime = AT, number: str = "1"
) -> mediation.AgreementEffective:
    return mediation.AgreementEffective.model_validate(
        {
            "agreement_no": number,
            "form": "written",
            "effective_at": at,
            "obligations": [{"obligation_id": one, "kind": "payment", "due_on": due} for one, due in obligations],
        },
        strict=False,
    )


def blocked(code: str = "X_DV") -> intake.BlockSet:
    return intake.BlockSet.model_validate({"code": code, "set_by": "police", "at": AT}, strict=False)


def lifted(*numbers: int, code: str = "X_DV") -> intake.BlockLifted:
    return intake.BlockLifted(code=code, lifts=numbers, by="police_officer", at=AT)


def graded(grade: str, *, cause: str = "calls") -> triage.GradeChanged:
    return triage.GradeChanged.model_validate({"grade": grade, "previous": "yellow", "cause": cause}, strict=False)


def a_visit(**changed: Any) -> dict[str, Any]:
    told = {"visited_at": AT.isoformat(), "channel": "phone", "reached": [], "performance": [], "outcome": "settled"}
    return told | changed
