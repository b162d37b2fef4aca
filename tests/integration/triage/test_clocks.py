"""Clocks of triage on a real database: set at each dispatch, met by people, fired once by the ticker."""

from functools import partial
from typing import Any
from uuid import UUID

import httpx
import pytest
from chassis.delivery import Statements, Units
from chassis.ids import new_id
from chassis.timers import Ticker
from chassis.workdays import Calendar, load_calendar
from integration.triage.people import a_call, a_dispatched_one, one_under_review
from referral_schemas.intake import BlockSet
from support.consumers import Consumer, an_arrival
from support.holidays import a_long_holiday
from triage_svc.domain.referral import ReferralId
from triage_svc.events import CONTRACTS, on_referral_opened
from triage_svc.main import make_api, make_ticker
from triage_svc.publishing import PUBLISH
from triage_svc.rules.loading import load_rulebook
from triage_svc.store.directories import CurrentDirectory
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.sign_referral import SignReferral, sign_referral

BREACHES = """
    SELECT body FROM triage.event_log
    WHERE referral_id = $1 AND type = 'cn.liandong.triage.deadline_breached.v1' ORDER BY seq
"""
CLOCKS = "SELECT clock, key, state, due_at FROM triage.timer WHERE referral_id = $1 ORDER BY clock, key"


DOUBLES = """
    SELECT 1 FROM triage.event_log WHERE referral_id = $1
    GROUP BY type, headers->>'ce_causationid' HAVING count(*) > 1
"""


def units_by(calendar: Calendar, triage: Consumer) -> Units[TriageWork]:
    make_work = partial(
        TriageWork, rules=load_rulebook(), current=CurrentDirectory(), publish=PUBLISH, calendar=calendar
    )
    statements = Statements("triage", CONTRACTS.topic)
    return Units(triage.database, statements, make_work, lambda: None, keyring=triage.settings.keyring)


@pytest.fixture
def units(triage: Consumer) -> Units[TriageWork]:
    return units_by(load_calendar(), triage)


@pytest.fixture
def ticker(units: Units[TriageWork]) -> Ticker[TriageWork]:
    return make_ticker(units)


async def clocks(triage: Consumer, referral: UUID) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["clock"], row["key"]): row for row in await triage.rows(CLOCKS, referral)}


async def run_out(triage: Consumer, referral: UUID, clock: str) -> None:
    """As if time had passed."""
    statement = "UPDATE triage.timer SET due_at = now() - interval '1 second' WHERE referral_id = $1 AND clock = $2"
    await triage.rows(statement, referral, clock)


async def test_what_the_dispatch_tells_is_what_runs(triage: Consumer) -> None:
    referral = await a_dispatched_one(triage)
    (event,) = await triage.rows(
        "SELECT body FROM triage.event_log WHERE referral_id = $1 AND type LIKE '%referral_dispatched%'", referral
    )
    told = {clock["clock"]: clock["due_at"] for clock in event["body"]["clocks"]}
    running = await clocks(triage, referral)
    assert {name for name, _ in running} == {"sign_for", "first_contact", "settle"}
    assert {row["clock"]: row["due_at"].isoformat().replace("+00:00", "Z") for row in running.values()} == told


async def test_only_what_waits_for_a_person_has_a_dispatch_clock(triage: Consumer) -> None:
    assert ("dispatch", "1") not in await clocks(triage, await a_dispatched_one(triage))
    assert set(await clocks(triage, await one_under_review(triage))) == {("dispatch", "1")}


async def test_a_clock_that_runs_out_is_stated_once_and_shown_until_it_is_met(
    triage: Consumer, ticker: Ticker[TriageWork], units: Units[TriageWork]
) -> None:
    referral = await a_dispatched_one(triage)
    await ticker.tick()
    assert await triage.rows(BREACHES, referral) == []
    await run_out(triage, referral, "sign_for")
    for _ in range(3):
        await ticker.tick()
    (breach,) = await triage.rows(BREACHES, referral)
    assert (breach["body"]["clock"], breach["body"]["key"]) == ("sign_for", "1")
    assert await overdue(triage, referral) == ["sign_for"]
    async with units.begin([referral]) as work:
        work.begin_command(new_id())
        sign_referral(SignReferral(ReferralId(referral)), work)
    assert await overdue(triage, referral) == []
    (met,) = await triage.rows(
        "SELECT body FROM triage.event_log WHERE referral_id = $1 AND type LIKE '%deadline_met%'", referral
    )
    assert [clock["clock"] for clock in met["body"]["clocks"]] == ["sign_for"]


