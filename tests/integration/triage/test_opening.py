"""triage on a real database: a referral is judged, found an office and dispatched once, or waits for a person."""

import itertools
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from chassis.ids import new_id
from referral_schemas.followup import WatchOpened
from referral_schemas.intake import Place, PlaceCandidate, ReferralOpened
from support.consumers import Consumer, an_arrival, linked, opened
from triage_svc.main import make_api
from triage_svc.store.ledger import ledger_counts
from triage_svc.store.work import TriageWork

EVENTS = "SELECT type, body, seq FROM triage.event_log WHERE referral_id = $1 ORDER BY seq"
ROUTED = "SELECT * FROM triage.decision WHERE referral_id = $1 AND kind = 'route'"
REFERRAL = "SELECT * FROM triage.referral WHERE referral_id = $1"


def a_call(narrative: str | None = "与楼上邻居因漏水争吵", **changes: Any) -> ReferralOpened:
    told = {"narrative": narrative, "station_code": "310109010-PCS1"} | changes
    return opened().model_copy(update=told)


async def test_an_opened_referral_is_classified_graded_and_dispatched_exactly_once(triage: Consumer) -> None:
    referral = new_id()
    arrival = an_arrival(a_call(), referral, 1)
    for _ in range(3):
        await triage.apply(arrival, arrival)
    classified, dispatched = await triage.rows(EVENTS, referral)
    assert classified["type"] == "cn.liandong.triage.referral_classified.v1"
    assert (classified["body"]["category"], classified["body"]["grade"]) == ("neighbour", "yellow")
    assert dispatched["type"] == "cn.liandong.triage.referral_dispatched.v1"
    assert dispatched["body"]["office"] == {"code": "310109010-SFS", "name": "曲阳路司法所"}
    assert dispatched["body"]["hop"] == 1
    assert [clock["clock"] for clock in dispatched["body"]["clocks"]] == ["sign_for", "first_contact", "settle"]
    (row,) = await triage.rows(REFERRAL, referral)
    assert (row["state"], row["office_code"], row["hop"]) == ("dispatched", "310109010-SFS", 1)
    assert row["responsible_code"] == "310109-ZHZX"
    assert len(await triage.rows("SELECT 1 FROM triage.outbox")) == 2


async def test_its_decisions_name_rules_and_versions_and_nothing_of_the_text(triage: Consumer) -> None:
    referral = new_id()
    await triage.apply(an_arrival(a_call("与楼上邻居张三丰因漏水争吵，电话13800000000"), referral, 1))
    events = await triage.rows(EVENTS, referral)
    decisions = {
        row["id"]: row for row in await triage.rows("SELECT * FROM triage.decision WHERE referral_id = $1", referral)
    }
    assert len(decisions) == 2
    judged, found = (decisions[UUID(event["body"]["decision_id"])] for event in events)
    assert (judged["kind"], judged["outcome"]) == ("classify", "neighbour")
    assert set(judged["versions"]) == {"categories", "grades", "blocks"}
    assert (found["kind"], found["outcome"], found["evidence"]["reason"]) == ("route", "assigned", "station_pairing")
    assert found["versions"]["directory"].startswith("hongkou:")
    everything = str(events) + str(decisions)
    assert "邻居" in everything
    assert "张三丰" not in everything
    assert "13800000000" not in everything


POSSIBLE = Place(confidence=0.5, candidates=(PlaceCandidate(area_code="310109009", confidence=0.5),))
WAITING: list[tuple[dict[str, Any], str]] = [
    ({"station_code": "999999-PCS1"}, "no_office_for_place"),
    ({"station_code": None}, "no_office_for_place"),
    ({"narrative": "丈夫家暴，把我打伤"}, "blocked:X_DV,X_PUBLIC_SECURITY"),
    ({"station_code": None, "place": POSSIBLE}, "weak_evidence"),
]


async def test_what_has_no_office_or_a_block_waits_under_review_with_the_reason(triage: Consumer) -> None:
    for changes, reason in WAITING:
        referral = new_id()
        await triage.apply(an_arrival(a_call(**changes), referral, 1))
        classified, clock_set = await triage.rows(EVENTS, referral)
        assert classified["type"].endswith("referral_classified.v1")
        assert [clock["clock"] for clock in clock_set["body"]["clocks"]] == ["dispatch"]
        (row,) = await triage.rows(REFERRAL, referral)
        assert (row["state"], row["review_reason"], row["office_code"], row["hop"]) == ("under_review", reason, None, 0)
        (found,) = await triage.rows(
            "SELECT * FROM triage.decision WHERE referral_id = $1 AND kind = 'route'", referral
        )
        assert found["outcome"] in ("review", "none")
        assert found["evidence"]["reason"] == reason


async def test_without_a_station_the_area_and_then_the_street_decides(triage: Consumer) -> None:
    by_area, by_street = new_id(), new_id()
    area = Place(area_code="310109016", street="曲阳路街道", confidence=1.0, candidates=())
    street = Place(street="广中路街道", road="广灵一路", confidence=0.7, candidates=())
    await triage.apply(
        an_arrival(a_call(station_code=None, place=area), by_area, 1),
        an_arrival(a_call(station_code=None, place=street), by_street, 1),
    )
    for referral, office in ((by_area, "310109016-SFS"), (by_street, "310109011-SFS")):
        (row,) = await triage.rows(REFERRAL, referral)
        assert row["office_code"] == office


async def test_a_redacted_call_is_routed_and_left_to_review(triage: Consumer) -> None:
    referral = new_id()
    await triage.apply(an_arrival(a_call(None, redacted=True), referral, 1))
    (row,) = await triage.rows(REFERRAL, referral)
    assert (row["state"], row["category"], row["needs_review"]) == ("dispatched", "other", True)


