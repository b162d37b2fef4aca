"""A mediation office in a test: referrals come in as events, people act over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import httpx
from chassis.ids import new_id
from chassis.workdays import load_calendar
from mediation_svc.publishing import PUBLISH
from mediation_svc.rules.loading import load_rulebook
from mediation_svc.store.work import MediationWork
from referral_schemas.envelope import PublicEvent
from referral_schemas.followup import ReferralClosed, ReferralReopened
from referral_schemas.intake import BlockLifted, BlockSet
from referral_schemas.triage import (
    Category,
    Channel,
    Committee,
    Grade,
    HandedToMediation,
    Party,
    PartyContacted,
    PartyRole,
    ReferralEnded,
)
from support.consumers import Consumer, an_arrival, classified, dispatched, opened

COMMITTEE = "310109010-PMC"
MAKE_WORK = partial(MediationWork, rules=load_rulebook(), publish=PUBLISH, calendar=load_calendar())


def now_text(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


def contacted(*, hop: int = 1) -> PartyContacted:
    return PartyContacted(hop=hop, contacted_at=datetime.now(UTC), channel=Channel.PHONE, parties=())


def handed(parties: list[UUID], *, hop: int = 1, committee: str = COMMITTEE) -> HandedToMediation:
    roles = [PartyRole.APPLICANT, PartyRole.RESPONDENT, PartyRole.OTHER]
    return HandedToMediation(
        committee=Committee(code=committee, name="曲阳路街道人民调解委员会"),
        category=Category.NEIGHBOUR,
        grade=Grade.YELLOW,
        parties=tuple(Party(party_id=one, role=role) for one, role in zip(parties, roles, strict=False)),
        hop=hop,
    )


def ended(end: str = "back_to_police", *, hop: int = 1) -> ReferralEnded:
    return ReferralEnded.parse(json.dumps({"end": end, "hop": hop}).encode())


def closed(cycle: int = 1) -> ReferralClosed:
    return ReferralClosed(cycle=cycle, outcome="agreement_performed", closed_at=datetime.now(UTC), positions={})


def reopened(cycle: int = 2, target: str = "mediation") -> ReferralReopened:
    return ReferralReopened.parse(
        json.dumps({"cycle": cycle, "target": target, "reason": "agreement_breached"}).encode()
    )


def block(code: str = "X_DV") -> BlockSet:
    return BlockSet.parse(json.dumps({"code": code, "set_by": "police", "call_id": None, "at": now_text()}).encode())


def lift(*seqs: int, code: str = "X_DV") -> BlockLifted:
    return BlockLifted.parse(
        json.dumps({"code": code, "lifts": seqs, "by": "police_officer", "at": now_text()}).encode()
    )


@dataclass
class Dispute:
    """One referral and its parties; `tell` numbers what other services say of it."""

    desk: Desk
    referral_id: UUID = field(default_factory=new_id)
    parties: list[UUID] = field(default_factory=lambda: [new_id(), new_id()])
    said: dict[str, int] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/v1/cases/{self.referral_id}"

    async def tell(self, *events: PublicEvent) -> None:
        arrivals = []
        for event in events:
            producer = event.TYPE.split(".")[2]
            self.said[producer] = self.said.get(producer, 0) + 1
            arrivals.append(an_arrival(event, self.referral_id, self.said[producer]))
        await self.desk.consumer.apply(*arrivals)

    async def read(self) -> dict[str, Any]:
        found = await self.desk.get(self.path)
        assert found.status_code == 200, found.text
        body: dict[str, Any] = found.json()
        return body

    async def ask(self, command: str, body: Mapping[str, Any] | None = None, **headers: str) -> httpx.Response:
        sent = {"If-Match": "*", **self.desk.staff, **headers}
        return await self.desk.client.post(f"{self.path}/{command}", json=dict(body or {}), headers=sent)

    async def do(self, command: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Raises where it is refused."""
        answer = await self.ask(command, body)
        assert answer.status_code == 200, f"{command}: {answer.text}"
        done: dict[str, Any] = answer.json()
        return done

    async def refused(
        self, command: str, body: Mapping[str, Any] | None = None, *, status: int = 409
    ) -> dict[str, Any]:
        answer = await self.ask(command, body)
        assert answer.status_code == status, f"{command}: {answer.status_code} {answer.text}"
        problem: dict[str, Any] = answer.json()
        return problem

    async def consent(self, party: UUID, will: str = "given") -> dict[str, Any]:
        return await self.do("consent", {"party_id": str(party), "consent": will, "how": "oral"})

    async def accepted(self) -> dict[str, Any]:
        for party in self.parties:
            await self.consent(party)
        return await self.do("accept")

    async def in_mediation(self) -> dict[str, Any]:
        await self.accepted()
        await self.do("assign", {"mediator_codes": ["M-001"], "chosen_by": "committee"})
        await self.do("inform")
        return await self.do("meet", {"held_at": now_text(), "present": [str(one) for one in self.parties]})

    async def drafted(self, *days: int) -> dict[str, Any]:
        due = [{"kind": "payment", "due_on": str((datetime.now(UTC) + timedelta(days=one)).date())} for one in days]
        return await self.do("written-agreement", {"obligations": due, "note": "协议正文"})

    async def effective(self, *days: int) -> dict[str, Any]:
        await self.in_mediation()
        await self.drafted(*days)
        for party in self.parties:
            await self.do("sign", {"signer": "party", "party_id": str(party)})
        await self.do("sign", {"signer": "mediator"})
        return await self.do("seal")

    async def events(self) -> list[str]:
        """The facts stated, in their order, without their common prefix."""
        rows = await self.desk.consumer.rows(
            "SELECT type FROM mediation.event_log WHERE referral_id = $1 ORDER BY seq", self.referral_id
        )
        return [row["type"].split(".")[3] for row in rows]

    async def event(self, fact: str) -> dict[str, Any]:
        """The body of the last one of its type."""
        return (await self.stated(fact))[-1]

    async def stated(self, fact: str) -> list[dict[str, Any]]:
        """The bodies of all of its type."""
        rows = await self.desk.consumer.rows(
            "SELECT body FROM mediation.event_log WHERE referral_id = $1 AND type = $2 ORDER BY seq",
            self.referral_id,
            f"cn.liandong.mediation.{fact}.v1",
        )
        return [row["body"] for row in rows]

    async def clocks(self) -> dict[str, str]:
        """State by clock and key."""
        return {name: one["state"] for name, one in (await self.shown()).items()}

    async def shown(self) -> dict[str, dict[str, Any]]:
        """What people see of each clock."""
        found = await self.desk.get(f"{self.path}/clocks")
        return {f"{one['clock']}/{one['key']}": one for one in found.json()["clocks"]}


@dataclass
class Desk:
    consumer: Consumer
    client: httpx.AsyncClient

    @property
    def staff(self) -> dict[str, str]:
        return self.consumer.issuer.bearer("mediator", "committee_head", scope_path="31/310109/310109010")

    async def get(self, path: str, *roles: str, scope: str = "31/310109/310109010") -> httpx.Response:
        headers = self.consumer.issuer.bearer(*(roles or ("mediator",)), scope_path=scope)
        return await self.client.get(path, headers=headers)

    async def dispute(
        self,
        *,
        category: Category = Category.NEIGHBOUR,
        grade: Grade = Grade.YELLOW,
        committee: str = COMMITTEE,
        parties: Sequence[UUID] = (),
    ) -> Dispute:
        """A referral that has just been handed over."""
        dispute = Dispute(self)
        dispute.parties = list(parties) or dispute.parties
        await dispute.tell(opened(), classified(category, grade), dispatched(), contacted())
        await dispute.tell(handed(dispute.parties, committee=committee))
        return dispute
