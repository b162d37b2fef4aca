"""What must not go to mediation: blocks of rules and of the police, what they halt, who lifts them."""

from __future__ import annotations

from typing import Any

import pytest

BLOCK = {"code": "X_DV", "reason": "officer_report"}
LIFT = {"reason": "checked_unfounded"}
POLICE, SCREENER = "police_officer", "screener"


async def facts_of(intake: Any, accepted: dict[str, Any]) -> list[str]:
    return [fact for fact, _ in await intake.events(accepted["referral_id"])]


async def counted(intake: Any) -> tuple[int, int]:
    """Referrals halted, and freed again, by the ledger."""
    counts = (await intake.client.get("/v1/ops/ledger", headers=intake.issuer.bearer("ops"))).json()["counts"]
    return counts["halted"], counts["freed"]


async def test_a_block_on_a_referred_call_halts_its_referral_and_the_lift_names_its_number(intake: Any) -> None:
    call, accepted = await intake.brought_to("referred")
    assert (await intake.done(call, "blocks", BLOCK, POLICE))["blocks"] == ["X_DV"]
    assert await counted(intake) == (1, 0)
    assert (await intake.done(call, "blocks/X_DV/lift", LIFT, POLICE))["blocks"] == []
    assert await counted(intake) == (0, 1)
    (_, _), (set_, block), (lifted, lift) = await intake.events(accepted["referral_id"])
    assert (set_, block["code"], block["set_by"], block["call_id"]) == (
        "block_set", "X_DV", "police", accepted["call_id"],
    )  # fmt: skip
    assert (lifted, lift["lifts"], lift["by"]) == ("block_lifted", [2], "police_officer")
    (shown,) = (await intake.get(call)).json()["blocks"]
    assert (shown["code"], shown["lifted_by"], shown["lift_reason"]) == ("X_DV", "police_officer", "checked_unfounded")


async def test_a_block_on_a_joined_call_halts_what_it_joined(intake: Any) -> None:
    first, opening = await intake.brought_to("referred")
    call, joining = await intake.posted(incident_address=first["incident_address"])
    await intake.screen_all()
    await intake.done(call, "blocks", BLOCK, POLICE)
    await intake.done(call, "blocks/X_DV/lift", LIFT, POLICE)
    assert await facts_of(intake, opening) == ["referral_opened", "call_linked", "block_set", "block_lifted"]
    assert (await intake.events(opening["referral_id"]))[3][1]["lifts"] == [3]
    assert await facts_of(intake, joining) == []


async def test_a_call_that_the_rules_keep_halts_the_open_referral_of_the_same_event(intake: Any) -> None:
    first, opening = await intake.brought_to("referred")
    call, kept = await intake.brought_to("retained_by_police", incident_address=first["incident_address"])
    facts = await intake.events(opening["referral_id"])
    assert [fact for fact, _ in facts] == ["referral_opened", "block_set"]
    assert (facts[1][1]["code"], facts[1][1]["set_by"], facts[1][1]["call_id"]) == (
        "X_SELF_HARM", "rule", kept["call_id"],
    )  # fmt: skip
    await intake.done(call, "blocks/X_SELF_HARM/lift", LIFT, POLICE)
    assert (await intake.events(opening["referral_id"]))[2][1]["lifts"] == [2]
    assert await facts_of(intake, kept) == []


async def test_a_suspicion_is_cleared_by_the_screener_who_refers(intake: Any) -> None:
    call, accepted = await intake.brought_to("awaiting_screener", injured_note="手有擦伤")
    view = (await intake.get(call)).json()
    assert "X_PUBLIC_SECURITY" in [reason["block"] for reason in view["screening"]["reasons"]]
    assert view["blocks"] == []
    await intake.done(call, "screen", {"decision": "refer", "reason": "no_danger"}, SCREENER)
    await intake.screen_all()
    assert await facts_of(intake, accepted) == ["referral_opened"]


async def test_a_suspicion_halts_what_is_handled_already_until_the_police_have_looked(intake: Any) -> None:
    first, opening = await intake.brought_to("referred")
    place = first["incident_address"]
    call, _ = await intake.brought_to("awaiting_screener", incident_address=place, injured_note="手有擦伤")
    assert await facts_of(intake, opening) == ["referral_opened", "block_set"]
    refer = {"decision": "refer", "reason": "no_danger"}
    assert (await intake.act(call, "screen", refer, SCREENER)).json()["code"] == "block_stands"
    assert (await intake.act(call, "blocks/X_PUBLIC_SECURITY/lift", LIFT, SCREENER)).status_code == 403
    await intake.done(call, "blocks/X_PUBLIC_SECURITY/lift", LIFT, POLICE)
    await intake.done(call, "screen", refer, SCREENER)
    await intake.screen_all()
    assert await facts_of(intake, opening) == ["referral_opened", "block_set", "block_lifted", "call_linked"]


