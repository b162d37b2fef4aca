"""Deadlines, escalation, supervision: followup alone turns a breach into a reminder, and then goes up a level."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from chassis.ids import new_id
from referral_schemas import mediation, triage
from referral_schemas.triage import ClockMet, ClockSet
from support.consumers import AT, dispatched, opened
from support.watching import Desk, a_visit, blocked, effective, lifted

BUREAU = "bureau_supervisor"


def breached(clock: str = "sign_for", *, due: timedelta = timedelta()) -> triage.DeadlineBreached:
    return triage.DeadlineBreached(clock=clock, due_at=AT + due, rule="clocks-1", calendar="none")


def met(clock: str = "sign_for") -> triage.DeadlineMet:
    return triage.DeadlineMet(clocks=(ClockMet(clock=clock, met_at=AT),))


async def test_a_breach_is_a_reminder_at_once_and_goes_up_level_by_level_to_the_top(desk: Desk) -> None:
    referral = await desk.dispatched()
    await desk.state(referral, breached())
    (reminder,) = (await desk.watch(referral))["reminders"]
    assert (reminder["service"], reminder["clock"], reminder["is_met"], reminder["level"]) == (
        "triage", "sign_for", False, 0,
    )  # fmt: skip
    overdue = (await desk.get("/v1/watches?overdue=true&limit=200")).json()["items"]
    assert str(referral) in {line["referral_id"] for line in overdue}
    for level in (1, 2, 3, 4, 4):
        await desk.fire(referral)
        assert (await desk.watch(referral))["escalation"] == level
    escalated = await _events(desk, referral, "referral_escalated")
    assert [(one["level"], one["clock"]) for one in escalated] == [(level, "sign_for") for level in (1, 2, 3, 4)]


async def test_what_is_met_in_time_is_not_escalated(desk: Desk) -> None:
    referral = await desk.dispatched()
    await desk.state(referral, breached(), met())
    await desk.fire(referral)
    assert await _events(desk, referral, "referral_escalated") == []
    assert [one["is_met"] for one in (await desk.watch(referral))["reminders"]] == [True]


async def test_one_working_day_passes_between_reminder_and_escalation(desk: Desk) -> None:
    referral = await desk.dispatched()
    await desk.state(referral, breached())
    (clock,) = (await desk.get(f"/v1/watches/{referral}/clocks")).json()["clocks"]
    assert (clock["clock"], clock["span"]) == ("escalation", "1wd")


async def test_a_limit_that_begins_anew_ends_what_its_last_breach_began(desk: Desk) -> None:
    referral = await desk.dispatched()
    clock = ClockSet(clock="sign_for", due_at=AT, rule="clocks-1", calendar="none")
    again = dispatched("310109009-SFS", hop=2).model_copy(update={"clocks": (clock,)})
    await desk.state(referral, breached(), again)
    await desk.fire(referral)
    assert await _events(desk, referral, "referral_escalated") == []


async def test_breaches_of_two_services_press_each_for_itself(desk: Desk) -> None:
    referral = await desk.dispatched()
    case = mediation.DeadlineBreached(clock="sign_for", key="a", due_at=AT, rule="r", calendar="none")
    await desk.state(referral, breached(), case, met())
    await desk.fire(referral)
    assert len(await _events(desk, referral, "referral_escalated")) == 1


async def test_a_breach_before_the_first_dispatch_is_not_lost(desk: Desk) -> None:
    referral = new_id()
    await desk.state(referral, opened(), breached("dispatch"))
    await desk.fire(referral)
    assert [one["clock"] for one in await _events(desk, referral, "referral_escalated")] == ["dispatch"]
    await desk.state(referral, dispatched())
    assert [one["level"] for one in (await desk.watch(referral))["reminders"]] == [1]


async def test_a_visit_nobody_makes_is_followups_own_breach(desk: Desk) -> None:
    referral = await desk.dispatched("blue")
    await desk.state(referral, effective())
    await desk.fire(referral)
    await desk.fire(referral)
    (event,) = await _events(desk, referral, "deadline_breached")
    (reminder,) = (await desk.watch(referral))["reminders"]
    assert (event["clock"], reminder["service"], reminder["clock"]) == ("visit", "followup", "visit")
    (visit,) = (await desk.watch(referral))["visits"]
    await desk.post(f"/v1/visits/{visit['visit_id']}/record", a_visit())
    await desk.fire(referral)
    assert await _events(desk, referral, "referral_escalated") == []


async def test_what_is_ready_and_nobody_closes_becomes_a_reminder_until_it_is_closed(desk: Desk) -> None:
    referral = await desk.ready()
    clocks = {one["clock"]: one for one in (await desk.get(f"/v1/watches/{referral}/clocks")).json()["clocks"]}
    assert (clocks["closing"]["state"], clocks["closing"]["span"]) == ("running", "3wd")
    await desk.fire(referral)
    assert [(one["clock"], one["is_met"]) for one in (await desk.watch(referral))["reminders"]] == [("closing", False)]
    assert (await desk.close(referral)).status_code == 200
    assert [one["is_met"] for one in (await desk.watch(referral))["reminders"]] == [True]


async def test_while_halted_nothing_goes_up(desk: Desk) -> None:
    referral = await desk.dispatched()
    await desk.state(referral, breached(), blocked())
    await desk.fire(referral)
    assert await _events(desk, referral, "referral_escalated") == []
    await desk.state(referral, lifted(2))
    await desk.fire(referral)
    assert len(await _events(desk, referral, "referral_escalated")) == 1


async def test_a_person_escalates_for_a_listed_reason_up_to_the_top(desk: Desk) -> None:
    referral = await desk.dispatched()
    path = f"/v1/watches/{referral}/escalate"
    assert (await desk.post(path, {"reason": "too_hard"})).json()["code"] == "reason_not_listed"
    for level in (1, 2, 3, 4):
        assert (await desk.post(path, {"reason": "mass"})).json()["escalation"] == level
    assert (await desk.post(path, {"reason": "mass"})).json()["code"] == "top_level_reached"


async def test_a_supervision_order_is_answered_or_becomes_a_reminder(desk: Desk) -> None:
    referral = await desk.dispatched()
    path = f"/v1/watches/{referral}"
    body = {"addressee": "310109010-SFS", "due": "2099-01-07T09:00:00Z", "reason": "overdue"}
    assert (await desk.post(f"{path}/supervise", body)).status_code == 403
    past = body | {"due": "2020-01-01T00:00:00Z"}
    assert (await desk.post(f"{path}/supervise", past, BUREAU)).json()["code"] == "due_in_past"
    order = (await desk.post(f"{path}/supervise", body, BUREAU)).json()
    assert order["due_at"] == "2099-01-07T09:00:00Z"
    await desk.fire(referral, ahead=timedelta(days=40000))
    assert [one["clock"] for one in (await desk.watch(referral))["reminders"]] == ["supervision"]
    answer = f"{path}/supervision/{order['order_id']}/answer"
    assert (await desk.post(answer, {"note": "已整改。"}, "office_clerk")).json()["answered_at"]
    assert (await desk.post(answer, {"note": "再答。"}, "office_clerk")).json()["code"] == "already_answered"
    assert [one["is_met"] for one in (await desk.watch(referral))["reminders"]] == [True]
    facts = [len(await _events(desk, referral, f"supervision_{word}")) for word in ("ordered", "answered")]
    assert facts == [1, 1]


async def _events(desk: Desk, referral: UUID, fact: str) -> list[dict[str, Any]]:
    rows = await desk.consumer.rows(
        "SELECT body FROM followup.event_log WHERE referral_id = $1 AND type = $2 ORDER BY seq",
        referral, f"cn.liandong.followup.{fact}.v1",
    )  # fmt: skip
    return [row["body"] for row in rows]
