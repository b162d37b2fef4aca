"""Working days and spans: held against dates typed by hand, a frozen table of days, and plain counting."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from chassis.workdays import CHINA, Calendar, CalendarRefused, Due, Span, SpanRefused, due, load_calendar
from hypothesis import given, settings
from hypothesis import strategies as st

CALENDAR = load_calendar()
WITH_2027 = Calendar("cn-2027.1", {date(2027, 1, 1): False, date(2027, 1, 2): False, date(2027, 1, 3): True})

with (Path(__file__).parent / "days-2015-2026.csv").open(encoding="utf-8") as _file:
    TABLE = {date.fromisoformat(row["day"]): row["kind"] == "work" for row in csv.DictReader(_file)}

# The State Council's notices, typed from DOMAIN §4.1: days off, make-up working days, working days of the year.
NOTICES = {
    2024: (
        "1/1-1/1 2/10-2/17 4/4-4/6 5/1-5/5 6/10-6/10 9/15-9/17 10/1-10/7",
        "2/4 2/18 4/7 4/28 5/11 9/14 9/29 10/12",
        251,
    ),
    2025: ("1/1-1/1 1/28-2/4 4/4-4/6 5/1-5/5 5/31-6/2 10/1-10/8", "1/26 2/8 4/27 9/28 10/11", 248),
    2026: (
        "1/1-1/3 2/15-2/23 4/4-4/6 5/1-5/5 6/19-6/21 9/25-9/27 10/1-10/7",
        "1/4 2/14 2/28 5/9 9/20 10/10",
        248,
    ),
}
FIRST = datetime(2015, 1, 1, 9, tzinfo=CHINA)
INSTANTS = st.integers(0, 5_700_000).map(lambda minutes: FIRST + timedelta(minutes=minutes))  # into November 2025


def at(text: str) -> datetime:
    """`2026-02-12 15:00` in China."""
    return datetime.fromisoformat(f"{text}:00+08:00")


def ends(span: str, start: str, calendar: Calendar = CALENDAR) -> str:
    return f"{due(Span.parse(span), at(start), calendar).at.astimezone(CHINA):%Y-%m-%d %H:%M}"


def last_day(span: str, start: date, calendar: Calendar = CALENDAR) -> date:
    return due(Span.parse(span), datetime.combine(start, time(15), CHINA), calendar).on


def days_of(year: int, text: str) -> set[date]:
    days: set[date] = set()
    for part in text.split():
        first, _, last = part.partition("-")
        (month, day), (last_month, last_day_) = (map(int, one.split("/")) for one in (first, last or first))
        one, end = date(year, month, day), date(year, last_month, last_day_)
        while one <= end:
            days.add(one)
            one += timedelta(days=1)
    return days


@pytest.mark.parametrize("year", NOTICES)
def test_the_frozen_table_is_what_the_notices_say(year: int) -> None:
    off, made_up, workdays = NOTICES[year]
    resting, working = days_of(year, off), days_of(year, made_up)
    days = [day for day in TABLE if day.year == year]
    expected = {day: day in working or (day.weekday() < 5 and day not in resting) for day in days}
    assert {day: TABLE[day] for day in days} == expected
    assert sum(expected.values()) == workdays


def test_the_calendar_is_the_frozen_table() -> None:
    assert {day: CALENDAR.is_workday(day) for day in TABLE} == TABLE
    assert {CALENDAR.source_of(day) for day in TABLE} == {"chinesecalendar"}
    assert len(TABLE) == 4383


@pytest.mark.parametrize(
    ("span", "start", "expected"),
    [
        ("30d", date(2026, 9, 1), date(2026, 10, 8)),  # 10-01 is a holiday
        ("30d", date(2026, 1, 16), date(2026, 2, 24)),
        ("30wd", date(2026, 2, 10), date(2026, 3, 30)),
        ("30wd", date(2026, 9, 14), date(2026, 10, 30)),
        ("5wd", date(2026, 9, 30), date(2026, 10, 13)),
        ("3wd", date(2026, 2, 12), date(2026, 2, 24)),
        ("3wd", date(2026, 2, 13), date(2026, 2, 25)),
    ],
)
def test_the_oracles_of_the_domain_hold(span: str, start: date, expected: date) -> None:
    assert last_day(span, start) == expected


@pytest.mark.parametrize(
    ("span", "start", "expected"),
    [
        # natural days: the day before a holiday, the holiday's ends, the day after
        ("1d", date(2026, 9, 29), date(2026, 9, 30)),
        ("1d", date(2026, 9, 30), date(2026, 10, 8)),
        ("7d", date(2026, 9, 30), date(2026, 10, 8)),
        ("8d", date(2026, 9, 30), date(2026, 10, 8)),
        ("9d", date(2026, 9, 30), date(2026, 10, 9)),
        # a Saturday that is worked is no rest day; the Sunday after it is
        ("3d", date(2026, 10, 7), date(2026, 10, 10)),
        ("4d", date(2026, 10, 7), date(2026, 10, 12)),
        ("1d", date(2026, 2, 13), date(2026, 2, 14)),
        ("2d", date(2026, 2, 13), date(2026, 2, 24)),
        # working days: started on a working day, on a rest day, before a make-up day
        ("1wd", date(2026, 9, 30), date(2026, 10, 8)),
        ("1wd", date(2026, 10, 3), date(2026, 10, 8)),
        ("3wd", date(2026, 10, 7), date(2026, 10, 10)),
        ("1wd", date(2026, 2, 13), date(2026, 2, 14)),
        ("2wd", date(2026, 2, 13), date(2026, 2, 24)),
    ],
)
def test_each_limit_has_its_neighbours(span: str, start: date, expected: date) -> None:
    assert last_day(span, start) == expected


def test_days_end_at_midnight_in_china_whatever_hour_they_started() -> None:
    for start in ("2026-03-02 00:00", "2026-03-02 12:00", "2026-03-02 23:59"):
        assert ends("1d", start) == "2026-03-04 00:00"
        assert ends("2wd", start) == "2026-03-05 00:00"
    assert ends("1d", "2026-03-03 00:00") == "2026-03-05 00:00"


def test_an_hour_of_the_last_day_may_end_it() -> None:
    assert ends("1wd@10:00", "2026-09-30 16:59") == "2026-10-08 10:00"
    assert ends("1d@08:30", "2026-03-02 08:00") == "2026-03-03 08:30"


@pytest.mark.parametrize(
    ("span", "start", "expected"),
    [
        ("4h", "2026-03-02 10:00", "2026-03-02 14:00"),  # through noon: no lunch is left out
        ("8h", "2026-03-02 09:00", "2026-03-02 17:00"),
        ("8h", "2026-03-02 09:01", "2026-03-03 09:01"),
        ("4h", "2026-03-02 13:00", "2026-03-02 17:00"),
        ("4h", "2026-03-02 13:01", "2026-03-03 09:01"),
        ("4h", "2026-03-02 16:59", "2026-03-03 12:59"),
        ("4h", "2026-03-02 17:00", "2026-03-03 13:00"),
        ("4h", "2026-03-02 08:59", "2026-03-02 13:00"),
        ("4h", "2026-03-02 22:00", "2026-03-03 13:00"),
        ("4h", "2026-03-06 16:00", "2026-03-09 12:00"),  # over a weekend
        ("4h", "2026-09-30 15:00", "2026-10-08 11:00"),  # over the National Day holidays
        ("4h", "2026-10-10 08:00", "2026-10-10 13:00"),  # a Saturday that is worked
        ("9h", "2026-02-14 16:00", "2026-02-24 17:00"),
        ("40h", "2026-03-02 09:00", "2026-03-06 17:00"),
    ],
)
def test_working_hours_run_from_nine_to_five_on_working_days(span: str, start: str, expected: str) -> None:
    assert ends(span, start) == expected


@pytest.mark.parametrize(
    ("span", "start", "expected"),
    [
        ("30min", "2026-10-01 23:45", "2026-10-02 00:15"),
        ("24nh", "2026-09-30 16:00", "2026-10-01 16:00"),
        ("2nh", "2026-12-31 23:00", "2027-01-01 01:00"),
    ],
)
def test_minutes_and_natural_hours_know_no_calendar(span: str, start: str, expected: str) -> None:
    assert ends(span, start) == expected
    assert due(Span.parse(span), at(start), CALENDAR).calendar == "none"


def test_a_year_without_notice_is_counted_by_weekends_and_says_so() -> None:
    assert CALENDAR.source_of(date(2026, 12, 31)) == "chinesecalendar"
    assert CALENDAR.source_of(date(2027, 1, 1)) == "weekends"
    provisional = due(Span.parse("2wd"), at("2026-12-30 10:00"), CALENDAR)
    assert provisional.on == date(2027, 1, 1)
    assert provisional.calendar == f"{CALENDAR.version}/chinesecalendar+weekends"
    assert provisional.is_provisional
    settled = due(Span.parse("1wd"), at("2026-12-30 10:00"), CALENDAR)
    assert settled.calendar == f"{CALENDAR.version}/chinesecalendar"
    assert not settled.is_provisional


def test_an_override_outranks_everything_and_names_itself() -> None:
    found = due(Span.parse("2wd"), at("2026-12-30 10:00"), WITH_2027)
    assert (found.on, found.calendar) == (date(2027, 1, 3), "cn-2027.1/chinesecalendar+override")
    assert not found.is_provisional
    assert WITH_2027.source_of(date(2027, 1, 4)) == "weekends"
    assert not Due(found.at, "weekends-2027/override").is_provisional


def test_an_override_file_is_read_with_the_words_that_yaml_takes_for_booleans(tmp_path: Path) -> None:
    file = tmp_path / "calendar.yaml"
    file.write_text('version: cn-2027.1\ndays:\n  2027-01-01: off\n  2027-01-02: "off"\n  2027-01-03: work\n')
    calendar = load_calendar(file)
    assert calendar.version == f"cn-2027.1+{CALENDAR.version}"
    assert [calendar.is_workday(date(2027, 1, day)) for day in (1, 2, 3, 4)] == [False, False, True, True]
    assert [calendar.source_of(date(2027, 1, day)) for day in (3, 4)] == ["override", "weekends"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("version: a\n", "nothing else"),
        ("version: a\ndays: {}\nmore: 1\n", "nothing else"),
        ("version: 'a b'\ndays: {}\n", "version"),
        ("version: a/b\ndays: {}\n", "version"),
        ("version: ''\ndays: {}\n", "version"),
        ("version: a\ndays: [2027-01-01]\n", "maps"),
        ("version: a\ndays: {soon: off}\n", "not a date"),
        ("version: a\ndays: {2027-01-01 10:00:00: off}\n", "not a date"),
        ("version: a\ndays: {2027-01-01: half}\n", "half"),
        ("version: a\ndays: {2027-01-01: 1}\n", "off"),
        ("version: [\n", "YAML"),
    ],
)
def test_an_override_file_that_says_something_else_is_refused_with_the_reason(
    tmp_path: Path, text: str, word: str
) -> None:
    file = tmp_path / "calendar.yaml"
    file.write_text(text)
    with pytest.raises(CalendarRefused, match=word):
        load_calendar(file)
    with pytest.raises(CalendarRefused, match="cannot be read"):
        load_calendar(tmp_path / "absent.yaml")


@pytest.mark.parametrize(
    "text", ["", "4", "h", "0d", "-1d", "4 h", "4H", "1.5h", "100000d", "4h@10:00", "1d@24:00", "1w"]
)
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(SpanRefused):
        Span.parse(text, demo=True)


def test_seconds_are_for_demonstrations() -> None:
    with pytest.raises(SpanRefused, match="demonstrations"):
        Span.parse("3s")
    started = at("2026-03-02 03:00")
    assert due(Span.parse("3s", demo=True), started, CALENDAR).at == started + timedelta(seconds=3)


@given(st.sampled_from(["30min", "4h", "2nh", "30d", "5wd", "3s", "1wd@10:00", "1d@00:05"]))
def test_a_span_is_written_as_it_is_read(text: str) -> None:
    assert str(Span.parse(text, demo=True)) == text


@given(INSTANTS, st.integers(1, 120))
def test_working_days_are_those_of_the_table_after_the_start(start: datetime, count: int) -> None:
    following = (start.date() + timedelta(days=n) for n in range(1, 300))
    expected = [day for day in following if TABLE[day]][count - 1]
    assert due(Span(count, "wd"), start, CALENDAR).on == expected


@given(INSTANTS, st.integers(1, 300))
def test_natural_days_end_on_the_first_working_day_from_the_last_on(start: datetime, count: int) -> None:
    found = due(Span(count, "d"), start, CALENDAR)
    last = start.date() + timedelta(days=count)
    assert found.on >= last
    assert TABLE[found.on]
    assert not any(TABLE[last + timedelta(days=n)] for n in range((found.on - last).days))
    assert found.at == datetime.combine(found.on + timedelta(days=1), time(), CHINA)


@settings(deadline=None)
@given(INSTANTS, st.integers(1, 40))
def test_working_hours_are_as_many_open_minutes(start: datetime, count: int) -> None:
    found = due(Span(count, "h"), start, CALENDAR).at.astimezone(CHINA)
    minute, open_minutes = start, 0
    while minute < found:
        if TABLE[minute.date()] and 9 <= minute.hour < 17:
            open_minutes += 1
        minute += timedelta(minutes=1)
    assert open_minutes == count * 60
    assert TABLE[found.date()]
    assert time(9) < found.time() <= time(17)


@given(INSTANTS, INSTANTS, st.sampled_from(["90min", "30nh", "5h", "9d", "4wd", "1wd@10:00"]))
def test_who_starts_later_is_not_due_earlier(one: datetime, other: datetime, span: str) -> None:
    first, second = sorted((one, other))
    assert due(Span.parse(span), first, CALENDAR).at <= due(Span.parse(span), second, CALENDAR).at


def test_the_zone_in_which_an_instant_is_written_does_not_matter() -> None:
    start = at("2026-03-02 00:30")  # the day before, in UTC
    for span in ("1d", "2wd", "5h", "30min"):
        assert due(Span.parse(span), start, CALENDAR) == due(Span.parse(span), start.astimezone(UTC), CALENDAR)