async def test_several_blocks_of_one_call_are_stated_and_lifted_one_by_one(intake: Any) -> None:
    first, opening = await intake.brought_to("referred")
    place = first["incident_address"]
    call, _ = await intake.brought_to("retained_by_police", incident_address=place, content="丈夫在家动手打我")
    codes = [body["code"] for fact, body in await intake.events(opening["referral_id"]) if fact == "block_set"]
    assert sorted(codes) == ["X_DV", "X_PUBLIC_SECURITY", "X_SELF_HARM"]
    await intake.done(call, "blocks/X_DV/lift", LIFT, POLICE)
    assert await counted(intake) == (1, 0), "others still stand"
    lifted = (await intake.events(opening["referral_id"]))[-1][1]
    assert (lifted["code"], lifted["lifts"]) == ("X_DV", [2 + codes.index("X_DV")])
    assert (await intake.call_row((await intake.get(call)).json()["call_id"]))["state"] == "retained_by_police"


async def test_what_a_screener_keeps_halts_the_open_referral_too_even_without_a_listed_reason(intake: Any) -> None:
    first, opening = await intake.brought_to("referred")
    call, _ = await intake.brought_to("awaiting_screener", incident_address=first["incident_address"])
    await intake.done(call, "screen", {"decision": "retain", "reason": "danger"}, SCREENER)
    await intake.screen_all()
    facts = await intake.events(opening["referral_id"])
    assert (facts[1][0], facts[1][1]["code"]) == ("block_set", "X_RETAINED")
    assert (await intake.get(call)).json()["errand"] is None


async def test_a_police_block_on_a_waiting_call_halts_the_open_referral_of_the_same_event(intake: Any) -> None:
    first, opening = await intake.brought_to("referred")
    call, _ = await intake.brought_to("awaiting_screener", incident_address=first["incident_address"])
    assert await facts_of(intake, opening) == ["referral_opened"]
    await intake.done(call, "blocks", BLOCK, POLICE)
    await intake.screen_all()
    assert await facts_of(intake, opening) == ["referral_opened", "block_set"]
    refused = await intake.act(call, "screen", {"decision": "refer", "reason": "civil_dispute"}, SCREENER)
    assert (refused.status_code, refused.json()["concerns"]) == (409, ["X_DV"])


async def test_a_block_that_comes_before_the_screening_keeps_the_call_with_people(intake: Any) -> None:
    call, accepted = await intake.posted()
    await intake.done(call, "blocks", BLOCK, POLICE)
    await intake.screen_all()
    view = (await intake.get(call)).json()
    assert (view["state"], [block["code"] for block in view["blocks"]]) == ("awaiting_screener", ["X_DV"])
    assert await facts_of(intake, accepted) == []


async def test_a_block_set_after_the_clearance_keeps_the_call_from_being_referred(intake: Any) -> None:
    call, accepted = await intake.brought_to("awaiting_screener")
    await intake.done(call, "screen", {"decision": "refer", "reason": "civil_dispute"}, SCREENER)
    await intake.done(call, "blocks", BLOCK, POLICE)
    await intake.screen_all()
    assert (await intake.get(call)).json()["state"] == "awaiting_screener"
    assert await facts_of(intake, accepted) == []


# code: who may lift it (DOMAIN §1.8)
LIFTERS = {
    "X_CRIMINAL": {POLICE},
    "X_PUBLIC_SECURITY": {POLICE},
    "X_DV": {POLICE},
    "X_SELF_HARM": {POLICE},
    "X_RETAINED": {POLICE},
    "X_MINOR_HARM": {POLICE, SCREENER},
    "X_PSYCH_CRISIS": {POLICE, SCREENER},
    "X_COURT_OR_ORGAN": {POLICE, SCREENER},
    "X_ADMIN_DISPUTE": {POLICE, SCREENER},
    "X_EXCLUSIVE": {POLICE, SCREENER},
    "X_REFUSED": {POLICE, SCREENER},
    "X_MASS": {POLICE, SCREENER},
    "X_TRAFFIC_ACCIDENT": {POLICE, SCREENER},
}


async def test_who_lifts_which_block(intake: Any) -> None:
    call, _ = await intake.brought_to("awaiting_screener")
    for code, lifters in LIFTERS.items():
        for role in (SCREENER, POLICE):
            await intake.act(call, "blocks", {"code": code, "reason": "case_filed"}, POLICE)
            answer = await intake.act(call, f"blocks/{code}/lift", LIFT, role)
            assert answer.status_code == (200 if role in lifters else 403), (code, role)
    for role in ("dispatcher", "office_clerk", "mediator", "bureau_supervisor", "source_system", "ops", "auditor"):
        for what, body in (("blocks", BLOCK), ("blocks/X_MASS/lift", LIFT)):
            assert (await intake.act(call, what, body, role)).status_code == 403, (role, what)
    assert (await intake.act(call, "blocks", BLOCK, SCREENER)).status_code == 403


