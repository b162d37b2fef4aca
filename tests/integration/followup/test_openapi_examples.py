"""Every example of followup's OpenAPI document is sent; the first of each command to a watch that waits for it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import pytest
from support.documented import Documented, Ready, answers_as_documented, is_taken, operations_of
from support.documented_ops import OnConsumer, brought_to_it
from support.watching import Desk, a_visit, effective

OPERATIONS = operations_of("followup")
ORDER = {"addressee": "310109010-SFS", "due": "2099-01-07T09:00:00Z", "reason": "overdue"}


class Place(OnConsumer, Desk):
    service, producer = "followup", "triage"

    async def due_visit(self) -> dict[str, Any]:
        referral_id = await self.dispatched("blue")
        await self.state(referral_id, effective())
        await self.fire(referral_id)
        visit: dict[str, Any] = (await self.watch(referral_id))["visits"][0]
        return visit

    async def kept_text(self) -> UUID:
        visit = await self.due_visit()
        answer = await self.post(f"/v1/visits/{visit['visit_id']}/record", a_visit(note="双方已握手言和。"))
        return UUID(answer.json()["note_id"])


Walk = Callable[[Place], Awaitable[Ready]]


async def watched(place: Place) -> Ready:
    return Ready({"referral_id": str(await place.dispatched())})


async def a_visit_that_is_due(place: Place) -> Ready:
    return Ready({"visit_id": (await place.due_visit())["visit_id"]})


async def a_visit_tried_in_vain(place: Place) -> Ready:
    referral_id = await place.dispatched("blue")
    await place.state(referral_id, effective())
    for _ in range(3):
        await place.fire(referral_id)
        (visit,) = (await place.watch(referral_id))["visits"]
        await place.post(f"/v1/visits/{visit['visit_id']}/miss", {})
    return Ready({"visit_id": visit["visit_id"]})


async def ready_to_close(place: Place) -> Ready:
    return Ready({"referral_id": str(await place.ready())})


async def closed(place: Place) -> Ready:
    referral_id = await place.ready()
    assert (await place.close(referral_id)).status_code == 200
    return Ready({"referral_id": str(referral_id)})


async def supervised(place: Place) -> Ready:
    referral_id = await place.dispatched()
    order = await place.post(f"/v1/watches/{referral_id}/supervise", ORDER, "bureau_supervisor")
    return Ready({"referral_id": str(referral_id), "order_id": order.json()["order_id"]}, "office_clerk")


WALKS: Mapping[str, Walk] = {
    "readWatch": watched,
    "listClocks": watched,
    "readTimeline": closed,
    "escalateReferral": watched,
    "orderSupervision": watched,
    "answerSupervision": supervised,
    "recordVisit": a_visit_that_is_due,
    "missVisit": a_visit_that_is_due,
    "waiveVisit": a_visit_that_is_due,
    "recordVisitByNeighbourWorker": a_visit_tried_in_vain,
    "closeReferral": ready_to_close,
    "reopenReferral": closed,
}


@pytest.fixture
def place(desk: Desk) -> Place:
    return Place(desk.consumer, desk.client, desk.producers, desk.closings, desk.ticker)


@pytest.mark.parametrize("operation", OPERATIONS, ids=repr)
async def test_every_example_is_answered_as_documented(place: Place, operation: Documented) -> None:
    await answers_as_documented(place, operation)


@pytest.mark.parametrize("operation", OPERATIONS, ids=repr)
async def test_the_first_example_does_what_it_shows(place: Place, operation: Documented) -> None:
    await is_taken(place, operation, await brought_to_it(place, operation, WALKS))
