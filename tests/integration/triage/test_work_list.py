"""Work lists: whose they are, what they are narrowed to, and pages that neither miss nor double anything."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from chassis.ids import new_id
from integration.triage.people import DISTRICT, GUANGZHONG, QUYANG, Desk, a_call, a_dispatched_one, one_under_review
from referral_schemas.followup import ReferralClosed, ReferralReopened, ReopenTarget
from referral_schemas.intake import BlockSet
from support.consumers import Consumer, an_arrival
from triage_svc.main import make_api
from triage_svc.store.ledger import ledger_counts

LIST = "/v1/referrals"


@pytest.fixture
async def desk(triage: Consumer) -> AsyncIterator[Desk]:
    app = make_api(triage.settings)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://triage") as client,
    ):
        yield Desk(client, triage)


async def listed(desk: Desk, role: str = "dispatcher", scope: str = DISTRICT, **query: Any) -> set[UUID]:
    answer = await desk.get(LIST, role, scope=scope, **query)
    assert answer.status_code == 200, answer.text
    return {UUID(item["referral_id"]) for item in answer.json()["items"]}


async def test_everybody_sees_his_own_area_and_what_has_none_is_the_city_s(desk: Desk) -> None:
    quyang = await a_dispatched_one(desk.triage)
    guangzhong = await a_dispatched_one(desk.triage, station_code="310109011-PCS1")
    waiting = await one_under_review(desk.triage)
    nobody_s = await a_dispatched_one(desk.triage, station_code=None, source="elsewhere")
    assert await listed(desk, "office_clerk", QUYANG) == {quyang}
    assert await listed(desk, "office_clerk", GUANGZHONG) == {guangzhong}
    assert await listed(desk, "dispatcher", DISTRICT) == {quyang, guangzhong, waiting}
    assert await listed(desk, "dispatcher", "31/310110") == set()
    assert await listed(desk, "dispatcher", "31/3101") == set()
    assert await listed(desk, "city_supervisor", "31") == {quyang, guangzhong, waiting, nobody_s}
    for referral, scope, status in ((quyang, QUYANG, 200), (quyang, GUANGZHONG, 403), (nobody_s, DISTRICT, 403)):
        answer = await desk.get(f"{LIST}/{referral}", "office_clerk", scope=scope)
        assert answer.status_code == status
    assert (await desk.get(f"{LIST}/{new_id()}")).json()["code"] == "referral_not_opened"
    assert (await desk.get(f"{LIST}/{quyang}/clocks", "office_clerk", scope=GUANGZHONG)).status_code == 403
    assert (await desk.get(f"{LIST}/{new_id()}/clocks")).status_code == 404


async def test_a_list_is_narrowed_by_each_filter_and_by_several(desk: Desk) -> None:
    plain = await a_dispatched_one(desk.triage)
    medical = await a_dispatched_one(desk.triage, narrative="医院手术失败，误诊造成死亡", station_code="310109011-PCS1")
    waiting = await one_under_review(desk.triage)
    await desk.triage.apply(an_arrival(BlockSet.example(), medical, 2))
    await desk.triage.apply(an_arrival(ReferralClosed.example(), plain, 1))
    assert await listed(desk, state="under_review") == {waiting}
    assert await listed(desk, office_code="310109011-SFS") == {medical}
    assert await listed(desk, category="medical") == {medical}
    assert await listed(desk, grade="orange") == {medical}
    assert await listed(desk, halted=True) == {medical}
    assert await listed(desk, halted=False) == {plain, waiting}
    assert await listed(desk, closed=True) == {plain}
    assert await listed(desk, closed=False, halted=False) == {waiting}
    assert await listed(desk, needs_review=True) == {medical}
    assert await listed(desk, overdue=True) == set()
    assert await listed(desk, overdue=False) == {plain, medical, waiting}
    assert (await desk.get(LIST, state="lost")).status_code == 422


async def test_pages_miss_and_double_nothing_while_referrals_open(desk: Desk) -> None:
    """Three at a time; after each page more open, even some whose ids are older than the page's."""
    early_ids = [new_id() for _ in range(6)]
    there = [await a_dispatched_one(desk.triage) for _ in range(8)]
    seen: list[UUID] = []
    after: str | None = None
    added: list[UUID] = []
    while True:
        query: dict[str, Any] = {"limit": 3} | ({"after": after} if after else {})
        page = (await desk.get(LIST, **query)).json()
        seen += [UUID(item["referral_id"]) for item in page["items"]]
        after = page["next"]
        if after is None:
            break
        if early_ids:
            late = early_ids.pop()
            await desk.triage.apply(an_arrival(a_call(), late, 1))
            added.append(late)
    assert len(seen) == len(set(seen))
    assert seen == there + added


async def test_a_cursor_of_another_list_is_refused(desk: Desk) -> None:
    refused = await desk.get(LIST, after="WyJ4Il0")
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_cursor")


async def test_the_ledger_counts_what_is_closed_by_its_outcome_and_reopened_as_open(desk: Desk) -> None:
    closed, reopened, going = [await a_dispatched_one(desk.triage) for _ in range(3)]
    ended = ReferralClosed.example().model_copy(update={"outcome": "self_resolved"})
    for referral in (closed, reopened):
        await desk.triage.apply(an_arrival(ended, referral, 1))
    reopening = ReferralReopened(cycle=2, target=ReopenTarget.TRIAGE, reason="new_facts")
    await desk.triage.apply(an_arrival(reopening, reopened, 2))
    await desk.done(going, "sign", {})
    async with desk.triage.database.connection() as connection:
        counts = await ledger_counts(connection)
    assert counts == {
        "by_state": {"dispatched": 2, "signed": 1},
        "open_by_state": {"dispatched": 1, "signed": 1},
        "closed_by_outcome": {"self_resolved": 1},
        "dispatched": 3,
        "to_be_watched": 3,
        "open_by_responsible": {"310109-ZHZX": 1, "310109010-SFS": 1},
        "without_responsible": 0,
        "halted": 0,
    }