async def test_further_calls_are_counted_in_any_order_of_batches(triage: Consumer) -> None:
    for order in itertools.permutations(range(3)):
        referral = new_id()
        facts = [
            an_arrival(a_call(), referral, 1),
            an_arrival(linked(calls=2), referral, 2),
            an_arrival(linked(calls=3), referral, 3),
        ]
        for place in order:
            await triage.apply(facts[place])
        (row,) = await triage.rows(REFERRAL, referral)
        assert (row["state"], row["calls"], row["duplicates"]) == ("dispatched", 3, 2)
    assert await triage.rows("SELECT 1 FROM triage.parked") == []


async def test_a_second_opening_of_one_referral_is_parked_and_changes_nothing(triage: Consumer) -> None:
    referral = new_id()
    await triage.apply(an_arrival(a_call(), referral, 1), an_arrival(a_call(station_code=None), referral, 2))
    (row,) = await triage.rows(REFERRAL, referral)
    assert row["hop"] == 1
    (parked,) = await triage.rows("SELECT reason, detail FROM triage.parked")
    assert (parked["reason"], parked["detail"]) == ("failed", "AlreadyOpened")


async def test_the_ledger_counts_states_dispatches_and_who_is_responsible(triage: Consumer) -> None:
    await triage.apply(*(an_arrival(a_call(), new_id(), 1) for _ in range(20)))
    await triage.apply(*(an_arrival(a_call(station_code=None), new_id(), 1) for _ in range(5)))
    await triage.apply(an_arrival(a_call(source="elsewhere"), new_id(), 1))
    async with triage.database.connection() as connection:
        counts = await ledger_counts(connection)
    assert counts == {
        "by_state": {"dispatched": 21, "under_review": 5},
        "open_by_state": {"dispatched": 21, "under_review": 5},
        "closed_by_outcome": {},
        "dispatched": 21,
        "to_be_watched": 21,
        "open_by_responsible": {"310109-ZHZX": 25, "elsewhere": 1},
        "without_responsible": 0,
        "halted": 0,
    }


async def test_the_database_refuses_a_referral_that_nobody_is_responsible_for(triage: Consumer) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await triage.rows(
            """INSERT INTO triage.referral (referral_id, state, category, grade, needs_review, hop, responsible_code,
                opened_at, calls, duplicates, repeats)
               VALUES ($1, 'opened', 'other', 'blue', false, 0, '', now(), 1, 0, 0)""",
            new_id(),
        )


async def test_a_decision_is_read_over_http_by_those_whose_area_it_is(triage: Consumer) -> None:
    routed, unrouted = new_id(), new_id()
    await triage.apply(
        an_arrival(a_call(), routed, 1), an_arrival(a_call(station_code=None, source="elsewhere"), unrouted, 1)
    )
    (mine,) = await triage.rows(ROUTED, routed)
    (lost,) = await triage.rows(ROUTED, unrouted)
    app = make_api(triage.settings)
    async with app.router.lifespan_context(app), _client(app) as client:

        async def ask(decision_id: object, *roles: str, scope: str = "31/310109") -> httpx.Response:
            headers = triage.issuer.bearer(*roles, scope_path=scope)
            return await client.get(f"/v1/decisions/{decision_id}", headers=headers)

        answer = await ask(mine["id"], "dispatcher")
        assert answer.status_code == 200
        assert answer.json()["evidence"]["office"]["code"] == "310109010-SFS"
        assert (await ask(mine["id"], "office_clerk", scope="31/310109/310109010")).status_code == 200
        assert (await ask(mine["id"], "office_clerk", scope="31/310109/310109009")).status_code == 403
        assert (await ask(mine["id"], "mediator")).status_code == 403
        assert (await ask(lost["id"], "city_supervisor", scope="31")).status_code == 200
        assert (await ask(lost["id"], "dispatcher")).status_code == 403
        missing = await ask(new_id(), "ops")
        assert (missing.status_code, missing.json()["code"]) == (404, "decision_not_found")
        assert (await client.get(f"/v1/decisions/{mine['id']}")).status_code == 401
        ledger = await client.get("/v1/ops/ledger", headers=triage.issuer.bearer("ops"))
        assert ledger.json()["counts"]["by_state"] == {"dispatched": 1, "under_review": 1}


def _client(app: object) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://triage")  # type: ignore[arg-type]


async def test_a_fact_that_triage_does_not_act_on_reads_no_row_of_it(
    triage: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most of what comes by only moves a position: on the automatic road each referral's watch does."""
    read: list[UUID] = []
    load = TriageWork.load

    async def noting(work: TriageWork, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
        read.extend(referral_ids)
        await load(work, connection, referral_ids)

    monkeypatch.setattr(TriageWork, "load", noting)
    watched, called = new_id(), new_id()
    for referral in (watched, called):
        await triage.apply(an_arrival(a_call(), referral, 1))
    read.clear()
    await triage.apply(
        an_arrival(WatchOpened.example(), watched, 1),
        an_arrival(WatchOpened.example(), called, 1),
        an_arrival(linked(calls=2), called, 2),
    )
    assert read == [called]
    positions = await triage.rows("SELECT last FROM triage.stream_pos WHERE producer = 'followup'")
    assert [row["last"] for row in positions] == [1, 1]
    await triage.apply(an_arrival(linked(calls=3), watched, 3))  # waits for the call before it
    read.clear()
    await triage.apply(an_arrival(WatchOpened.example(), watched, 2))
    assert read == [watched]  # what is parked may be freed
