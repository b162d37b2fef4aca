"""The people's road of one referral, played through the public API with the tokens of the roles: each end once.

Every road is a list of moves by the people who may make them; what they wait for is read, never assumed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from stack.people.desk import Desk

Say = Callable[[str], None]


class Road(StrEnum):
    WRITTEN = "written"
    ORAL = "oral"
    BREACH = "breach"
    TERMINATED = "terminated"
    SELF_RESOLVED = "self_resolved"
    NO_CONSENT = "no_consent"
    BACK_TO_POLICE = "back_to_police"
    HALTED = "halted"


def _ignore(_: str) -> None:
    return


@dataclass
class Walk:
    """One referral and the people of its office. `say` is told each step reached, by a stable word."""

    desk: Desk
    referral_id: str
    area: str
    source: str
    call_no: str
    say: Say = _ignore
    parties: list[str] = field(default_factory=list)
    is_signed: bool = False

    async def go(self, road: Road) -> str:
        """To the end; the outcome under which followup closed it. Raises Refused where it is stuck."""
        if not self.is_signed:
            await self.sign()
        await _ROADS[road](self)
        return await self._close()

    async def sign(self) -> None:
        await self._triage("sign", {})
        self.is_signed = True
        self.say("signed")

    # ── the office ──────────────────────────────────────────────────────────────────────────────────────────────

    async def written(self) -> None:
        await self._into_mediation()
        await self._agree_in_writing()
        await self._perform()

    async def oral(self) -> None:
        await self._into_mediation()
        body = {
            "obligations": [],
            "performed_on_spot": True,
            "parties_agree_no_document": True,
            "note": "双方当场和解，物品已归还。",
        }
        await self._case("oral-agreement", body, by="mediator")
        self.say("agreed")

    async def breach(self) -> None:
        """An agreement that is not kept, a visit that finds it, and a second round that is."""
        await self._into_mediation()
        await self._agree_in_writing()
        for obligation in await self._obligations():
            await self._case(f"obligations/{obligation}/breached", {"found_by": "party"}, by="mediator")
        self.say("breached")
        await self._case("remedies-told", {"remedies_informed_at": _now()}, by="mediator")
        await self._close()
        self.say("closed")
        reopen = {"target": "mediation", "reason": "agreement_not_kept", "note": "对方仍未履行，申请重新调解。"}
        await self._watch("reopen", reopen, by=self.desk.stack.token("supervisor"))
        self.say("reopened")
        await self._consents()
        await self._hold_meetings()
        await self._agree_in_writing()
        await self._perform()

    async def terminated(self) -> None:
        await self._into_mediation()
        body = {"reason": "no_agreement", "remedies_informed_at": _now()}
        await self._case("terminate", body, by="mediator")
        self.say("terminated")

    async def self_resolved(self) -> None:
        await self._contact()
        await self._triage("self-resolved", {"note": "双方已自行和解。"})
        self.say("ended")

    async def no_consent(self) -> None:
        await self._contact()
        await self._triage("no-consent", {"remedies_informed_at": _now()})
        self.say("ended")

    async def back_to_police(self) -> None:
        request = {"reason": "safety", "addressee": "police", "note": "现场发现人身危险，请公安处理。"}
        await self._triage("request-return", request)
        self.say("return_requested")
        await self._triage("return-decision", {"decision": "back_to_police", "reason": "safety"}, by="dispatcher")
        self.say("ended")
        call = f"/v1/calls/{self.source}/{self.call_no}"
        police = self.desk.stack.token("police")
        await self.desk.until("intake", call, lambda seen: seen["state"] == "returned", by=police, what="returned")
        await self.desk.act("intake", f"{call}/return-decision", {"decision": "retain"}, by=police, on=call)
        self.say("police_decided")

    async def halted(self) -> None:
        """The police report violence at home: everything stands still until they themselves have lifted it."""
        await self._contact()
        await self._police({"code": "X_DV", "reason": "officer_report"}, "blocks", is_halted=True)
        self.say("halted")
        await self._police({"reason": "checked_unfounded"}, "blocks/X_DV/lift", is_halted=False)
        self.say("lifted")
        await self._hand_over()
        await self._agree_in_writing()
        await self._perform()

    # ── the steps ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _contact(self) -> None:
        parties = [{"role": "applicant", "name": "甲方（虚构）"}, {"role": "respondent", "name": "乙方（虚构）"}]
        await self._triage("contact", {"channel": "phone", "parties": parties})
        self.say("contacted")

    async def _police(self, body: Mapping[str, Any], command: str, *, is_halted: bool) -> None:
        """A block set or lifted on the call, until it is so wherever its referral is handled."""
        call, clerk, visitor = f"/v1/calls/{self.source}/{self.call_no}", self._token("clerk"), self._token("visitor")
        await self.desk.act("intake", f"{call}/{command}", body, by=self.desk.stack.token("police"), on=call)
        for service, path, by in (("triage", "referrals", clerk), ("followup", "watches", visitor)):
            await self.desk.until(
                service, f"/v1/{path}/{self.referral_id}", lambda seen: bool(seen["halted"]) is is_halted, by=by,
                what="halted" if is_halted else "free",
            )  # fmt: skip

    async def _into_mediation(self) -> None:
        await self._contact()
        await self._hand_over()

    async def _hand_over(self) -> None:
        await self._triage("hand-over", {})
        self.say("handed_over")
        await self._consents()
        await self._hold_meetings()

    async def _consents(self) -> None:
        path = f"/v1/cases/{self.referral_id}"
        case = await self.desk.until(
            "mediation", path, lambda seen: seen["state"] == "consent_pending", by=self._token("mediator"),
            what="waiting for consent",
        )  # fmt: skip
        self.parties = [party["party_id"] for party in case["parties"]]
        for party in self.parties:
            await self._case("consent", {"party_id": party, "consent": "given", "how": "oral"}, by="mediator")

    async def _hold_meetings(self) -> None:
        await self._case("accept", {}, by="head")
        self.say("accepted")
        await self._case("assign", {"mediator_codes": ["M-001"], "chosen_by": "committee"}, by="head")
        await self._case("inform", {}, by="mediator")
        await self._case("meet", {"held_at": _now(), "present": self.parties}, by="mediator")
        self.say("met")

    async def _agree_in_writing(self) -> None:
        due_on = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
        body = {"obligations": [{"kind": "pay", "due_on": due_on}], "note": "乙方七日内支付维修费。"}
        await self._case("written-agreement", body, by="mediator")
        for party in self.parties:
            await self._case("sign", {"signer": "party", "party_id": party}, by="mediator")
        await self._case("sign", {"signer": "mediator"}, by="mediator")
        await self._case("seal", {}, by="head")
        self.say("agreed")

    async def _obligations(self) -> list[str]:
        case = await self.desk.read("mediation", f"/v1/cases/{self.referral_id}", by=self._token("mediator"))
        return [one["obligation_id"] for one in case["obligations"] if one["state"] == "open"]

    async def _perform(self) -> None:
        for obligation in await self._obligations():
            await self._case(f"obligations/{obligation}/performed", {}, by="mediator")
        self.say("performed")

    async def _close(self) -> str:
        """Every visit as it falls due, then the closing: accepted at once, or waiting until the gate is satisfied."""
        watch = f"/v1/watches/{self.referral_id}"
        by = self._token("visitor")
        await self.desk.until("followup", watch, lambda seen: seen["state"] == "anchored", by=by, what="anchored")
        while (visit := await self._next_visit(watch)) is not None:
            body = {
                "visited_at": _now(),
                "channel": visit["channel"],
                "reached": self.parties,
                "performance": [],
                "satisfaction": 1,
                "outcome": "settled",
            }
            await self.desk.act("followup", f"/v1/visits/{visit['visit_id']}/record", body, by=by, on=watch)
            self.say("visited")
        await self._lower_the_grade(watch)
        await self.desk.act("followup", f"{watch}/close", {}, by=by, on=watch)
        closed = await self.desk.until(
            "followup", watch, lambda seen: seen["state"] == "closed", by=by, what="closed by the gate"
        )
        return str(closed["outcome"])

    async def _lower_the_grade(self, watch: str) -> None:
        """Nothing closes red or orange: after the visits a named approver lowers it (DOMAIN §4.3)."""
        seen = await self.desk.read("followup", watch, by=self._token("visitor"))
        if seen["grade"] in ("red", "orange"):
            supervisor = self.desk.stack.token("supervisor")
            path = f"/v1/referrals/{self.referral_id}"
            body = {"grade": "blue", "reason": "visits_show_calm"}
            await self.desk.act("triage", f"{path}/grade", body, by=supervisor, on=path)
            await self.desk.until(
                "followup",
                watch,
                lambda now: now["grade"] == "blue",
                by=self._token("visitor"),
                what="of a lower grade",
            )

    async def _next_visit(self, watch: str) -> Mapping[str, Any] | None:
        """The next one that is due, waited for; None when none is left."""

        def is_settled(seen: Mapping[str, Any]) -> bool:
            return not _open_visits(seen) or bool(_due_visits(seen))

        found = await self.desk.until("followup", watch, is_settled, by=self._token("visitor"), what="a visit due")
        return next(iter(_due_visits(found)), None)

    async def _triage(self, command: str, body: Mapping[str, Any], *, by: str = "clerk") -> None:
        path = f"/v1/referrals/{self.referral_id}"
        await self.desk.act("triage", f"{path}/{command}", body, by=self._token(by), on=path)

    async def _case(self, command: str, body: Mapping[str, Any], *, by: str) -> None:
        path = f"/v1/cases/{self.referral_id}"
        await self.desk.act("mediation", f"{path}/{command}", body, by=self._token(by), on=path)

    async def _watch(self, command: str, body: Mapping[str, Any], *, by: str) -> None:
        path = f"/v1/watches/{self.referral_id}"
        await self.desk.act("followup", f"{path}/{command}", body, by=by, on=path)

    def _token(self, name: str) -> str:
        return self.desk.stack.token_of_office(name, self.area)


def _open_visits(watch: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [visit for visit in watch["visits"] if visit["state"] in ("planned", "due", "unreachable")]


def _due_visits(watch: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [visit for visit in watch["visits"] if visit["state"] == "due"]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_ROADS: Mapping[Road, Callable[[Walk], Awaitable[None]]] = {
    Road.WRITTEN: Walk.written,
    Road.ORAL: Walk.oral,
    Road.BREACH: Walk.breach,
    Road.TERMINATED: Walk.terminated,
    Road.SELF_RESOLVED: Walk.self_resolved,
    Road.NO_CONSENT: Walk.no_consent,
    Road.BACK_TO_POLICE: Walk.back_to_police,
    Road.HALTED: Walk.halted,
}
