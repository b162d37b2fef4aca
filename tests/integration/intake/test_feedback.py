"""Feedback with real commits: a milestone is told once, delivered when the broker has it, acknowledged or waived."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from chassis.delivery import Statements, Units
from intake_svc.domain.feedback import Confirms
from intake_svc.events import CONTRACTS
from intake_svc.main import make_ticker, work_maker
from intake_svc.rules.loading import load_rules
from intake_svc.store.tables import SCHEMA
from referral_schemas import followup, mediation, triage
from support.holidays import a_long_holiday
from support.intake_others import Others, made

SIGNED = triage.ReferralSigned.example()
ENDED = triage.ReferralEnded.example()
BACK = ENDED.model_copy(update={"end": triage.End.BACK_TO_POLICE, "hop": 1})
POLICE = "police_officer"


@pytest.fixture
def silent(intake: Any) -> Others:
    """Its source does not acknowledge."""
    return made(intake, Confirms.NONE)


@pytest.fixture
def answering(intake: Any) -> Others:
    """Its source acknowledges by a call."""
    return made(intake, Confirms.CALL)


async def test_every_milestone_is_told_to_the_source_and_shown(intake: Any, silent: Others) -> None:
    call, accepted = await intake.brought_to("referred")
    await silent.state(
        accepted["referral_id"], SIGNED, mediation.CaseAccepted.example(), mediation.AgreementEffective.example(),
        followup.ReferralClosed.example(),
    )  # fmt: skip
    notices = await intake.rows("SELECT topic, key, type, version, headers, body FROM intake.notice ORDER BY version")
    assert {(row["topic"], row["key"]) for row in notices} == {
        ("police.feedback.v1", f"{call['source']}/{call['call_no']}")
    }
    bodies = [orjson.loads(row["body"]) for row in notices]
    assert [body["milestone"] for body in bodies] == ["signed", "accepted", "result", "closed"]
    assert [body["version"] for body in bodies] == [1, 2, 3, 4]
    assert bodies[0]["tracking_code"] == accepted["tracking_code"]
    assert "after" not in str(notices[0]["headers"])
    assert [one["state"] for one in await silent.told(call)] == ["pending"] * 4
    shown = [one["milestone"] for one in (await intake.get(call)).json()["milestones"]]
    assert shown == ["received", "screened", "opened", "signed", "accepted", "result", "closed"]


async def test_a_milestone_that_comes_again_is_told_once(intake: Any, silent: Others) -> None:
    call, accepted = await intake.brought_to("referred")
    arrivals = await silent.state(accepted["referral_id"], SIGNED)
    await asyncio.gather(*(silent.applier.apply(arrivals) for _ in range(3)))
    await silent.take_all()
    await asyncio.gather(*(silent.deliver() for _ in range(3)))
    assert len(await silent.told(call)) == 1
    assert len(await intake.rows("SELECT 1 FROM intake.notice")) == 1
    assert (await silent.facts(accepted)).count("feedback_delivered") == 1


async def test_it_is_delivered_when_the_broker_has_it_and_not_before(intake: Any, silent: Others) -> None:
    call, accepted = await intake.brought_to("referred")
    (arrival,) = await silent.state(accepted["referral_id"], SIGNED)
    assert await silent.deliver() == 0
    await silent.take_all()
    (told,) = await silent.told(call)
    assert (told["state"], told["is_settled"]) == ("delivered", True)
    facts = await intake.events(accepted["referral_id"])
    assert [fact for fact, _ in facts[1:]] == ["deadline_set", "feedback_delivered", "deadline_met"]
    assert facts[2][1]["fact_id"] == str(arrival.envelope.event_id)
    assert facts[2][1]["awaits_acknowledgement"] is False


async def test_a_source_that_acknowledges_is_waited_for_until_it_has(intake: Any, answering: Others) -> None:
    call, accepted = await intake.brought_to("referred")
    await answering.state(accepted["referral_id"], SIGNED)
    early = await intake.act(call, "feedback/signed/acknowledge", {}, "source_system", match=None)
    assert (early.status_code, early.json()["code"]) == (409, "nothing_to_acknowledge")
    await answering.take_all()
    assert "deadline_met" not in await answering.facts(accepted)
    for _ in range(2):
        answer = await intake.act(call, "feedback/signed/acknowledge", {}, "source_system", match=None)
        assert answer.status_code == 200
    (told,) = await answering.told(call)
    assert (told["state"], told["is_settled"]) == ("acknowledged", True)
    expected = ["referral_opened", "deadline_set", "feedback_delivered", "feedback_acknowledged", "deadline_met"]
    assert await answering.facts(accepted) == expected


async def test_two_tellings_of_one_milestone_are_acknowledged_together_or_one_by_one(
    intake: Any, answering: Others
) -> None:
    call, accepted = await intake.brought_to("referred")
    await answering.state(accepted["referral_id"], SIGNED, SIGNED.model_copy(update={"hop": 2}), SIGNED)
    await answering.take_all()
    first = (await answering.told(call))[0]
    await intake.done(call, "feedback/signed/acknowledge", {"fact_id": first["fact_id"]}, "source_system")
    assert [one["state"] for one in await answering.told(call)] == ["acknowledged", "delivered", "delivered"]
    await intake.done(call, "feedback/signed/acknowledge", {}, "source_system")
    assert {one["state"] for one in await answering.told(call)} == {"acknowledged"}
    assert (await answering.facts(accepted)).count("feedback_acknowledged") == 3


async def test_another_source_acknowledges_nothing(intake: Any, answering: Others) -> None:
    call, accepted = await intake.brought_to("referred")
    await answering.state(accepted["referral_id"], SIGNED)
    await answering.take_all()
    answer = await intake.act(call, "feedback/signed/acknowledge", {}, "source_system", source="feed")
    assert (answer.status_code, answer.json()["code"]) == (403, "other_source")


async def test_a_silent_source_is_seen_overdue_and_waived_by_name(intake: Any, answering: Others) -> None:
    call, accepted = await intake.brought_to("referred")
    await answering.state(accepted["referral_id"], SIGNED)
    await answering.take_all()
    await intake.admin.execute("UPDATE intake.timer SET due_at = now() - interval '1 minute'")
    await answering.ticker.tick()
    await answering.ticker.tick()
    facts = await intake.events(accepted["referral_id"])
    assert [fact for fact, _ in facts].count("deadline_breached") == 1
    assert facts[-1][1]["clock"] == "feedback"
    overdue = await intake.client.get("/v1/calls?overdue=true", headers=intake.issuer.bearer("bureau_supervisor"))
    assert [item["call_id"] for item in overdue.json()["items"]] == [accepted["call_id"]]
    for role in ("screener", "police_officer", "source_system"):
        assert (await intake.act(call, "feedback/signed/waive", {"reason": "source_silent"}, role)).status_code == 403
    waiving = {"reason": "source_silent", "note": "指挥中心电话已告知"}
    await intake.done(call, "feedback/signed/waive", waiving, "bureau_supervisor", sub="b-7")
    (told,) = await answering.told(call)
    assert (told["state"], told["waived_by"], told["reason"]) == ("waived", "b-7", "source_silent")
    assert told["note_id"]
    fact, waived = (await intake.events(accepted["referral_id"]))[-1]
    assert (fact, waived["by"], waived["reason"]) == ("feedback_waived", "b-7", "source_silent")
    again = await intake.act(call, "feedback/signed/waive", waiving, "bureau_supervisor")
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_waive")


async def test_what_the_broker_refuses_failed_until_it_goes_out(intake: Any, silent: Others) -> None:
    call, accepted = await intake.brought_to("referred")
    await silent.state(accepted["referral_id"], SIGNED)
    await intake.admin.execute(
        """WITH gone AS (DELETE FROM intake.outbox WHERE topic = 'police.feedback.v1' RETURNING *)
           INSERT INTO intake.unsendable (n, lane, topic, key, event_id, reason)
           SELECT n, lane, topic, key, event_id, 'too large' FROM gone"""
    )
    await silent.deliver()
    assert await silent.deliver() == 0
    assert [one["state"] for one in await silent.told(call)] == ["failed"]
    assert (await silent.facts(accepted))[-1] == "feedback_failed"
    await intake.admin.execute("DELETE FROM intake.unsendable")
    await silent.deliver()
    assert [one["state"] for one in await silent.told(call)] == ["delivered"]


async def test_what_comes_back_is_decided_by_the_police_and_goes_out_again(intake: Any, silent: Others) -> None:
    call, accepted = await intake.brought_to("referred")
    await silent.state(accepted["referral_id"], SIGNED, BACK)
    view = (await intake.get(call)).json()
    assert view["state"] == "returned"
    clocks = await intake.client.get(
        f"/v1/calls/{call['source']}/{call['call_no']}/clocks", headers=intake.issuer.bearer(POLICE)
    )
    assert "return_answer" in [one["clock"] for one in clocks.json()["clocks"]]
    await intake.done(call, "return-decision", {"decision": "refer_again"}, POLICE)
    assert (await intake.get(call)).json()["state"] == "referred"
    facts = await intake.events(accepted["referral_id"])
    assert [fact for fact, _ in facts[-3:]] == ["return_decided", "referred_again", "deadline_met"]
    assert (facts[-3][1]["decision"], facts[-2][1]["hop"]) == ("refer_again", 2)
    await silent.state(accepted["referral_id"], BACK.model_copy(update={"hop": 2}))
    assert (await intake.get(call)).json()["state"] == "returned"
    await intake.done(call, "return-decision", {"decision": "refer_again"}, POLICE)
    assert (await intake.events(accepted["referral_id"]))[-2][1]["hop"] == 3


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ({"decision": "retain"}, "retained_by_police"),
        ({"decision": "to_other_body", "body_code": "12345"}, "to_other_body"),
    ],
)
async def test_what_comes_back_may_end_with_the_police_or_another_body(
    intake: Any, silent: Others, body: dict[str, str], state: str
) -> None:
    call, accepted = await intake.brought_to("referred")
    await silent.state(accepted["referral_id"], BACK)
    await intake.done(call, "return-decision", body, POLICE)
    assert (await intake.get(call)).json()["state"] == state
    assert "referred_again" not in await silent.facts(accepted)


async def test_a_return_is_decided_by_the_police_alone_and_only_when_it_came(intake: Any, silent: Others) -> None:
    call, accepted = await intake.brought_to("referred")
    early = await intake.act(call, "return-decision", {"decision": "retain"}, POLICE)
    assert (early.status_code, early.json()["code"]) == (409, "not_allowed_now")
    await silent.state(accepted["referral_id"], BACK)
    assert (await intake.act(call, "return-decision", {"decision": "retain"}, "screener")).status_code == 403
    screened = await intake.act(call, "screen", {"decision": "retain", "reason": "danger"}, "screener")
    assert screened.status_code == 409


async def test_a_referral_goes_out_again_only_when_no_block_stands(intake: Any, silent: Others) -> None:
    call, accepted = await intake.brought_to("referred")
    await silent.state(accepted["referral_id"], BACK)
    await intake.done(call, "blocks", {"code": "X_CRIMINAL", "reason": "case_filed"}, POLICE)
    refused = await intake.act(call, "return-decision", {"decision": "refer_again"}, POLICE)
    assert (refused.status_code, refused.json()["code"]) == (409, "block_stands")


async def test_a_call_that_waits_too_long_for_a_screener_is_seen_and_publishes_nothing(
    intake: Any, silent: Others
) -> None:
    call, accepted = await intake.brought_to("awaiting_screener")
    headers = intake.issuer.bearer("screener")
    due = (await intake.client.get("/v1/calls?overdue=true", headers=headers)).json()["items"]
    assert due == []
    await intake.admin.execute("UPDATE intake.timer SET due_at = now() - interval '1 minute'")
    await silent.ticker.tick()
    (item,) = (await intake.client.get("/v1/calls?overdue=true", headers=headers)).json()["items"]
    assert (item["call_id"], item["overdue"]) == (accepted["call_id"], True)
    assert await silent.facts(accepted) == []
    await intake.done(call, "screen", {"decision": "invalid", "reason": "prank"}, "screener")
    assert (await intake.client.get("/v1/calls?overdue=true", headers=headers)).json()["items"] == []


async def test_an_event_about_a_referral_that_never_opened_does_no_harm(intake: Any, silent: Others) -> None:
    _, accepted = await intake.brought_to("awaiting_screener")
    await silent.state(accepted["referral_id"], SIGNED)
    assert await intake.rows("SELECT 1 FROM intake.parked WHERE reason = 'failed'") == []
    assert await silent.facts(accepted) == []


async def test_another_calendar_says_anew_by_when_a_milestone_is_owed(intake: Any, answering: Others) -> None:
    """What waits for a screener has a clock of its service's own: it moves, and nobody else hears of it."""
    call, accepted = await intake.brought_to("referred")
    held, waiting = await intake.brought_to("retained_by_police")
    signed = SIGNED.model_copy(update={"signed_at": datetime.now(UTC)})
    await answering.state(accepted["referral_id"], signed, BACK)
    before = await shown(intake, call), await shown(intake, held)
    units = Units(
        intake.units.database, Statements(SCHEMA, CONTRACTS.topic), work_maker(load_rules(), a_long_holiday()),
        lambda: None,
    )  # fmt: skip
    for _ in range(2):
        await make_ticker(units).recount()
    after = await shown(intake, call), await shown(intake, held)
    (said,) = [body for fact, body in await intake.events(accepted["referral_id"]) if fact == "deadline_set"][2:]
    assert {(one["clock"], one["key"] or ""): one["due_at"] for one in said["clocks"]} == after[0]
    assert {clock for clock, _ in after[0]} == {"feedback", "return_answer"}
    for earlier, later in zip(before, after, strict=True):
        assert all(later[name] > due for name, due in earlier.items())
    assert set(after[1]) == {("retained", "")}
    assert await answering.facts(waiting) == []


async def shown(intake: Any, call: dict[str, Any]) -> dict[tuple[str, str], str]:
    path = f"/v1/calls/{call['source']}/{call['call_no']}/clocks"
    answer = await intake.client.get(path, headers=intake.issuer.bearer(POLICE))
    return {(one["clock"], one["key"] or ""): one["due_at"] for one in answer.json()["clocks"] if one["fires_at"]}
