"""Clocks on a real database: set by what people do, fired by the ticker, once."""

from datetime import timedelta
from functools import partial

from chassis.delivery import Statements, Units
from chassis.timers import Ticker
from chassis.workdays import Calendar, load_calendar
from mediation_svc.events import CONTRACTS
from mediation_svc.main import make_ticker
from mediation_svc.store.work import MediationWork
from referral_schemas.triage import Category
from support.holidays import a_long_holiday
from support.mediation_desk import MAKE_WORK, Desk, Dispute, now_text


async def passes(dispute: Dispute, clock: str, by: timedelta = timedelta(days=400)) -> None:
    """As if it had been set that long ago; then the ticker looks."""
    await dispute.desk.consumer.rows(
        "UPDATE mediation.timer SET due_at = due_at - $3::interval, started_at = started_at - $3::interval "
        "WHERE referral_id = $1 AND clock = $2 AND state = 'running'",
        dispute.referral_id,
        clock,
        by,
    )
    ticker = ticker_by(load_calendar(), dispute)
    while await ticker.tick():
        pass


def ticker_by(calendar: Calendar, dispute: Dispute) -> Ticker[MediationWork]:
    statements, make_work = Statements("mediation", CONTRACTS.topic), partial(MAKE_WORK, calendar=calendar)
    return make_ticker(Units(dispute.desk.consumer.database, statements, make_work, lambda: None))


async def test_an_obligation_s_day_that_goes_by_is_a_breach_that_the_clock_found(desk: Desk) -> None:
    dispute = await desk.dispute()
    effective = await dispute.effective(7, 14)
    before = len(await dispute.events())
    await passes(dispute, "performance")
    case = await dispute.read()
    assert (case["state"], case["overdue"]) == ("breached", True)
    assert {(one["state"], one["overdue"]) for one in case["obligations"]} == {("breached", True)}
    assert sorted((await dispute.events())[before:]) == ["deadline_breached"] * 2 + ["obligation_breached"] * 2
    assert (await dispute.event("obligation_breached"))["found_by"] == "clock"
    for one in effective["obligations"]:
        await dispute.do(f"obligations/{one['obligation_id']}/performed")
    paid = await dispute.read()
    assert (paid["state"], paid["overdue"]) == ("performed", False)


async def test_a_medical_case_past_its_limit_is_deemed_failed(desk: Desk) -> None:
    dispute = await desk.dispute(category=Category.MEDICAL)
    await dispute.in_mediation()
    await passes(dispute, "medical_limit")
    case = await dispute.read()
    assert (case["state"], case["terminated_for"]) == ("terminated", "deemed_failed")
    assert (await dispute.events())[-3:] == ["deadline_breached", "case_terminated", "deadline_met"]
    assert (await dispute.event("case_terminated"))["remedies_informed_at"]


async def test_an_extension_that_all_want_keeps_a_medical_case_alive(desk: Desk) -> None:
    dispute = await desk.dispute(category=Category.MEDICAL)
    await dispute.in_mediation()
    await dispute.do("extend", {"days": 15, "agreed_by": [str(one) for one in dispute.parties]})
    clocks = await dispute.clocks()
    assert clocks["medical_limit/1"] == "cancelled"
    assert clocks["medical_limit/1+1"] == "running"
    assert (await dispute.event("deadline_set"))["clocks"][0]["key"] == "1+1"


async def test_an_appraisal_stops_the_medical_limit_and_nothing_else_does(desk: Desk) -> None:
    dispute = await desk.dispute(category=Category.MEDICAL)
    await dispute.in_mediation()
    await dispute.do("suspend", {"reason": "appraisal_running"})
    assert (await dispute.clocks())["medical_limit/1"] == "paused"
    await passes(dispute, "medical_limit")
    assert (await dispute.do("resume"))["state"] == "in_mediation"
    assert (await dispute.clocks())["medical_limit/1"] == "running"
    await dispute.do("suspend", {"reason": "party_unable"})
    assert (await dispute.clocks())["medical_limit/1"] == "running"


async def test_a_general_limit_that_runs_out_is_stated_and_ends_nothing(desk: Desk) -> None:
    dispute = await desk.dispute()
    await dispute.in_mediation()
    await passes(dispute, "general_limit")
    case = await dispute.read()
    assert (case["state"], case["overdue"]) == ("in_mediation", True)
    assert (await dispute.events())[-1] == "deadline_breached"
    await dispute.do("terminate", {"reason": "time_limit_passed", "remedies_informed_at": now_text()})
    assert not (await dispute.read())["overdue"]


async def test_an_answer_that_is_owed_after_the_contact_is_missed_only_while_nobody_answers(desk: Desk) -> None:
    slow, quick = await desk.dispute(), await desk.dispute()
    await passes(slow, "accept_or_decline")
    assert (await slow.read())["overdue"]
    await slow.accepted()
    assert not (await slow.read())["overdue"]
    await quick.accepted()
    await passes(quick, "accept_or_decline")
    assert "deadline_breached" not in await quick.events()


async def test_the_confirmation_window_ends_in_silence(desk: Desk) -> None:
    dispute = await desk.dispute()
    await dispute.effective(200)
    before = await dispute.events()
    await passes(dispute, "confirmation_window")
    assert await dispute.events() == before
    assert (await dispute.read())["state"] == "effective"


async def test_told_remedies_end_the_clocks_of_performance(desk: Desk) -> None:
    dispute = await desk.dispute()
    first, _ = (await dispute.effective(7, 14))["obligations"]
    await dispute.do(f"obligations/{first['obligation_id']}/breached", {"found_by": "party"})
    await dispute.do("remedies-told", {"remedies_informed_at": now_text()})
    await passes(dispute, "performance")
    assert (await dispute.events())[-1] == "breach_told"
    assert not (await dispute.read())["overdue"]


async def test_another_calendar_says_anew_what_it_moves_and_an_obligation_s_own_day_stays(desk: Desk) -> None:
    medical = await desk.dispute(category=Category.MEDICAL)
    await medical.in_mediation()
    agreed = await desk.dispute()
    await agreed.effective(7)
    limit_before, before = (await medical.shown())["medical_limit/1"], await agreed.shown()
    ticker = ticker_by(a_long_holiday(), medical)
    for _ in range(2):
        await ticker.recount()
    said = [one for one in await medical.stated("deadline_set") if one["clocks"][0]["clock"] == "medical_limit"]
    (told,) = said[-1]["clocks"]
    assert told["calendar"].startswith("a-long-holiday-1/")
    limit = (await medical.shown())["medical_limit/1"]
    assert limit["due_at"] == limit["fires_at"] == told["due_at"] > limit_before["due_at"]
    after = await agreed.shown()
    performance = next(name for name in after if name.startswith("performance/"))
    assert after[performance]["due_at"] == before[performance]["due_at"]
    window = next(name for name in after if name.startswith("confirmation_window"))
    assert after[window]["due_at"] > before[window]["due_at"], "moved, and in silence"
    assert [one["clocks"][0]["clock"] for one in await agreed.stated("deadline_set")][1:] == ["performance"]
