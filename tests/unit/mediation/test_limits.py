"""The limits of the law: oracles of DOMAIN §4.1, and what an appraisal adds to a medical one (DOMAIN §8.4)."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from chassis.timers import TimerState
from chassis.workdays import CHINA, due
from hypothesis import given
from hypothesis import strategies as st
from mediation_svc.domain.limits import Clock
from mediation_svc.domain.states import CaseState
from mediation_svc.store.work import MediationWork
from mediation_svc.use_cases import act_on_case
from support.mediation import REFERRAL, a_case
from support.mediation_in_memory import CALENDAR, RULES, a_work

LIMITS = RULES.limits


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), CHINA)


@pytest.mark.parametrize(
    ("clock", "start", "last"),
    [
        (Clock.MEDICAL_LIMIT, date(2026, 2, 10), date(2026, 3, 30)),
        (Clock.MEDICAL_LIMIT, date(2026, 9, 14), date(2026, 10, 30)),
        (Clock.GENERAL_LIMIT, date(2026, 9, 1), date(2026, 10, 8)),
        (Clock.ACCEPT_OR_DECLINE, date(2026, 2, 12), date(2026, 2, 24)),
        (Clock.ACCEPT_OR_DECLINE, date(2026, 2, 13), date(2026, 2, 25)),
    ],
)
def test_the_limits_end_when_the_law_says(clock: Clock, start: date, last: date) -> None:
    assert due(LIMITS.spans[clock], noon(start), CALENDAR).on == last


@pytest.mark.parametrize("category", ["family", "neighbour", "marital", "other"])
def test_only_a_medical_case_counts_in_working_days(category: str) -> None:
    assert LIMITS.limit_of(category) is Clock.GENERAL_LIMIT
    assert LIMITS.limit_of("medical") is Clock.MEDICAL_LIMIT


def in_limit(clock: Clock, accepted: date) -> MediationWork:
    work = a_work()
    work.now = noon(accepted)
    work.cases.put(REFERRAL, a_case(CaseState.IN_MEDIATION, accepted_at=work.now))
    work.start_clock(REFERRAL, clock, LIMITS.spans[clock], rule=LIMITS.rule, key="1")
    work.keep()
    return work


def suspend_for(work: MediationWork, reason: str, days: int) -> None:
    act_on_case.suspend(REFERRAL, reason, work)
    work.keep()
    work.now = work.now + timedelta(days=days)
    act_on_case.resume(REFERRAL, work)
    work.keep()


def last_day(work: MediationWork, clock: Clock) -> date:
    timer = work.find_clock(REFERRAL, clock, "1")
    assert timer is not None
    assert timer.state is TimerState.RUNNING
    return (timer.due_at - timedelta(microseconds=1)).astimezone(CHINA).date()


def workdays_after(start: date, end: date) -> int:
    return sum(CALENDAR.is_workday(start + timedelta(days=n + 1)) for n in range((end - start).days))


@given(st.dates(date(2024, 1, 2), date(2026, 3, 1)), st.integers(0, 40))
def test_an_appraisal_is_taken_out_of_the_thirty_working_days(accepted: date, days: int) -> None:
    work = in_limit(Clock.MEDICAL_LIMIT, accepted)
    suspend_for(work, "appraisal_running", days)
    yesterday = timedelta(days=1)
    stood = workdays_after(accepted - yesterday, accepted + timedelta(days=days) - yesterday)  # whose end it went over
    assert workdays_after(accepted, last_day(work, Clock.MEDICAL_LIMIT)) == 30 + stood


@given(st.dates(date(2024, 1, 2), date(2026, 3, 1)), st.integers(0, 20))
def test_nothing_else_stops_a_limit(accepted: date, days: int) -> None:
    for clock, reason in ((Clock.MEDICAL_LIMIT, "party_unable"), (Clock.GENERAL_LIMIT, "appraisal_running")):
        work = in_limit(clock, accepted)
        before = last_day(work, clock)
        suspend_for(work, reason, days)
        assert last_day(work, clock) == before


def test_the_last_act_in_the_limit_and_the_first_after_it_are_told_apart() -> None:
    timer = in_limit(Clock.MEDICAL_LIMIT, date(2026, 2, 10)).find_clock(REFERRAL, Clock.MEDICAL_LIMIT, "1")
    assert timer is not None
    midnight = datetime(2026, 3, 30, 16, tzinfo=UTC)
    assert not timer.is_due(midnight - timedelta(microseconds=1))
    assert timer.is_due(midnight)
    assert timer._replace(due_at=midnight) == timer
