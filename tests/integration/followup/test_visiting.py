"""Return visits over HTTP: due, made, missed, made by a neighbourhood worker, waived; each by those who may."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from chassis.ids import new_id
from referral_schemas.mediation import CaseReopened
from support.holidays import a_long_holiday
from support.watching import Desk, a_visit, blocked, effective, graded, lifted, ticker_by

OTHER_OFFICE = "31/310109/310109009"


async def due_visits(desk: Desk, grade: str = "blue") -> tuple[UUID, list[dict[str, Any]]]:
    referral = await desk.dispatched(grade)
    await desk.state(referral, effective())
    await desk.fire(referral)
    return referral, (await desk.watch(referral))["visits"]


async def visit_state(desk: Desk, referral: UUID, number: int = 1) -> dict[str, Any]:
    found = {visit["number"]: visit for visit in (await desk.watch(referral))["visits"]}
    return dict(found[number])


async def test_an_agreement_in_effect_plans_the_visits_and_says_so_once(desk: Desk) -> None:
    referral = await desk.dispatched("orange")
    await desk.state(referral, effective())
    seen = await desk.watch(referral)
    assert (seen["state"], seen["outcome"], len(seen["visits"])) == ("anchored", "agreed", 4)
    assert {visit["state"] for visit in seen["visits"]} == {"planned"}
    plans = await _events(desk, referral, "plan_changed")
    assert [(plan["reason"], len(plan["visits"])) for plan in plans] == [("agreement_effective", 4)]
    clocks = (await desk.get(f"/v1/watches/{referral}/clocks")).json()["clocks"]
    assert [clock["clock"] for clock in clocks] == ["visit_due"] * 4
    assert all(clock["rule"] == seen["plan_version"] and clock["fires_at"] for clock in clocks)


async def test_a_visit_falls_due_by_the_clock_and_not_before(desk: Desk) -> None:
    referral = await desk.dispatched("blue")
    await desk.state(referral, effective())
    (visit,) = (await desk.watch(referral))["visits"]
    early = await desk.post(f"/v1/visits/{visit['visit_id']}/record", a_visit())
    assert (early.status_code, early.json()["allowed"]) == (409, ["cancel", "fall_due", "waive"])
    await desk.fire(referral)
    assert (await visit_state(desk, referral))["state"] == "due"
    (limit,) = await _events(desk, referral, "deadline_set")
    assert limit["clocks"][0]["clock"] == "visit"
    due = (await desk.get("/v1/visits?state=due&office_code=310109010-SFS&limit=200")).json()["items"]
    assert visit["visit_id"] in {one["visit_id"] for one in due}


async def test_another_calendar_moves_the_visits_that_are_planned_and_says_so_once(desk: Desk) -> None:
    referral = await desk.dispatched("orange")
    await desk.state(referral, effective(at=datetime.now(UTC)))
    etag = (await desk.get(f"/v1/watches/{referral}")).headers["ETag"]
    before = {one["visit_id"]: one["due_at"] for one in (await desk.watch(referral))["visits"]}
    for _ in range(2):
        await ticker_by(a_long_holiday(), desk).recount()
    after = {one["visit_id"]: one["due_at"] for one in (await desk.watch(referral))["visits"]}
    assert sum(after[visit] > due for visit, due in before.items()) == 3, "3, 7 and 30 days; the fourth lies beyond"
    first, moved = await _events(desk, referral, "plan_changed")
    assert (moved["reason"], moved["plan_version"]) == ("calendar_changed", first["plan_version"])
    assert {one["visit_id"]: one["due_at"] for one in moved["visits"]} == after
    clocks = (await desk.get(f"/v1/watches/{referral}/clocks")).json()["clocks"]
    assert {one["key"]: one["fires_at"] for one in clocks if one["clock"] == "visit_due"} == after
    assert (await desk.get(f"/v1/watches/{referral}")).headers["ETag"] == etag, "an open form is not spoilt"
    assert await _events(desk, referral, "deadline_set") == []


async def test_another_calendar_says_anew_by_when_a_visit_must_be_made(desk: Desk) -> None:
    referral, visits = await due_visits(desk, "yellow")
    await ticker_by(a_long_holiday(), desk).recount()
    said = (await _events(desk, referral, "deadline_set"))[-1]
    assert {one["key"] for one in said["clocks"]} == {visit["visit_id"] for visit in visits}
    clocks = (await desk.get(f"/v1/watches/{referral}/clocks")).json()["clocks"]
    limits = {one["key"]: one["fires_at"] for one in clocks if one["clock"] == "visit"}
    assert {one["key"]: one["due_at"] for one in said["clocks"]} == limits
    doubles = """SELECT 1 FROM followup.event_log WHERE referral_id = $1
                 GROUP BY type, headers->>'ce_causationid' HAVING count(*) > 1"""
    assert await desk.consumer.rows(doubles, referral) == []


async def test_a_visit_made_is_recorded_in_codes_and_its_note_stays_sealed(desk: Desk) -> None:
    referral, (visit, *_) = await due_visits(desk)
    note = "双方已握手言和，邻居作证。"
    path = f"/v1/visits/{visit['visit_id']}/record"
    answer = await desk.post(path, a_visit(satisfaction=2, reached=[str(new_id())], note=note), key="k1")
    assert (answer.status_code, answer.json()["state"], answer.json()["satisfaction"]) == (200, "done", 2)
    (event,) = await _events(desk, referral, "visit_recorded")
    assert (event["outcome"], event["satisfaction"]) == ("settled", 2)
    rows = await desk.consumer.rows(
        """SELECT count(*) FROM followup.event_log WHERE body::text LIKE '%' || $1 || '%'
           UNION ALL SELECT count(*) FROM followup.visit WHERE report::text LIKE '%' || $1 || '%'""",
        note,
    )
    assert [row["count"] for row in rows] == [0, 0]
    text = await desk.get(f"/v1/texts/{answer.json()['note_id']}")
    assert text.json()["text"] == note
    assert len(await _events(desk, referral, "deadline_met")) == 1
    again = await desk.post(path, a_visit(satisfaction=2, reached=[], note=note), key="k1")
    assert (again.status_code, again.json()["code"]) == (409, "idempotency_key_reused")


async def test_three_failed_tries_open_another_way_and_nothing_less(desk: Desk) -> None:
    referral, (visit, *_) = await due_visits(desk)
    path = f"/v1/visits/{visit['visit_id']}"
    for tries in (1, 2, 3):
        missed = await desk.post(f"{path}/miss", {"note": "无人接听。"})
        assert (missed.json()["state"], missed.json()["tries"]) == ("unreachable", tries)
        waived = await desk.post(f"{path}/waive", {"reason": "unreachable"}, "bureau_supervisor")
        neighbour = await desk.post(f"{path}/neighbour-record", a_visit())
        if tries < 3:
            assert (waived.json()["code"], neighbour.json()["code"]) == ("tries_left", "tries_left")
            await desk.fire(referral)
            assert (await visit_state(desk, referral))["state"] == "due"
    assert waived.json()["state"] == "waived"


async def test_a_neighbourhood_worker_makes_the_visit_after_the_last_try(desk: Desk) -> None:
    referral, (visit, *_) = await due_visits(desk)
    path = f"/v1/visits/{visit['visit_id']}"
    for _ in range(3):
        await desk.fire(referral)
        await desk.post(f"{path}/miss", {})
    answer = await desk.post(f"{path}/neighbour-record", a_visit())
    assert answer.json()["state"] == "done"
    assert len(await _events(desk, referral, "visit_recorded")) == 1


async def test_after_the_last_try_no_further_one_is_timed(desk: Desk) -> None:
    referral, (visit, *_) = await due_visits(desk)
    for _ in range(3):
        await desk.fire(referral)
        await desk.post(f"/v1/visits/{visit['visit_id']}/miss", {})
    await desk.fire(referral)
    assert (await visit_state(desk, referral))["state"] == "unreachable"


async def test_a_waiver_needs_a_listed_reason_and_names_who_gave_it(desk: Desk) -> None:
    referral, (visit, *_) = await due_visits(desk)
    path = f"/v1/visits/{visit['visit_id']}/waive"
    assert (await desk.post(path, {"reason": "no_time"}, "bureau_supervisor")).json()["code"] == "reason_not_listed"
    assert (await desk.post(path, {"reason": "moved_away"}, "visitor")).status_code == 403
    assert (await desk.post(path, {"reason": "moved_away"}, "bureau_supervisor")).status_code == 200
    (event,) = await _events(desk, referral, "visit_waived")
    assert (event["reason"], event["by"]) == ("moved_away", "somebody")


@pytest.mark.parametrize(("outcome", "escalates"), [("continues", False), ("reopen", True), ("escalate", True)])
async def test_what_is_not_settled_owes_another_visit(desk: Desk, outcome: str, escalates: bool) -> None:
    referral, (visit, *_) = await due_visits(desk)
    await desk.post(f"/v1/visits/{visit['visit_id']}/record", a_visit(outcome=outcome))
    seen = await desk.watch(referral)
    assert [one["state"] for one in seen["visits"]] == ["done", "planned"]
    assert [plan["reason"] for plan in await _events(desk, referral, "plan_changed")][-1] == f"visit_{outcome}"
    assert bool(await _events(desk, referral, "referral_escalated")) == escalates
    assert "visit_open" in {one["code"] for one in seen["obstacles"]}


async def test_a_graver_grade_proposed_by_a_visit_bars_the_closing_until_triage_has_answered(desk: Desk) -> None:
    """Between the visit and triage's word nothing closes: else a red finding could be closed over."""
    referral = await desk.self_resolved()
    await desk.fire(referral)
    first, second = (await desk.watch(referral))["visits"]
    await desk.post(f"/v1/visits/{first['visit_id']}/record", a_visit())
    await desk.post(f"/v1/visits/{second['visit_id']}/record", a_visit(proposed_grade="red"))
    assert [one["code"] for one in (await desk.close(referral)).json()["unmet"]] == ["grade_too_high"]
    await desk.state(referral, graded("red", cause="visit"))
    refused = {one["code"] for one in (await desk.close(referral)).json()["unmet"]}
    assert refused == {"grade_too_high", "visit_open"}, "the plan of a red one is owed now"
    await desk.state(referral, graded("blue", cause="person"))
    assert "grade_too_high" not in {one["code"] for one in (await desk.watch(referral))["obstacles"]}


