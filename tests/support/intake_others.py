"""The other services as intake hears them, and a broker that takes what it sends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from chassis.delivery.batch import Applier
from chassis.delivery.gate import Arrival
from chassis.delivery.quarantine import Quarantine
from chassis.delivery.statements import ACTING
from chassis.delivery.wire import read_headers, write_headers
from chassis.ids import new_id
from chassis.timers import Ticker
from intake_svc.domain.feedback import Confirms, SourceProfiles
from intake_svc.events import CONTRACTS, handlers
from intake_svc.main import make_ticker
from intake_svc.store.tables import SCHEMA
from intake_svc.use_cases.deliver_feedback import DeliverFeedback


@dataclass
class Others:
    """What triage, mediation and followup state, applied as a consumer applies it; and a broker that takes all."""

    intake: Any
    applier: Applier[Any]
    deliver: DeliverFeedback
    ticker: Ticker[Any]
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    def arrival(self, referral_id: str, model: Any, event_id: UUID | None = None) -> Arrival:
        producer = model.TYPE.split(".")[2]
        place = (producer, referral_id)
        self.numbers[place] = self.numbers.get(place, 0) + 1
        headers = write_headers(
            event_id=event_id or new_id(), event_type=model.TYPE, subject=UUID(referral_id), at=datetime.now(UTC),
            seq=self.numbers[place], after={"intake": 1}, causation_id=None,
        )  # fmt: skip
        raw = tuple((name, value.encode()) for name, value in headers.items())
        return Arrival(producer, read_headers(raw), raw, model.model_dump_json().encode())

    async def state(self, referral_id: str, *models: Any) -> list[Arrival]:
        arrivals = [self.arrival(referral_id, model) for model in models]
        await self.applier.apply(arrivals)
        return arrivals

    async def take_all(self) -> None:
        """The relay has sent everything and the broker has it."""
        await self.intake.admin.execute("DELETE FROM intake.outbox")
        await self.deliver()

    async def told(self, call: dict[str, Any]) -> list[dict[str, Any]]:
        bearer = self.intake.issuer.bearer("source_system", source=call["source"])
        answer = await self.intake.client.get(f"/v1/calls/{call['source']}/{call['call_no']}/feedback", headers=bearer)
        assert answer.status_code == 200
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def facts(self, accepted: dict[str, Any]) -> list[str]:
        return [fact for fact, _ in await self.intake.events(accepted["referral_id"])]


def made(intake: Any, confirms: Confirms) -> Others:
    profiles = SourceProfiles("test", {"hongkou-110": confirms}, Confirms.NONE)
    quarantine = Quarantine(intake.units.database, SCHEMA, intake.settings.keyring, consumer=ACTING)
    applier = Applier(intake.units, CONTRACTS, handlers(profiles), quarantine)
    return Others(intake, applier, DeliverFeedback(intake.units), make_ticker(intake.units))
