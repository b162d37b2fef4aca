"""When a span of time ends, counted as the law and the rules count it. Pure: no clock, no I/O.

All days are China's, which keeps +08:00 the year round. Instants go in and come out aware.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone

from chassis.calendars import Calendar, CalendarRefused, Source, load_calendar

__all__ = [
    "CHINA",
    "NO_CALENDAR",
    "Calendar",
    "CalendarRefused",
    "Due",
    "Interval",
    "Span",
    "SpanRefused",
    "calendar_version",
    "day_in_china",
    "due",
    "load_calendar",
]

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
OPENS, CLOSES = time(9), time(17)
NO_CALENDAR = "none"
"""Stands where a calendar's version would: minutes and natural hours run through every night and holiday."""

Interval = tuple[datetime, datetime]
"""A stretch in which a clock stood still."""

_TEXT = re.compile(r"(?P<count>[1-9][0-9]{0,4})(?P<unit>min|nh|wd|h|d|s)(?:@(?P<at>(?:[01][0-9]|2[0-3]):[0-5][0-9]))?")
_CLOCK_TIME = {"s": timedelta(seconds=1), "min": timedelta(minutes=1), "nh": timedelta(hours=1)}
_ONE_DAY = timedelta(days=1)


class SpanRefused(ValueError):
    """What a rule file calls a span is none."""


@dataclass(frozen=True)
class Span:
    """A length of time in the unit in which its rule counts.

    `s` `min` `nh` run through days and nights; `h` runs 09:00-17:00 on working days; `d` counts natural days and `wd`
    working days, to the end of the last one, or to `at` o'clock of it.
    """

    count: int
    unit: str
    at: time | None = None

    @classmethod
    def parse(cls, text: str, *, demo: bool = False) -> "Span":
        """`30min`, `4h`, `2nh`, `30d`, `5wd`, `1wd@10:00`; `3s` for demonstrations only. Raises SpanRefused."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise SpanRefused(
                f"{text!r} is no span: a number and min, nh, h, d or wd, such as 30min, 4h, 5wd, 1wd@10:00"
            )
        unit, at = found["unit"], found["at"]
        if unit == "s" and not demo:
            raise SpanRefused(f"{text!r}: seconds are for demonstrations alone")
        if at is not None and unit not in ("d", "wd"):
            raise SpanRefused(f"{text!r}: an hour of the day goes with d and wd alone")
        return cls(int(found["count"]), unit, time.fromisoformat(at) if at else None)

    def __str__(self) -> str:
        return f"{self.count}{self.unit}" + (f"@{self.at:%H:%M}" if self.at else "")


@dataclass(frozen=True)
class Due:
    """`calendar` says by what the days were told: version, slash, sources; `weekends` among them is a warning."""

    at: datetime
    calendar: str

    @property
    def on(self) -> date:
        """The last day, of which midnight is the end."""
        return day_in_china(self.at - timedelta(microseconds=1))

    @property
    def is_provisional(self) -> bool:
        """Counted through a year whose holidays are not announced; it is counted anew when they are."""
        return "weekends" in self.calendar.partition("/")[2].split("+")


def due(span: Span, start: datetime, calendar: Calendar, pauses: Sequence[Interval] = ()) -> Due:
    """When `span` has run out. The day of `start` is not counted (CPL 85).

    A pause adds what it lasted, in the span's unit: days are the ends of days that it went over, for `wd` those of
    working days. `pauses` are closed; they may overlap.
    """
    seen = _Days(calendar)
    stood = _united(pauses)
    if span.unit in _CLOCK_TIME:
        return Due(_after_running(start, span.count * _CLOCK_TIME[span.unit], _always(start), stood), NO_CALENDAR)
    if span.unit == "h":
        hours = _after_running(start, timedelta(hours=span.count), _opening_hours(start, seen.is_workday), stood)
        return Due(hours, seen.described)
    return Due(_end_of(_last_day(span, start, seen.is_workday, stood), span.at), seen.described)


def calendar_version(described: str) -> str:
    """The version of `Calendar` in what a `Due` or a timer says of its calendar."""
    return described.partition("/")[0]


def day_in_china(instant: datetime) -> date:
    return instant.astimezone(CHINA).date()


@dataclass
class _Days:
    """Asks the calendar, and remembers who answered."""

    calendar: Calendar
    sources: set[Source] = field(default_factory=set)

    def is_workday(self, day: date) -> bool:
        is_workday, source = self.calendar.look_up(day)
        self.sources.add(source)
        return is_workday

    @property
    def described(self) -> str:
        return f"{self.calendar.version}/{'+'.join(sorted(self.sources))}"


def _last_day(span: Span, start: datetime, is_workday: Callable[[date], bool], stood: list[Interval]) -> date:
    """A rest day at the end moves forward to the next working day, never back (CPL 85)."""
    counts = is_workday if span.unit == "wd" else _every_day
    day, left = day_in_china(start), span.count + sum(_ends_between(*pause, span.at, counts) for pause in stood)
    while left:
        day += _ONE_DAY
        left -= counts(day)
    if stood:
        day = max(day, _ending_after(stood[-1][1], span.at))  # never over before it goes on
    while not is_workday(day):
        day += _ONE_DAY
    return day


def _ends_between(begins: datetime, ends: datetime, at: time | None, counts: Callable[[date], bool]) -> int:
    first, last = _ending_after(begins, at), _ending_after(ends, at)
    return sum(counts(first + n * _ONE_DAY) for n in range((last - first).days))


def _ending_after(instant: datetime, at: time | None) -> date:
    """The first day that is not over yet."""
    rest = _ONE_DAY - timedelta(hours=at.hour, minutes=at.minute) if at else timedelta()
    return day_in_china(instant + rest)


def _every_day(_: date) -> bool:
    return True


def _end_of(day: date, at: time | None) -> datetime:
    if at is not None:
        return datetime.combine(day, at, CHINA).astimezone(UTC)
    return datetime.combine(day + _ONE_DAY, time(), CHINA).astimezone(UTC)


def _always(start: datetime) -> Iterator[Interval]:
    yield start, datetime.max.replace(tzinfo=UTC)


def _opening_hours(start: datetime, is_workday: Callable[[date], bool]) -> Iterator[Interval]:
    day = day_in_china(start)
    while True:
        if is_workday(day):
            yield datetime.combine(day, OPENS, CHINA), datetime.combine(day, CLOSES, CHINA)
        day += _ONE_DAY


def _after_running(start: datetime, length: timedelta, runs: Iterator[Interval], stood: list[Interval]) -> datetime:
    """The first instant by which a clock that runs in `runs`, and not in `stood`, has run for `length`."""
    left = length
    for opens, closes in runs:
        for begins, ends in _without((max(opens, start), closes), stood):
            if ends - begins >= left:
                return (begins + left).astimezone(UTC)
            left -= max(ends - begins, timedelta())
    raise AssertionError("a clock has hours without end")


def _without(run: Interval, stood: list[Interval]) -> Iterator[Interval]:
    begins, ends = run
    for stops, goes_on in stood:
        if begins < min(stops, ends):
            yield begins, min(stops, ends)
        begins = max(begins, goes_on)
    if begins < ends:
        yield begins, ends


def _united(pauses: Sequence[Interval]) -> list[Interval]:
    united: list[Interval] = []
    for begins, ends in sorted(pauses):
        if united and begins <= united[-1][1]:
            united[-1] = united[-1][0], max(united[-1][1], ends)
        else:
            united.append((begins, ends))
    return united