async def test_halted_nobody_is_visited(desk: Desk) -> None:
    referral, (visit, *_) = await due_visits(desk)
    await desk.state(referral, blocked())
    (halted,) = await _events(desk, referral, "referral_halted")
    for act in ("record", "neighbour-record"):
        assert (await desk.post(f"/v1/visits/{visit['visit_id']}/{act}", a_visit())).json()["code"] == "halted"
    assert (await desk.post(f"/v1/visits/{visit['visit_id']}/miss", {})).json()["code"] == "halted"
    clocks = {one["clock"]: one for one in (await desk.get(f"/v1/watches/{referral}/clocks")).json()["clocks"]}
    assert (clocks["visit"]["state"], clocks["visit"]["pauses"][0]["reason"]) == ("paused", "halted")
    await desk.state(referral, lifted(2))
    assert (await desk.post(f"/v1/visits/{visit['visit_id']}/record", a_visit())).status_code == 200
    assert halted["urgent_event_id"]


async def test_a_lift_removes_the_blocks_it_names_and_no_other(desk: Desk) -> None:
    referral = await desk.dispatched()
    await desk.state(referral, blocked("X_DV"), blocked("X_CRIME"), lifted(2))
    assert (await desk.watch(referral))["halted"]
    await desk.state(referral, lifted(3))
    assert not (await desk.watch(referral))["halted"]


