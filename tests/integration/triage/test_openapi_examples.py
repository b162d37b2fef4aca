"""Every example of triage's OpenAPI document is sent; the first of each command to a referral that waits for it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import httpx
import pytest
from integration.triage.people import Desk, a_dispatched_one, one_under_review
from support.consumers import Consumer
from support.documented import Documented, Ready, answers_as_documented, is_taken, operations_of
from support.documented_ops import OnConsumer, brought_to_it
from triage_svc.main import make_api

OPERATIONS = operations_of("triage")
PARTIES = [{"role": "applicant"}, {"role": "respondent"}]
CONTACT = {"channel": "phone", "parties": PARTIES, "note": "双方同意面谈。"}
RETURN = {"reason": "wrong_area", "addressee": "district", "note": "不在本辖区"}


class Place(OnConsumer, Desk):
    service, producer = "triage", "intake"

    def __init__(self, client: httpx.AsyncClient, triage: Consumer) -> None:
        super().__init__(client, triage)
        self.consumer = triage

    async def kept_text(self) -> UUID:
        ready = await CONTACTED(self)
        (row,) = await self.rows(
            "SELECT text_id FROM triage.text_note WHERE referral_id = $1", UUID(ready.parameters["referral_id"])
        )
        return UUID(str(row["text_id"]))


Walk = Callable[[Place], Awaitable[Ready]]


def after(*acts: tuple[str, dict[str, Any]], role: str = "office_clerk") -> Walk:
    """A dispatched referral of which the office has done so much already."""

    async def walk(place: Place) -> Ready:
        referral_id = await a_dispatched_one(place.triage)
        for command, body in acts:
            await place.done(referral_id, command, body)
        return Ready({"referral_id": str(referral_id)}, role)

    return walk


async def under_review(place: Place) -> Ready:
    return Ready({"referral_id": str(await one_under_review(place.triage))})


async def decided(place: Place) -> Ready:
    referral_id = await a_dispatched_one(place.triage)
    (row,) = await place.rows("SELECT id FROM triage.decision WHERE referral_id = $1 LIMIT 1", referral_id)
    return Ready({"decision_id": str(row["id"])}, "dispatcher")


CONTACTED = after(("sign", {}), ("contact", CONTACT))
WALKS: Mapping[str, Walk] = {
    "readDecision": decided,
    "readReferral": after(),
    "listClocks": after(),
    "dispatchReferral": under_review,
    "sendBack": under_review,
    "sendToOtherBody": under_review,
    "gradeReferral": after(role="dispatcher"),
    "signReferral": after(),
    "contactParties": after(("sign", {})),
    "requestReturn": after(("sign", {})),
    "decideReturn": after(("sign", {}), ("request-return", RETURN), role="dispatcher"),
    "handOver": CONTACTED,
    "recordNoConsent": CONTACTED,
    "recordSelfResolved": CONTACTED,
}


@pytest.fixture(scope="module")
async def place(shared_triage: Consumer) -> AsyncIterator[Place]:
    app = make_api(shared_triage.settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://triage") as client,
    ):
        yield Place(client, shared_triage)


@pytest.mark.parametrize("operation", OPERATIONS, ids=repr)
async def test_every_example_is_answered_as_documented(place: Place, operation: Documented) -> None:
    await answers_as_documented(place, operation)


@pytest.mark.parametrize("operation", OPERATIONS, ids=repr)
async def test_the_first_example_does_what_it_shows(place: Place, operation: Documented) -> None:
    await is_taken(place, operation, await brought_to_it(place, operation, WALKS))