@pytest.mark.parametrize(
    ("what", "body", "status", "code"),
    [
        ("blocks", {"code": "X_NONE", "reason": "case_filed"}, 422, "not_offered"),
        ("blocks", {"code": "X_DV", "reason": "because"}, 422, "not_offered"),
        ("blocks/X_NONE/lift", LIFT, 422, "not_offered"),
        ("blocks/X_MASS/lift", LIFT, 409, "no_such_block"),
    ],
)
async def test_what_cannot_be_set_or_lifted_says_why(
    intake: Any, what: str, body: dict[str, str], status: int, code: str
) -> None:
    call, _ = await intake.brought_to("referred")
    answer = await intake.act(call, what, body, POLICE)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_the_same_block_stands_once(intake: Any) -> None:
    call, accepted = await intake.brought_to("referred")
    await intake.done(call, "blocks", BLOCK, POLICE)
    again = await intake.act(call, "blocks", BLOCK, POLICE)
    assert (again.status_code, again.json()["code"]) == (409, "block_stands_already")
    await intake.done(call, "blocks/X_DV/lift", LIFT, POLICE)
    await intake.done(call, "blocks", BLOCK, POLICE)
    await intake.done(call, "blocks/X_DV/lift", LIFT, POLICE)
    lifts = [body["lifts"] for fact, body in await intake.events(accepted["referral_id"]) if fact == "block_lifted"]
    assert lifts == [[2], [4]]


async def test_nothing_is_blocked_that_nobody_handles_any_more(intake: Any) -> None:
    call, _ = await intake.brought_to("awaiting_screener")
    await intake.done(call, "screen", {"decision": "invalid", "reason": "prank"}, SCREENER)
    answer = await intake.act(call, "blocks", BLOCK, POLICE)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_allowed_now")


async def test_a_block_halts_the_referral_of_a_withdrawn_call_since_that_goes_on(intake: Any) -> None:
    call, accepted = await intake.brought_to("referred")
    await intake.done(call, "withdraw", {}, "source_system")
    await intake.done(call, "blocks", BLOCK, POLICE)
    assert await facts_of(intake, accepted) == ["referral_opened", "call_withdrawn", "block_set"]


async def test_a_correction_that_tells_of_danger_halts_what_is_handled(intake: Any) -> None:
    call, accepted = await intake.brought_to("referred")
    joined, _ = await intake.posted(incident_address=call["incident_address"])
    await intake.screen_all()
    await intake.post(call | {"content": "对方拿着菜刀要砍人", "updated_at": "2026-03-02 10:00:00"})
    await intake.post(joined | {"content": "丈夫在家动手打我", "updated_at": "2026-03-02 10:00:00"})
    await intake.screen_all()
    facts = await intake.events(accepted["referral_id"])
    assert [fact for fact, _ in facts[2:4]] == ["call_corrected", "call_corrected"]
    codes = {(body["call_id"], body["code"]) for fact, body in facts if fact == "block_set"}
    joined_id = (await intake.get(joined)).json()["call_id"]
    assert {(accepted["call_id"], "X_SELF_HARM"), (joined_id, "X_DV")} <= codes
    view = (await intake.get(call)).json()
    assert (view["state"], view["errand"]) == ("referred", None)


async def test_what_people_have_looked_at_is_not_raised_again_by_the_next_correction(intake: Any) -> None:
    call, accepted = await intake.brought_to("referred")
    for minute, content in enumerate(["有家暴", "有家暴，门牌有误", "有家暴，还拿着菜刀砍人"]):
        await intake.post(call | {"content": content, "updated_at": f"2026-03-02 10:{minute:02d}:00"})
        await intake.screen_all()
        if minute == 0:
            await intake.done(call, "blocks/X_DV/lift", LIFT, POLICE)
    codes = [body["code"] for fact, body in await intake.events(accepted["referral_id"]) if fact == "block_set"]
    assert codes.count("X_DV") == 1
    assert "X_SELF_HARM" in codes


async def test_a_harmless_correction_halts_nothing(intake: Any) -> None:
    call, accepted = await intake.brought_to("referred")
    await intake.post(call | {"content": "水管漏水，要求调解", "updated_at": "2026-03-02 10:00:00"})
    await intake.screen_all()
    assert await facts_of(intake, accepted) == ["referral_opened", "call_corrected"]
    assert (await intake.get(call)).json()["errand"] is None


async def test_a_cause_has_one_effect_of_a_type(intake: Any) -> None:
    first, _ = await intake.brought_to("referred")
    place = first["incident_address"]
    await intake.brought_to("retained_by_police", incident_address=place, content="丈夫在家动手打我")
    await intake.brought_to("retained_by_police", incident_address=place, content="丈夫在家动手打我")
    twice = await intake.rows(
        "SELECT 1 FROM intake.event_log GROUP BY referral_id, type, causation_id HAVING count(*) > 1"
    )
    assert twice == []
