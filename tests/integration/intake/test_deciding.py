"""People decide on calls over HTTP, with real commits: what becomes of the call, and what others hear of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

REFER = {"decision": "refer", "reason": "civil_dispute"}
RETAIN = {"decision": "retain", "reason": "danger"}
INVALID = {"decision": "invalid", "reason": "prank"}
ELSEWHERE = {"decision": "to_other_body", "reason": "other_duty", "body_code": "12345"}


async def state_of(intake: Any, accepted: dict[str, Any]) -> str:
    return str((await intake.call_row(accepted["call_id"]))["state"])


async def test_what_a_screener_refers_is_opened_as_the_rules_would_have(intake: Any) -> None:
    call, accepted = await intake.brought_to("awaiting_screener")
    answer = await intake.act(call, "screen", REFER, "screener")
    assert (answer.status_code, answer.json()["state"], answer.json()["errand"]) == (202, "awaiting_screener", "refer")
    await intake.screen_all()
    view = (await intake.get(call)).json()
    assert (view["state"], view["errand"], view["decided"]["reason"]) == ("referred", None, "civil_dispute")
    ((fact, opened),) = await intake.events(accepted["referral_id"])
    assert (fact, opened["screening"]["outcome"]) == ("referral_opened", "referred")
    assert opened["tracking_code"] == accepted["tracking_code"]
    assert "王建国" not in str(opened)


@pytest.mark.parametrize(
    ("body", "state"), [(RETAIN, "retained_by_police"), (INVALID, "invalid"), (ELSEWHERE, "to_other_body")]
)
async def test_what_stays_with_people_publishes_nothing(intake: Any, body: dict[str, str], state: str) -> None:
    call, accepted = await intake.brought_to("awaiting_screener")
    assert (await intake.done(call, "screen", body, "screener"))["state"] == state
    await intake.screen_all()
    assert await state_of(intake, accepted) == state
    assert await intake.events(accepted["referral_id"]) == []


async def test_an_illegal_move_is_409_and_names_the_moves_that_are_allowed(intake: Any) -> None:
    call, _ = await intake.brought_to("referred")
    answer = await intake.act(call, "screen", INVALID, "screener")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_allowed_now")
    assert set(answer.json()["allowed"]) == {"recall", "return", "withdraw"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"reason": "because"}, "reason"),
        ({"decision": "to_other_body", "reason": "other_duty"}, "body_code"),
        ({"body_code": "12345"}, "body_code"),
        ({"decision": "link", "reason": "same_event"}, "link_to"),
        ({"link_to": "01997b3c-6a0f-7d52-8e1b-3c5a7d9e1f03"}, "link_to"),
    ],
)
async def test_what_is_not_offered_is_422_and_says_what_is(intake: Any, change: dict[str, str], field: str) -> None:
    call, _ = await intake.brought_to("awaiting_screener")
    answer = await intake.act(call, "screen", REFER | change, "screener")
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "not_offered", field)
    assert answer.json()["offered"]


async def test_what_the_police_keep_the_police_decide(intake: Any) -> None:
    call, accepted = await intake.brought_to("retained_by_police")
    refused = await intake.act(call, "screen", REFER, "screener")
    assert (refused.status_code, refused.json()["roles"]) == (403, ["police_officer"])
    blocked = await intake.act(call, "screen", REFER, "police_officer")
    assert (blocked.status_code, blocked.json()["code"]) == (409, "block_stands")
    assert blocked.json()["concerns"] == ["X_SELF_HARM"]
    assert blocked.json()["basis"]
    await intake.done(call, "blocks/X_SELF_HARM/lift", {"reason": "checked_unfounded"}, "police_officer")
    await intake.done(call, "screen", REFER, "police_officer")
    await intake.screen_all()
    assert await state_of(intake, accepted) == "referred"
    assert [fact for fact, _ in await intake.events(accepted["referral_id"])] == ["referral_opened"]


async def test_a_police_officer_does_not_screen_for_the_screeners(intake: Any) -> None:
    call, _ = await intake.brought_to("awaiting_screener")
    assert (await intake.act(call, "screen", REFER, "police_officer")).status_code == 403


async def test_of_two_screeners_on_the_same_version_one_decides(intake: Any) -> None:
    call, accepted = await intake.brought_to("awaiting_screener")
    etag = (await intake.get(call)).headers["ETag"]
    answers = await asyncio.gather(
        intake.act(call, "screen", RETAIN, "screener", match=etag),
        intake.act(call, "screen", INVALID, "screener", match=etag),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    won = next(answer for answer in answers if answer.status_code == 200)
    lost = next(answer for answer in answers if answer.status_code == 412)
    assert await state_of(intake, accepted) == won.json()["state"]
    assert lost.headers["ETag"] == won.headers["ETag"] != etag
    decided = await intake.rows("SELECT 1 FROM intake.audit WHERE action LIKE 'screen_%'")
    assert len(decided) == 1


async def test_the_worker_and_a_screener_at_once_end_in_one_state(intake: Any) -> None:
    calls = [await intake.posted() for _ in range(12)]
    commands = [intake.act(call, "screen", RETAIN, "screener") for call, _ in calls]
    *answers, _, _ = await asyncio.gather(*commands, intake.screen_all(), intake.screen_all())
    await intake.screen_all()
    for (_, accepted), answer in zip(calls, answers, strict=True):
        expected = "retained_by_police" if answer.status_code == 200 else "referred"
        assert (answer.status_code in (200, 409), await state_of(intake, accepted)) == (True, expected)
        facts = await intake.events(accepted["referral_id"])
        assert [fact for fact, _ in facts] == (["referral_opened"] if expected == "referred" else [])


async def test_a_cleared_call_joins_the_open_referral_of_the_same_event(intake: Any) -> None:
    first, opening = await intake.brought_to("referred")
    again, joining = await intake.brought_to(
        "awaiting_screener", incident_address=first["incident_address"], category="770077"
    )
    await intake.done(again, "screen", REFER, "screener")
    await intake.screen_all()
    row = await intake.call_row(joining["call_id"])
    assert (row["state"], str(row["linked_to"])) == ("linked", opening["referral_id"])
    assert [fact for fact, _ in await intake.events(opening["referral_id"])] == ["referral_opened", "call_linked"]
    assert await intake.events(joining["referral_id"]) == []


async def test_calls_that_were_held_for_another_alone_join_it_once_that_is_referred(intake: Any) -> None:
    first, opening = await intake.brought_to("awaiting_screener")
    place = first["incident_address"]
    held = [await intake.posted(incident_address=place) for _ in range(3)]
    odd, _ = await intake.posted(incident_address=place, injured_note="手有擦伤")
    await intake.screen_all()
    assert {await state_of(intake, accepted) for _, accepted in held} == {"awaiting_screener"}
    await intake.done(first, "screen", REFER, "screener")
    await intake.screen_all()
    assert {await state_of(intake, accepted) for _, accepted in held} == {"linked"}
    facts = [fact for fact, _ in await intake.events(opening["referral_id"])]
    assert facts == ["referral_opened", *["call_linked"] * 3]
    assert (await intake.get(odd)).json()["state"] == "awaiting_screener", "it had a reason of its own"
    late = await intake.rows("SELECT 1 FROM intake.timer WHERE clock = 'screen' AND state = 'running'")
    assert len(late) == 1


async def test_a_screener_joins_a_call_to_the_referral_that_he_names(intake: Any) -> None:
    _, opening = await intake.brought_to("referred")
    other, joining = await intake.brought_to("awaiting_screener")
    link = {"decision": "link", "reason": "same_dispute", "link_to": opening["referral_id"]}
    assert (await intake.act(other, "screen", link, "screener")).status_code == 202
    await intake.screen_all()
    assert await state_of(intake, joining) == "linked"
    linked = (await intake.events(opening["referral_id"]))[1]
    assert (linked[0], linked[1]["call_id"]) == ("call_linked", joining["call_id"])


async def test_only_an_open_referral_can_be_joined(intake: Any) -> None:
    _, waiting = await intake.brought_to("awaiting_screener")
    other, _ = await intake.brought_to("awaiting_screener")
    link = {"decision": "link", "reason": "same_dispute", "link_to": waiting["referral_id"]}
    answer = await intake.act(other, "screen", link, "screener")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_joinable")


async def test_a_join_whose_referral_goes_away_meanwhile_comes_back_to_the_screener(intake: Any) -> None:
    first, opening = await intake.brought_to("referred")
    other, joining = await intake.brought_to("awaiting_screener")
    link = {"decision": "link", "reason": "same_dispute", "link_to": opening["referral_id"]}
    await intake.done(other, "screen", link, "screener")
    await intake.done(first, "withdraw", {}, "source_system")
    await intake.screen_all()
    view = (await intake.get(other)).json()
    assert (view["state"], view["errand"]) == ("awaiting_screener", None)
    assert "link_refused" in [reason["rule"] for reason in view["screening"]["reasons"]]
    assert str((await intake.call_row(joining["call_id"]))["linked_to"]) == "None"


async def test_a_newer_version_undoes_a_clearance_that_was_given_to_the_older(intake: Any) -> None:
    call, accepted = await intake.brought_to("awaiting_screener")
    await intake.done(call, "screen", REFER, "screener")
    await intake.post(call | {"content": "对方拿着菜刀要砍人", "updated_at": "2026-03-02 10:00:00"})
    await intake.screen_all()
    view = (await intake.get(call)).json()
    assert (view["state"], view["errand"]) == ("awaiting_screener", None)
    assert "X_SELF_HARM" in [block["code"] for block in view["blocks"]]
    assert await intake.events(accepted["referral_id"]) == []


async def test_a_correction_spoils_an_open_form(intake: Any) -> None:
    call, _ = await intake.brought_to("awaiting_screener")
    etag = (await intake.get(call)).headers["ETag"]
    await intake.post(call | {"content": "更正后的内容", "updated_at": "2026-03-02 10:00:00"})
    assert (await intake.act(call, "screen", REFER, "screener", match=etag)).status_code == 412


async def test_withdrawing_a_referred_call_is_told_and_closes_nothing(intake: Any) -> None:
    call, accepted = await intake.brought_to("referred")
    await intake.done(call, "withdraw", {"note": "已自行解决"}, "source_system")
    assert await state_of(intake, accepted) == "withdrawn"
    facts = await intake.events(accepted["referral_id"])
    assert [fact for fact, _ in facts] == ["referral_opened", "call_withdrawn"]
    assert facts[1][1] == {"call_id": accepted["call_id"], "source": call["source"], "call_no": call["call_no"]}
    (kept,) = await intake.rows("SELECT kind, sealed FROM intake.text_note")
    assert (kept["kind"], "解决".encode() in kept["sealed"]) == ("withdraw_note", False)


async def test_withdrawing_a_joined_call_is_told_where_it_joined(intake: Any) -> None:
    first, opening = await intake.brought_to("referred")
    call, joining = await intake.posted(incident_address=first["incident_address"])
    await intake.screen_all()
    await intake.done(call, "withdraw", {}, "source_system")
    assert await state_of(intake, joining) == "withdrawn"
    facts = [fact for fact, _ in await intake.events(opening["referral_id"])]
    assert facts == ["referral_opened", "call_linked", "call_withdrawn"]
    assert await intake.events(joining["referral_id"]) == []


async def test_another_source_withdraws_nothing(intake: Any) -> None:
    call, _ = await intake.brought_to("referred")
    answer = await intake.act(call, "withdraw", {}, "source_system", source="feed")
    assert (answer.status_code, answer.json()["code"]) == (403, "other_source")


async def test_a_repeat_under_the_same_key_gets_the_same_answer_and_does_nothing(intake: Any) -> None:
    call, _ = await intake.brought_to("awaiting_screener")
    first = await intake.act(call, "screen", RETAIN, "screener", match='"1"', key="k-1")
    again = await intake.act(call, "screen", RETAIN, "screener", match='"1"', key="k-1")
    other = await intake.act(call, "screen", INVALID, "screener", match='"1"', key="k-1")
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_without_a_version_seen_a_command_is_refused(intake: Any) -> None:
    call, _ = await intake.brought_to("awaiting_screener")
    answer = await intake.act(call, "screen", RETAIN, "screener", match=None)
    assert (answer.status_code, answer.json()["code"]) == (428, "if_match_missing")


@pytest.mark.parametrize("scope", ["31/310109/310109011", "31/310110"])
async def test_another_area_decides_nothing(intake: Any, scope: str) -> None:
    call, _ = await intake.brought_to("awaiting_screener")
    answer = await intake.act(call, "screen", REFER, "screener", scope_path=scope)
    assert (answer.status_code, answer.json()["code"]) == (403, "out_of_scope")


async def test_a_call_that_is_not_there_is_404(intake: Any) -> None:
    answer = await intake.act({"source": "hongkou-110", "call_no": "none"}, "screen", REFER, "screener")
    assert (answer.status_code, answer.json()["code"]) == (404, "call_not_found")


async def test_a_number_with_a_slash_is_found_by_every_command(intake: Any) -> None:
    call, accepted = await intake.brought_to("awaiting_screener", call_no="2026/03/02-1")
    await intake.done(call, "screen", RETAIN, "screener")
    assert (await intake.get(call)).json()["state"] == "retained_by_police"
    assert await state_of(intake, accepted) == "retained_by_police"
