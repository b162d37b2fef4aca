"""Every example of intake's OpenAPI document is sent; the first of each command to a call that waits for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from intake_svc.domain.feedback import Confirms
from referral_schemas import triage
from support.documented import Documented, Ready, answers_as_documented, is_taken, operations_of
from support.documented_ops import brought_to_it
from support.intake_others import Others, made
from support.tokens import Issuer

OPERATIONS = operations_of("intake")
SIGNED = triage.ReferralSigned.example()
BACK = triage.ReferralEnded.example().model_copy(update={"end": triage.End.BACK_TO_POLICE, "hop": 1})
BLOCK = {"code": "X_DV", "reason": "officer_report", "note": "现场民警反馈。"}
KEY = {"name": "测试 Test", "roles": ["source_system"], "scope_path": "31/310109", "source": "hongkou-110"}


@dataclass
class Place:
    """Its source acknowledges by a call."""

    intake: Any
    others: Others
    service: str = "intake"
    producer: str = "triage"

    @property
    def client(self) -> httpx.AsyncClient:
        client: httpx.AsyncClient = self.intake.client
        return client

    @property
    def issuer(self) -> Issuer:
        issuer: Issuer = self.intake.issuer
        return issuer

    async def rows(self, statement: str, *arguments: Any) -> Any:
        return await self.intake.rows(statement, *arguments)

    async def kept_text(self) -> UUID:
        (row,) = await self.rows(
            "SELECT text_id FROM intake.text_note WHERE referral_id = $1", (await self.blocked())[1]["referral_id"]
        )
        return UUID(str(row["text_id"]))

    async def blocked(self) -> tuple[dict[str, Any], dict[str, Any]]:
        call, accepted = await self.intake.brought_to("referred")
        await self.intake.done(call, "blocks", BLOCK, "police_officer")
        return call, accepted


Walk = Callable[[Place], Awaitable[Ready]]


def place_of(call: dict[str, Any], role: str | None = None) -> Ready:
    return Ready({"source": call["source"], "call_no": call["call_no"]}, role)


def a_call_that_is(state: str, role: str | None = None) -> Walk:
    async def walk(place: Place) -> Ready:
        return place_of((await place.intake.brought_to(state))[0], role)

    return walk


async def a_blocked_call(place: Place) -> Ready:
    return place_of((await place.blocked())[0])


def told(*facts: Any) -> Walk:
    """A referred call of whose referral this has been said and told."""

    async def walk(place: Place) -> Ready:
        call, accepted = await place.intake.brought_to("referred")
        await place.others.state(accepted["referral_id"], *facts)
        await place.others.take_all()
        return place_of(call)

    return walk


async def a_key(place: Place) -> Ready:
    answer = await place.client.post("/v1/ops/api-keys", json=KEY, headers=place.issuer.bearer("security_admin"))
    return Ready({"key_id": answer.json()["key_id"]})


async def nothing(_: Place) -> Ready:
    return Ready()


WALKS: Mapping[str, Walk] = {
    "submitCall": nothing,
    "readCall": a_call_that_is("referred"),
    "readContent": a_call_that_is("awaiting_screener", "screener"),
    "readCallClocks": a_call_that_is("awaiting_screener"),
    "listFeedback": told(SIGNED),
    "screenCall": a_call_that_is("awaiting_screener", "screener"),
    "setBlock": a_call_that_is("referred"),
    "liftBlock": a_blocked_call,
    "decideReturn": told(SIGNED, BACK),
    "withdrawCall": a_call_that_is("referred"),
    "acknowledgeFeedback": told(SIGNED),
    "waiveFeedback": told(SIGNED),
    "createApiKey": nothing,
    "revokeApiKey": a_key,
}


@pytest.fixture(scope="module")
def place(shared_intake: Any) -> Place:
    return Place(shared_intake, made(shared_intake, Confirms.CALL))


@pytest.mark.parametrize("operation", OPERATIONS, ids=repr)
async def test_every_example_is_answered_as_documented(place: Place, operation: Documented) -> None:
    await answers_as_documented(place, operation)


@pytest.mark.parametrize("operation", OPERATIONS, ids=repr)
async def test_the_first_example_does_what_it_shows(place: Place, operation: Documented) -> None:
    await is_taken(place, operation, await brought_to_it(place, operation, WALKS))