async def test_one_signed_too_late_but_before_the_ticker_looked_is_breached_and_not_overdue(
    triage: Consumer, ticker: Ticker[TriageWork], units: Units[TriageWork]
) -> None:
    referral = await a_dispatched_one(triage)
    await run_out(triage, referral, "sign_for")
    async with units.begin([referral]) as work:
        work.begin_command(new_id())
        sign_referral(SignReferral(ReferralId(referral)), work)
    await ticker.tick()
    assert len(await triage.rows(BREACHES, referral)) == 1
    assert await overdue(triage, referral) == []


async def test_two_clocks_that_run_out_together_are_two_facts_of_two_causes(
    triage: Consumer, ticker: Ticker[TriageWork]
) -> None:
    referral = await a_dispatched_one(triage)
    for clock in ("sign_for", "first_contact"):
        await run_out(triage, referral, clock)
    await ticker.tick()
    assert {row["body"]["clock"] for row in await triage.rows(BREACHES, referral)} == {"sign_for", "first_contact"}
    assert await triage.rows(DOUBLES, referral) == []


async def test_another_calendar_says_anew_what_it_moves_and_shows_it(triage: Consumer) -> None:
    referral = await a_dispatched_one(triage)
    before = await clocks(triage, referral)
    ticker = make_ticker(units_by(a_long_holiday(), triage))
    for _ in range(2):
        await ticker.recount()
    after = await clocks(triage, referral)
    moved = {name for name, row in after.items() if row["due_at"] != before[name]["due_at"]}
    assert ("settle", "1") in moved
    (said,) = await triage.rows(
        "SELECT body FROM triage.event_log WHERE referral_id = $1 AND type LIKE '%deadline_set%'", referral
    )
    told = {(one["clock"], one["key"]): one for one in said["body"]["clocks"]}
    assert told.keys() == moved
    assert {one["calendar"].partition("/")[0] for one in told.values()} == {"a-long-holiday-1"}
    assert await triage.rows(DOUBLES, referral) == []
    seen = await clocks_shown(triage, referral)
    for name, one in told.items():
        assert seen[name]["due_at"] == seen[name]["fires_at"] == one["due_at"]


async def test_a_halted_referral_s_clocks_do_not_run_out(triage: Consumer, ticker: Ticker[TriageWork]) -> None:
    referral = await a_dispatched_one(triage)
    await triage.apply(an_arrival(BlockSet.example(), referral, 2))
    await run_out(triage, referral, "sign_for")
    await ticker.tick()
    assert await triage.rows(BREACHES, referral) == []
    assert {row["state"] for row in (await clocks(triage, referral)).values()} == {"paused"}


async def clocks_shown(triage: Consumer, referral: UUID) -> dict[tuple[str, str], dict[str, Any]]:
    app = make_api(triage.settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://triage") as client,
    ):
        headers = triage.issuer.bearer("auditor")
        answer = await client.get(f"/v1/referrals/{referral}/clocks", headers=headers)
    return {(one["clock"], one["key"]): one for one in answer.json()["clocks"]}


class Counting:
    """A connection that counts what is asked of it."""

    def __init__(self, connection: Any) -> None:
        self.connection, self.count = connection, 0

    def __getattr__(self, name: str) -> Any:
        self.count += name in ("execute", "fetch", "fetchrow", "fetchval")
        return getattr(self.connection, name)


async def test_a_batch_of_openings_is_one_statement_to_load_and_three_to_save(
    triage: Consumer, units: Units[TriageWork]
) -> None:
    """The automatic road is measured: the clocks of a whole batch cost it one statement."""
    referrals = [new_id() for _ in range(30)]
    async with units.transaction() as connection:
        work, _ = await units.lock(connection, referrals)
        counting: Any = Counting(connection)
        await work.load(counting, referrals)
        assert counting.count == 1
        for referral in referrals:
            work.begin_event(referral, new_id(), None)
            on_referral_opened(a_call(), work)
            work.keep()
        await work.save(counting)
        assert counting.count == 1 + 3
    assert len(await triage.rows("SELECT 1 FROM triage.timer")) == 90


async def overdue(triage: Consumer, referral: UUID) -> list[str]:
    (row,) = await triage.rows("SELECT overdue FROM triage.referral WHERE referral_id = $1", referral)
    found: list[str] = row["overdue"]
    return found
