"""One clock in memory: what may become of it, and that standing still costs nobody his time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from chassis.timers import TimedWork, Timer, TimerState
from chassis.workdays import CHINA, Calendar, Span, due, load_calendar
from hypothesis import given, settings
from hypothesis import strategies as st

CALENDAR = load_calendar()
REFERRAL = UUID(int=7)
START = datetime(2026, 3, 2, 10, 0, tzinfo=CHINA)
SPANS = st.sampled_from(["45min", "30nh", "4h", "17h", "3d", "9d", "2wd", "7wd", "1wd@10:00"])


def a_work(now: datetime = START) -> TimedWork:
    return TimedWork(now, CALENDAR)


def a_timer(span: str = "4h", start: datetime = START) -> Timer:
    return a_work(start).start_clock(REFERRAL, "sign_for", span, rule="clocks-2026.1")


def stood_still(timer: Timer, *pauses: tuple[datetime, datetime]) -> Timer:
    for since, until in pauses:
        timer = timer.pause("halted", at=since).resume("halted", CALENDAR, at=until)
    return timer


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


def test_a_clock_carries_the_rule_and_the_calendar_that_set_it() -> None:
    timer = a_timer("1wd")
    assert (timer.span, timer.rule, timer.calendar) == ("1wd", "clocks-2026.1", f"{CALENDAR.version}/chinesecalendar")
    assert timer.due_at == datetime(2026, 3, 3, 16, tzinfo=UTC)
    assert timer.state is TimerState.RUNNING


def test_a_clock_may_end_on_a_given_day_or_at_a_given_instant() -> None:
    work = a_work()
    day = work.start_clock(REFERRAL, "performance", date(2026, 10, 3), rule="agreement", key="1")
    instant = work.start_clock(REFERRAL, "visit", START + minutes(5), rule="plan", silent=True)
    assert (day.due_at, day.calendar, day.span) == (datetime(2026, 10, 3, 16, tzinfo=UTC), "none", "@2026-10-03")
    assert instant.due_at == START + minutes(5)
    work.keep()
    assert work.pause(REFERRAL, "halted", clocks=["performance", "visit"]) == []
    assert day.recount(CALENDAR) == day


def test_what_is_met_cannot_be_met_again() -> None:
    work = a_work()
    work.start_clock(REFERRAL, "sign_for", "4h", rule="r")
    met = work.meet(REFERRAL, "sign_for")
    assert met is not None
    assert (met.state, met.ended_at) == (TimerState.MET, START)
    assert work.meet(REFERRAL, "sign_for") is None
    assert work.cancel(REFERRAL, "sign_for") is None
    assert work.meet(REFERRAL, "first_contact") is None


@pytest.mark.parametrize(("late", "state"), [(-1, TimerState.MET), (0, TimerState.RUNNING), (1, TimerState.RUNNING)])
def test_whether_a_clock_was_met_in_time_does_not_hang_on_who_came_first(late: int, state: TimerState) -> None:
    """At its instant and after it, the ticker still fires what somebody has just met."""
    timer = a_timer()
    now = timer.due_at + timedelta(microseconds=late)
    met = timer.meet(at=now, now=now)
    assert (met.state, met.ended_at) == (state, now)
    assert met.is_due(now) is (late >= 0)


def test_what_was_met_too_late_stays_breached_and_says_when() -> None:
    timer = a_timer().fire()
    met = timer.meet(at=START + timedelta(days=3), now=START + timedelta(days=3))
    assert (met.state, met.ended_at) == (TimerState.BREACHED, START + timedelta(days=3))
    assert not met.is_open


def test_a_silent_clock_is_met_whenever_its_work_is_done() -> None:
    timer = a_timer()._replace(silent=True)
    assert timer.meet(at=timer.due_at, now=timer.due_at).state is TimerState.MET
    assert timer.fire().meet(at=timer.due_at, now=timer.due_at).state is TimerState.MET


def test_a_clock_that_has_run_out_does_not_pause() -> None:
    timer = a_timer()
    assert timer.pause("halted", at=timer.due_at) is timer
    assert timer.pause("halted", at=timer.due_at - minutes(1)).state is TimerState.PAUSED
    for ended in (timer.fire(), timer.fail(), timer.cancel(at=START), timer.meet(at=START, now=START)):
        assert ended.pause("halted", at=START) is ended
        assert ended.resume(None, CALENDAR, at=START) is ended


def test_a_paused_clock_goes_on_when_its_last_reason_is_gone() -> None:
    timer = a_timer().pause("halted", at=START + minutes(10))
    assert timer.pause("halted", at=START + minutes(11)) is timer
    timer = timer.pause("suspended", at=START + minutes(20))
    timer = timer.resume("halted", CALENDAR, at=START + minutes(30))
    assert timer.state is TimerState.PAUSED
    timer = timer.resume("suspended", CALENDAR, at=START + minutes(40))
    assert timer.state is TimerState.RUNNING
    assert timer.due_at == a_timer().due_at + minutes(30)


def test_pausing_a_referral_pauses_what_others_watch_or_what_is_named() -> None:
    work = a_work()
    for clock, silent in (("sign_for", False), ("limit", False), ("visit", True)):
        work.start_clock(REFERRAL, clock, "4h", rule="r", silent=silent)
    assert [timer.clock for timer in work.pause(REFERRAL, "halted", clocks=["sign_for", "visit"])] == [
        "sign_for",
        "visit",
    ]
    assert [timer.clock for timer in work.pause(REFERRAL, "halted")] == ["limit"]
    assert {timer.clock for timer in work.resume(REFERRAL)} == {"sign_for", "limit", "visit"}


def test_what_a_handler_did_to_clocks_is_forgotten_with_it() -> None:
    work = a_work()
    work.start_clock(REFERRAL, "sign_for", "4h", rule="r")
    work.keep()
    work.meet(REFERRAL, "sign_for")
    work.start_clock(REFERRAL, "first_contact", "4h", rule="r")
    work.forget()
    assert [(timer.clock, timer.state) for timer in work.clocks_of(REFERRAL)] == [("sign_for", TimerState.RUNNING)]


@pytest.mark.parametrize(
    ("span", "since", "until", "expected"),
    [
        # three working days from Monday the 2nd: to the end of Thursday the 5th
        ("3wd", "03 10:00", "03 16:00", "06 00:00"),  # within one day: nothing lost, nothing won
        ("3wd", "03 10:00", "04 10:00", "07 00:00"),  # over one midnight: Friday
        ("3wd", "05 23:59", "06 00:01", "07 00:00"),  # on its last day
        ("3wd", "05 10:00", "07 10:00", "10 00:00"),  # into a Saturday: Monday, never over before it goes on
        ("3wd", "04 10:00", "09 10:00", "11 00:00"),  # over a weekend: Thursday, Friday and Monday are given back
        ("3d", "03 10:00", "05 10:00", "10 00:00"),  # Thursday and two days: Saturday, so Monday
        ("4h", "02 11:00", "02 12:00", "02 15:00"),
        ("4h", "02 11:00", "02 20:00", "03 12:00"),  # an hour had run
        ("4h", "02 11:00", "07 12:00", "09 12:00"),
        ("45min", "02 10:44", "04 10:00", "04 10:01"),
    ],
)
def test_a_pause_gives_back_what_it_took(span: str, since: str, until: str, expected: str) -> None:
    def at(text: str) -> datetime:
        return datetime.fromisoformat(f"2026-03-{text}:00+08:00")

    assert stood_still(a_timer(span), (at(since), at(until))).due_at == at(expected)


@given(SPANS, st.integers(1, 20_000), st.integers(0, 20_000))
def test_a_pause_never_takes_time_away_and_never_ends_a_clock(span: str, after: int, length: int) -> None:
    timer = a_timer(span)
    since = START + minutes(after)
    until = since + minutes(length)
    resumed = stood_still(timer, (since, until))
    if since >= timer.due_at:
        assert resumed is timer
        return
    assert resumed.due_at >= timer.due_at
    assert resumed.due_at > until
    assert resumed.due_at - timer.due_at >= timedelta() if length else resumed.due_at == timer.due_at


@given(SPANS, st.integers(1, 5000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_two_pauses_that_meet_are_one(span: str, after: int, first: int, second: int) -> None:
    since = START + minutes(after)
    middle = since + minutes(first)
    until = middle + minutes(second)
    one = stood_still(a_timer(span), (since, until))
    two = stood_still(a_timer(span), (since, middle), (middle, until))
    assert one.due_at == two.due_at


@given(SPANS, st.integers(1, 3000), st.integers(1, 3000), st.integers(0, 3000))
def test_pauses_that_overlap_count_once(span: str, after: int, alone: int, together: int) -> None:
    since = START + minutes(after)
    inner, outer = since + minutes(alone), since + minutes(alone + together)
    timer = a_timer(span)
    both = timer.pause("halted", at=since).pause("suspended", at=inner)
    both = both.resume("halted", CALENDAR, at=outer).resume("suspended", CALENDAR, at=outer)
    assert both.due_at == stood_still(timer, (since, outer)).due_at


@given(st.integers(1, 3000), st.integers(0, 20_000), st.integers(1, 60))
def test_clock_time_is_given_back_to_the_minute(after: int, length: int, hours: int) -> None:
    timer = a_timer(f"{hours}nh")
    since = START + minutes(after)
    resumed = stood_still(timer, (since, since + minutes(length)))
    expected = timer.due_at + (minutes(length) if since < timer.due_at else timedelta())
    assert resumed.due_at == expected


@settings(deadline=None)
@given(st.integers(1, 8000), st.integers(0, 8000), st.integers(1, 20))
def test_working_hours_run_for_what_they_are_whatever_stood_between(after: int, length: int, hours: int) -> None:
    timer = a_timer(f"{hours}h")
    since, until = START + minutes(after), START + minutes(after + length)
    end = stood_still(timer, (since, until)).due_at
    moments = (START + minutes(n) for n in range(int((end - START).total_seconds() // 60)))
    ran = sum(
        CALENDAR.is_workday(moment.date()) and 9 <= moment.hour < 17 and not (since <= moment < until)
        for moment in moments
    )
    assert ran == hours * 60 if since < timer.due_at else end == timer.due_at


def test_another_calendar_counts_a_clock_anew_with_its_pauses() -> None:
    start = datetime(2026, 12, 30, 10, tzinfo=CHINA)
    timer = a_timer("2wd", start)
    assert timer.due_at == datetime(2027, 1, 1, 16, tzinfo=UTC)
    announced = Calendar("cn-2027.1", {date(2027, 1, day): False for day in (1, 2, 3)})
    assert not timer.was_counted_by(announced)
    moved = timer.recount(announced)
    assert moved.due_at == datetime(2027, 1, 4, 16, tzinfo=UTC)
    assert moved.was_counted_by(announced)
    resumed = timer.pause("halted", at=start + minutes(1)).resume(None, announced, at=start + timedelta(days=1))
    assert resumed.due_at == datetime(2027, 1, 5, 16, tzinfo=UTC)
    assert a_timer("45min").was_counted_by(announced)


@given(SPANS)
def test_counting_anew_by_the_same_calendar_changes_nothing(span: str) -> None:
    timer = a_timer(span)
    assert timer.recount(CALENDAR) == timer
    assert timer.due_at == due(Span.parse(span), START, CALENDAR).at
