"""followup on a real database: one watch per dispatched referral, stated once."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from chassis.ids import new_id
from followup_svc.events import CONTRACTS, HANDLERS
from followup_svc.main import make_api
from followup_svc.store.ledger import ledger_counts
from followup_svc.store.tables import metadata
from support.consumers import Consumer, a_consumer, an_arrival, classified, dispatched, linked, opened
from support.watching import make_work


@pytest.fixture
async def followup(database: str, tmp_path: Path) -> AsyncIterator[Consumer]:
    async with a_consumer(
        "followup", metadata, CONTRACTS, HANDLERS, make_work, database_url=database, folder=tmp_path
    ) as consumer:
        yield consumer


EVENTS = "SELECT type, seq, body, headers FROM followup.event_log ORDER BY referral_id, seq"


async def test_the_first_dispatch_opens_a_watch_and_says_so_once(followup: Consumer) -> None:
    referral = new_id()
    await followup.apply(
        an_arrival(opened(), referral, 1),
        an_arrival(dispatched(), referral, 1, after={"intake": 1}),
        an_arrival(dispatched("310109009-SFS", hop=2), referral, 2, after={"intake": 1}),
    )
    (watch,) = await followup.rows("SELECT state, cycle, hop, office_code FROM followup.watch")
    assert watch == {"state": "watching", "cycle": 1, "hop": 2, "office_code": "310109009-SFS"}
    (event,) = await followup.rows(EVENTS)
    assert (event["type"], event["seq"]) == ("cn.liandong.followup.watch_opened.v1", 1)
    assert event["body"]["cycle"] == 1
    assert event["headers"]["ce_after"] == "intake:1,triage:1"
    sent = await followup.rows("SELECT topic FROM followup.outbox ORDER BY n")
    assert sent[0]["topic"] == "followup.v1", "the own fact leaves first"
    others = sorted(row["topic"] for row in sent[1:])
    assert others == ["referral-status.v1", "referrals.v1", "referrals.v1", "referrals.v1"]


async def test_the_same_dispatch_again_opens_nothing(followup: Consumer) -> None:
    referral = new_id()
    facts = [an_arrival(opened(), referral, 1), an_arrival(dispatched(), referral, 1, after={"intake": 1})]
    await followup.apply(*facts)
    await followup.apply(*facts)
    assert len(await followup.rows(EVENTS)) == 1


async def test_every_order_of_arrival_gives_one_note_and_one_watch(followup: Consumer) -> None:
    for order in itertools.permutations(range(4)):
        referral = new_id()
        facts = [
            an_arrival(opened(), referral, 1),
            an_arrival(linked(calls=3), referral, 2),
            an_arrival(classified(), referral, 1, after={"intake": 1}),
            an_arrival(dispatched(), referral, 2, after={"intake": 1}),
        ]
        for place in order:
            await followup.apply(facts[place])
        (noted,) = await followup.rows(
            "SELECT calls, category, grade FROM followup.noted WHERE referral_id = $1", referral
        )
        assert noted == {"calls": 3, "category": "neighbour", "grade": "yellow"}
    async with followup.database.connection() as connection:
        assert await ledger_counts(connection) == {"watches_by_state": {"watching": 24, "anchored": 0, "closed": 0}}
    assert await followup.rows("SELECT 1 FROM followup.parked") == []


async def test_what_is_only_opened_or_classified_has_no_watch(followup: Consumer) -> None:
    referral = new_id()
    await followup.apply(an_arrival(opened(), referral, 1), an_arrival(classified(), referral, 1, after={"intake": 1}))
    assert await followup.rows("SELECT 1 FROM followup.watch") == []
    assert await followup.rows(EVENTS) == []


async def test_a_watch_is_read_over_http_by_those_who_may(followup: Consumer) -> None:
    referral = new_id()
    await followup.apply(an_arrival(opened(), referral, 1), an_arrival(dispatched(), referral, 1, after={"intake": 1}))
    app = make_api(followup.settings)
    transport = httpx.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://f") as client:

        async def get(referral_id: object, role: str, scope: str = "31/310109") -> httpx.Response:
            headers = followup.issuer.bearer(role, scope_path=scope)
            return await client.get(f"/v1/watches/{referral_id}", headers=headers)

        assert (await get(referral, "auditor")).json()["state"] == "watching"
        assert (await get(referral, "partner")).status_code == 403
        assert (await get(referral, "ops", "31/310106")).json()["code"] == "out_of_scope"
        assert (await get(new_id(), "ops")).json()["code"] == "not_watched"
        ledger = await client.get("/v1/ops/ledger", headers=followup.issuer.bearer("ops"))
    assert ledger.json()["counts"]["watches_by_state"]["watching"] == 1
    assert ledger.json()["heads"] == {"sum": 1, "streams": 1}