async def test_a_visit_is_done_under_the_version_of_its_watch(desk: Desk) -> None:
    _, (visit, *_) = await due_visits(desk)
    path = f"/v1/visits/{visit['visit_id']}/miss"
    assert (await desk.post(path, {}, match='"7"')).status_code == 412
    assert (await desk.post(path, {}, match='"1"')).headers["ETag"] == '"2"'


async def test_an_event_of_another_service_spoils_no_open_form(desk: Desk) -> None:
    referral, _ = await due_visits(desk)
    before = (await desk.get(f"/v1/watches/{referral}")).headers["ETag"]
    await desk.state(referral, graded("orange"))
    assert (await desk.get(f"/v1/watches/{referral}")).headers["ETag"] == before


async def test_nobody_sees_or_does_anything_outside_the_own_area(desk: Desk) -> None:
    referral, (visit, *_) = await due_visits(desk)
    assert (await desk.get(f"/v1/watches/{referral}", scope=OTHER_OFFICE)).json()["code"] == "out_of_scope"
    assert (await desk.get(f"/v1/watches/{referral}/clocks", scope=OTHER_OFFICE)).status_code == 403
    path = f"/v1/visits/{visit['visit_id']}/record"
    assert (await desk.post(path, a_visit(), scope=OTHER_OFFICE)).json()["code"] == "out_of_scope"
    listed = (await desk.get("/v1/visits?limit=200", scope=OTHER_OFFICE)).json()["items"]
    assert visit["visit_id"] not in {one["visit_id"] for one in listed}
    lines = (await desk.get("/v1/watches?limit=200", scope=OTHER_OFFICE)).json()["items"]
    assert str(referral) not in {line["referral_id"] for line in lines}
    assert (await desk.post(f"/v1/visits/{new_id()}/miss", {})).json()["code"] == "visit_not_found"


