"""The people's road over HTTP on a real database: once each, on the version seen, in one's own area."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from chassis.ids import new_id
from integration.triage.people import DISTRICT, GUANGZHONG, QUYANG, Desk, a_dispatched_one, one_under_review
from referral_schemas.intake import BlockLifted, BlockSet
from support.consumers import Consumer, an_arrival, linked
from triage_svc.main import make_api

TYPES = "SELECT type, body, headers FROM triage.event_log WHERE referral_id = $1 ORDER BY seq"
PARTIES = [{"role": "applicant", "name": "甲方（虚构）"}, {"role": "respondent", "name": "乙方（虚构）"}]
CONTACT = {"channel": "phone", "parties": PARTIES, "note": "约周五面谈"}


@pytest.fixture
async def desk(triage: Consumer) -> AsyncIterator[Desk]:
    app = make_api(triage.settings)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://triage") as client,
    ):
        yield Desk(client, triage)


async def facts(desk: Desk, referral: UUID) -> list[str]:
    return [row["type"].split(".")[3] for row in await desk.triage.rows(TYPES, referral)]


async def test_the_whole_road_to_mediation_with_every_fact_caused_by_its_command(desk: Desk) -> None:
    referral = await one_under_review(desk.triage)
    await desk.done(referral, "dispatch", {"office_code": "310109010-SFS", "reason": "place_found"}, "dispatcher")
    await desk.done(referral, "sign", {})
    await desk.done(referral, "contact", CONTACT)
    await desk.done(referral, "hand-over", {})
    seen = await desk.seen(referral)
    assert (seen["state"], seen["version"], seen["committee_code"]) == ("handed_to_mediation", 5, "310109010-PMC")
    assert seen["responsible_code"] == "310109010-SFS"
    assert await facts(desk, referral) == [
        "referral_classified", "deadline_set", "deadline_met", "referral_dispatched", "referral_signed",
        "deadline_met", "party_contacted", "deadline_met", "handed_to_mediation",
    ]  # fmt: skip
    audited = await desk.triage.rows("SELECT action FROM triage.audit WHERE subject = $1 ORDER BY id", referral)
    assert [row["action"] for row in audited] == ["dispatch_referral", "sign_referral", "contact_parties", "hand_over"]


async def test_no_event_row_or_answer_holds_a_name_and_those_with_the_right_read_it_with_a_trace(desk: Desk) -> None:
    referral = await a_dispatched_one(desk.triage)
    await desk.done(referral, "sign", {})
    answer = await desk.post(referral, "contact", CONTACT)
    seen = await desk.seen(referral)
    rows = await desk.triage.rows(TYPES, referral)
    stored = await desk.triage.rows("SELECT r::text FROM triage.referral r WHERE referral_id = $1", referral)
    for text in (answer.text, str(seen), str(rows), str(stored)):
        assert "甲方" not in text
        assert "周五" not in text
    name = next(party["name_text_id"] for party in seen["parties"])
    note = next(note["text_id"] for note in seen["notes"] if note["kind"] == "contact_note")
    assert (await desk.get(f"/v1/texts/{name}", "office_clerk", scope=QUYANG)).json()["text"] == "甲方（虚构）"
    assert (await desk.get(f"/v1/texts/{note}", "dispatcher")).json()["text"] == "约周五面谈"
    assert (await desk.get(f"/v1/texts/{name}", "office_clerk", scope=GUANGZHONG)).status_code == 403
    assert (await desk.get(f"/v1/texts/{name}", "ops", scope="31")).status_code == 403
    reads = await desk.triage.rows("SELECT 1 FROM triage.audit WHERE action = 'read_text'")
    assert len(reads) == 2


async def test_under_one_key_a_command_is_done_once_and_answered_the_same(desk: Desk) -> None:
    referral = await a_dispatched_one(desk.triage)
    key = {"Idempotency_Key": "one-attempt", "If_Match": '"1"'}
    first = await desk.post(referral, "sign", {}, **key)
    again = await desk.post(referral, "sign", {}, **key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert (again.json(), again.headers["ETag"]) == (first.json(), first.headers["ETag"])
    assert (await facts(desk, referral)).count("referral_signed") == 1
    other = await desk.post(referral, "contact", CONTACT, **key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_a_command_on_a_version_that_is_gone_is_refused_with_the_present_one(desk: Desk) -> None:
    referral = await a_dispatched_one(desk.triage)
    assert (await desk.post(referral, "sign", {}, If_Match='"1"')).headers["ETag"] == '"2"'
    late = await desk.post(referral, "contact", CONTACT, If_Match='"1"')
    assert (late.status_code, late.json()["code"], late.headers["ETag"]) == (412, "changed_meanwhile", '"2"')
    assert (await desk.post(referral, "contact", CONTACT, If_Match=None)).status_code == 428


async def test_of_two_who_act_at_once_on_what_both_have_seen_one_is_told_to_look_again(desk: Desk) -> None:
    referral = await a_dispatched_one(desk.triage)
    signing = [desk.post(referral, "sign", {}, If_Match='"1"') for _ in range(4)]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*signing))
    assert statuses == [200, 412, 412, 412]
    assert (await facts(desk, referral)).count("referral_signed") == 1


async def test_a_command_and_a_batch_of_events_at_once_both_stand(desk: Desk) -> None:
    referral = await a_dispatched_one(desk.triage)
    answer, _ = await asyncio.gather(
        desk.post(referral, "sign", {}), desk.triage.apply(an_arrival(linked(calls=2), referral, 2))
    )
    assert answer.status_code == 200
    seen = await desk.seen(referral)
    assert (seen["state"], seen["counters"]["calls"]) == ("signed", 2)


async def test_a_background_event_does_not_make_a_page_out_of_date(desk: Desk) -> None:
    referral = await a_dispatched_one(desk.triage)
    block = BlockSet.example()
    await desk.triage.apply(an_arrival(block, referral, 2))
    assert (await desk.get(f"/v1/referrals/{referral}")).headers["ETag"] == '"1"'
    assert (await desk.post(referral, "sign", {}, If_Match='"1"')).status_code == 200


async def test_a_halted_referral_is_not_contacted_until_the_block_is_lifted(desk: Desk) -> None:
    referral = await a_dispatched_one(desk.triage)
    await desk.done(referral, "sign", {})
    await desk.triage.apply(an_arrival(BlockSet.example(), referral, 2))
    refused = await desk.post(referral, "contact", CONTACT)
    assert (refused.status_code, refused.json()["code"]) == (409, "halted")
    assert refused.json()["concerns"] == [BlockSet.example().code]
    assert (await desk.seen(referral))["halted"] == [BlockSet.example().code]
    clocks = (await desk.get(f"/v1/referrals/{referral}/clocks")).json()["clocks"]
    assert {clock["clock"]: clock["state"] for clock in clocks}["first_contact"] == "paused"
    lift = BlockLifted.example().model_copy(update={"lifts": (2,)})
    await desk.triage.apply(an_arrival(lift, referral, 3))
    assert await desk.triage.rows("SELECT 1 FROM triage.halt") == []
    assert (await desk.post(referral, "contact", CONTACT)).status_code == 200


async def test_a_refusal_says_what_is_allowed_and_changes_nothing(desk: Desk) -> None:
    referral = await a_dispatched_one(desk.triage)
    refused = await desk.post(referral, "contact", CONTACT)
    assert (refused.status_code, refused.json()["code"]) == (409, "transition_refused")
    assert set(refused.json()["allowed"]) == {"sign", "request_return", "dispatch", "confirm_recall"}
    assert (await desk.seen(referral))["version"] == 1
    assert await desk.triage.rows("SELECT 1 FROM triage.text_note") == []
    assert await desk.triage.rows("SELECT 1 FROM triage.audit") == []


async def test_a_return_is_asked_for_a_listed_reason_and_granted_to_another_office(desk: Desk) -> None:
    referral = await a_dispatched_one(desk.triage)
    body = {"reason": "too_hard", "addressee": "district", "note": "太难"}
    refused = await desk.post(referral, "request-return", body)
    assert (refused.status_code, refused.json()["code"]) == (422, "not_a_reason_to_return")
    assert (refused.json()["field"], refused.json()["value"]) == ("reason", "too_hard")
    await desk.done(referral, "request-return", body | {"reason": "wrong_area"})
    decision = {"decision": "redispatch", "office_code": "310109011-SFS", "reason": "place_checked"}
    await desk.done(referral, "return-decision", decision, "dispatcher")
    seen = await desk.seen(referral)
    assert (seen["state"], seen["hop"], seen["office_code"], seen["returns"]) == (
        "dispatched", 2, "310109011-SFS", 1,
    )  # fmt: skip
    assert seen["scope_path"] == GUANGZHONG
    assert (await desk.post(referral, "sign", {}, scope=QUYANG)).status_code == 403


async def test_lowering_a_grade_takes_a_supervisor_who_is_named(desk: Desk) -> None:
    referral = await a_dispatched_one(desk.triage)
    lower = {"grade": "blue", "reason": "calm"}
    refused = await desk.post(referral, "grade", lower, "dispatcher")
    assert (refused.status_code, refused.json()["code"]) == (403, "approver_needed")
    await desk.done(referral, "grade", lower, "bureau_supervisor")
    (event,) = [row for row in await desk.triage.rows(TYPES, referral) if "grade_changed" in row["type"]]
    assert (event["body"]["grade"], event["body"]["approved_by"]) == ("blue", "somebody")


SENT: list[tuple[str, dict[str, Any]]] = [
    ("dispatch", {"office_code": "310109011-SFS", "reason": "place_found"}),
    ("sign", {}),
    ("contact", CONTACT),
    ("request-return", {"reason": "wrong_area", "addressee": "district", "note": "不在本辖区"}),
    ("return-decision", {"decision": "refuse", "reason": "yours"}),
    ("hand-over", {}),
    ("no-consent", {"remedies_informed_at": "2026-01-01T00:00:00Z"}),
    ("self-resolved", {}),
    ("send-back", {"reason": "excluded_matter"}),
    ("send-to-other-body", {"body_code": "12345", "reason": "administrative"}),
    ("grade", {"grade": "red", "reason": "weapon_seen"}),
]
DISTRICT_ONES = {"dispatch", "return-decision", "send-back", "send-to-other-body", "grade"}


@pytest.mark.parametrize(("command", "body"), SENT)
async def test_each_command_is_for_its_role_in_its_own_area_on_what_exists(
    desk: Desk, command: str, body: dict[str, Any]
) -> None:
    referral = await a_dispatched_one(desk.triage)
    role = "dispatcher" if command in DISTRICT_ONES else "office_clerk"
    other = "office_clerk" if command in DISTRICT_ONES else "dispatcher"
    assert (await desk.post(referral, command, body, other)).json()["code"] == "role_required"
    outside = await desk.post(referral, command, body, role, scope=GUANGZHONG)
    assert (outside.status_code, outside.json()["code"]) == (403, "out_of_scope")
    missing = await desk.post(new_id(), command, body, role)
    assert (missing.status_code, missing.json()["code"]) == (404, "referral_not_opened")
    unknown = await desk.post(referral, command, body | {"colour": "red"}, role)
    assert unknown.status_code == 422
    inside = await desk.post(referral, command, body, role, scope=DISTRICT if role == "dispatcher" else QUYANG)
    assert inside.status_code in (200, 409)
