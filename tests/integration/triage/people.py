"""The officers of a sub-district at triage's HTTP, as tests play them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from chassis.ids import new_id
from referral_schemas.intake import ReferralOpened
from support.consumers import Consumer, an_arrival, opened

DISTRICT, QUYANG, GUANGZHONG = "31/310109", "31/310109/310109010", "31/310109/310109011"


def a_call(narrative: str | None = "与楼上邻居因漏水争吵", **changes: Any) -> ReferralOpened:
    told = {"narrative": narrative, "station_code": "310109010-PCS1"} | changes
    return opened().model_copy(update=told)


async def a_dispatched_one(triage: Consumer, **changes: Any) -> UUID:
    referral = new_id()
    await triage.apply(an_arrival(a_call(**changes), referral, 1))
    return referral


async def one_under_review(triage: Consumer) -> UUID:
    return await a_dispatched_one(triage, station_code=None)


@dataclass
class Desk:
    """Sends as somebody of a role; a command goes with the ETag read just before, unless another is given."""

    client: httpx.AsyncClient
    triage: Consumer

    async def get(self, path: str, role: str = "dispatcher", *, scope: str = DISTRICT, **query: Any) -> httpx.Response:
        headers = self.triage.issuer.bearer(role, scope_path=scope)
        return await self.client.get(path, headers=headers, params=query)

    async def post(
        self,
        referral: UUID,
        command: str,
        body: dict[str, Any],
        role: str = "office_clerk",
        *,
        scope: str = DISTRICT,
        **headers: str | None,
    ) -> httpx.Response:
        path = f"/v1/referrals/{referral}"
        sent = {"If-Match": "*", **self.triage.issuer.bearer(role, scope_path=scope)}
        for name, value in headers.items():
            sent.pop(name.replace("_", "-"), None)
            if value is not None:
                sent[name.replace("_", "-")] = value
        return await self.client.post(f"{path}/{command}", headers=sent, json=body)

    async def seen(self, referral: UUID) -> dict[str, Any]:
        answer = await self.get(f"/v1/referrals/{referral}", "ops", scope="31")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def done(self, referral: UUID, command: str, body: dict[str, Any], role: str = "office_clerk") -> None:
        answer = await self.post(referral, command, body, role)
        assert answer.status_code == 200, answer.text
