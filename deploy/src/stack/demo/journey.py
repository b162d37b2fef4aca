"""How far one call has come, learned through public HTTP alone."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import httpx

from stack.demo.samples import SOURCE, Sample
from stack.running import RunningStack


class Step(StrEnum):
    RECEIVED = "received"
    SCREENED = "screened"
    OPENED = "opened"
    DISPATCHED = "dispatched"
    MIRRORED = "mirrored"
    WATCHED = "watched"


UNDER_REVIEW = "under_review"
AWAITING_SCREENER = "awaiting_screener"
WATCHED = "watched"
REFUSED = "refused"


@dataclass
class Journey:
    sample: Sample
    referral_id: str = ""
    posted_at: float = 0.0
    steps: dict[Step, float] = field(default_factory=dict)
    office: str = ""
    end: str = ""
    ended_at: float = 0.0
    parked: str = ""

    @property
    def is_travelling(self) -> bool:
        return bool(self.posted_at) and not self.end

    @property
    def seconds(self) -> float:
        return (self.ended_at or time.monotonic()) - self.posted_at

    def reach(self, *steps: Step) -> None:
        for step in steps:
            self.steps.setdefault(step, time.monotonic())

    def finish(self, end: str) -> None:
        self.end, self.ended_at = end, time.monotonic()


@dataclass(frozen=True)
class Observer:
    client: httpx.AsyncClient
    stack: RunningStack

    async def look(self, journey: Journey) -> None:
        """Moves the journey on as far as the services say; a service that does not answer now is asked again later."""
        try:
            await self._look(journey)
        except (httpx.TransportError, httpx.HTTPStatusError):
            return

    async def _look(self, journey: Journey) -> None:
        if Step.OPENED not in journey.steps:
            await self._ask_intake(journey)
        if Step.OPENED in journey.steps and Step.DISPATCHED not in journey.steps and not journey.end:
            await self._ask_triage(journey)
        if Step.DISPATCHED in journey.steps:
            await self._ask_mediation_and_followup(journey)

    async def _ask_intake(self, journey: Journey) -> None:
        call = await self._get("intake", f"/v1/calls/{SOURCE}/{journey.sample.call_no}", by="dispatch")
        journey.reach(Step.RECEIVED)
        if call["state"] == "received":
            return
        journey.reach(Step.SCREENED)
        if call["state"] == "referred":
            journey.reach(Step.OPENED)
        else:
            journey.finish(str(call["state"]))

    async def _ask_triage(self, journey: Journey) -> None:
        """Classified and not dispatched, which one transaction does together, means that a person looks at it."""
        stream = await self._stream("triage", journey)
        facts = {event["type"].split(".")[3] for event in stream["events"]}
        if "referral_dispatched" in facts:
            journey.reach(Step.DISPATCHED)
        elif "referral_classified" in facts:
            journey.finish(UNDER_REVIEW)

    async def _ask_mediation_and_followup(self, journey: Journey) -> None:
        if Step.MIRRORED not in journey.steps:
            await self._stream("mediation", journey)
            mirror = await self._get("mediation", f"/v1/mirrors/{journey.referral_id}", by="ops")
            if mirror.get("state") == "dispatched":
                journey.office = str(mirror["office_code"])
                journey.reach(Step.MIRRORED)
        if Step.WATCHED not in journey.steps:
            stream = await self._stream("followup", journey)
            if any(event["type"].split(".")[3] == "watch_opened" for event in stream["events"]):
                journey.reach(Step.WATCHED)
        if {Step.MIRRORED, Step.WATCHED} <= journey.steps.keys():
            journey.finish(WATCHED)

    async def _stream(self, service: str, journey: Journey) -> dict[str, Any]:
        stream = await self._get(service, f"/v1/ops/streams/{journey.referral_id}", by="ops")
        parked = [
            f"{service}: {event['producer']} #{event['seq']} {event['reason']}" for event in stream.get("parked", [])
        ]
        journey.parked = "; ".join(parked)
        return stream

    async def _get(self, service: str, path: str, *, by: str) -> dict[str, Any]:
        """What is not there yet (404) is an empty answer."""
        headers = {"Authorization": f"Bearer {self.stack.token(by)}"}
        answer = await self.client.get(f"{self.stack.services[service]}{path}", headers=headers)
        if answer.status_code == 404:
            return {"events": [], "parked": []}
        answer.raise_for_status()
        body: dict[str, Any] = answer.json()
        return body