async def test_a_visit_cannot_be_recorded_before_it_was_made(desk: Desk) -> None:
    _, (visit, *_) = await due_visits(desk)
    later = a_visit(visited_at="2999-01-01T00:00:00Z")
    answer = await desk.post(f"/v1/visits/{visit['visit_id']}/record", later)
    assert answer.json()["code"] == "visited_in_future"


async def test_lists_are_read_page_by_page_and_filtered(desk: Desk) -> None:
    referrals = [await desk.dispatched("blue", "family") for _ in range(3)]
    await desk.state(referrals[1], blocked())
    path, found, after = "/v1/watches?category=family&limit=1", [], ""
    while True:
        page = (await desk.get(f"{path}{after}")).json()
        found += [line["referral_id"] for line in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert found == sorted(str(one) for one in referrals)
    halted = (await desk.get("/v1/watches?category=family&halted=true")).json()["items"]
    assert [line["referral_id"] for line in halted] == [str(referrals[1])]
    assert (await desk.get("/v1/watches?after=nonsense")).json()["code"] == "bad_cursor"


async def test_a_case_that_begins_again_forgets_its_outcome_and_its_plan(desk: Desk) -> None:
    referral = await desk.dispatched("blue")
    await desk.state(referral, effective(), CaseReopened(reason="held_invalid", cycle=2))
    seen = await desk.watch(referral)
    assert (seen["state"], seen["outcome"], seen["visits"], seen["cycle"]) == ("anchored", None, [], 1)
    await desk.state(referral, effective(number="2"))
    seen = await desk.watch(referral)
    assert (seen["outcome"], len(seen["visits"])) == ("agreed", 1)


async def _events(desk: Desk, referral: UUID, fact: str) -> list[dict[str, Any]]:
    rows = await desk.consumer.rows(
        "SELECT body FROM followup.event_log WHERE referral_id = $1 AND type = $2 ORDER BY seq",
        referral, f"cn.liandong.followup.{fact}.v1",
    )  # fmt: skip
    return [row["body"] for row in rows]
