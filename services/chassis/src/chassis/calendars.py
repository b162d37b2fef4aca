"""Which day is a working day in China: what an operator says, what the State Council announced, else Monday to Friday.

Nothing is guessed for a year without a notice: invented holidays would lengthen limits that the law sets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from importlib.metadata import version as version_of
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import chinese_calendar
import yaml

from chassis.yaml_text import read_yaml

Source = Literal["override", "chinesecalendar", "weekends"]

_SATURDAY = 5
_DAYS = {"off": False, "work": True}


class CalendarRefused(ValueError):
    """What is wrong with an override file, in words for whoever wrote it."""


@dataclass(frozen=True)
class Calendar:
    """`version` names all that decides, so that two calendars of one version give one answer."""

    version: str
    overrides: Mapping[date, bool] = field(default_factory=dict, repr=False, compare=False)

    def is_workday(self, day: date) -> bool:
        return self.look_up(day)[0]

    def source_of(self, day: date) -> Source:
        return self.look_up(day)[1]

    def look_up(self, day: date) -> tuple[bool, Source]:
        """Whether it is a working day, and who says so."""
        if day in self.overrides:
            return self.overrides[day], "override"
        return _without_overrides(day)


@lru_cache(maxsize=10_000)
def _without_overrides(day: date) -> tuple[bool, Source]:
    """Remembered: limits are counted on the busiest road, and the package takes its time."""
    try:
        return bool(chinese_calendar.is_workday(day)), "chinesecalendar"
    except NotImplementedError:  # a year that it does not know
        return day.weekday() < _SATURDAY, "weekends"


def load_calendar(file: Path | None = None) -> Calendar:
    """The package's calendar, with the days of an override file above it. Raises CalendarRefused."""
    base = f"chinesecalendar-{version_of('chinesecalendar')}"
    if file is None:
        return Calendar(base)
    try:
        stated = read_yaml(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CalendarRefused(f"the calendar file cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise CalendarRefused("the calendar file is not YAML") from None
    if not isinstance(stated, dict) or set(stated) != {"version", "days"}:
        raise CalendarRefused("the calendar file has `version` and `days`, and nothing else")
    return Calendar(f"{_version(stated['version'])}+{base}", MappingProxyType(_days(stated["days"])))


def _version(stated: Any) -> str:
    version = str(stated)
    if not version or len(version) > 60 or not version.isascii() or any(sign in version for sign in " /+"):
        raise CalendarRefused("`version` is 1 to 60 ASCII characters without space, slash or plus")
    return version


def _days(stated: Any) -> dict[date, bool]:
    if not isinstance(stated, dict):
        raise CalendarRefused("`days` maps dates to `off` or `work`")
    return {_day(day): _kind(day, kind) for day, kind in stated.items()}


def _day(stated: Any) -> date:
    if type(stated) is not date:
        raise CalendarRefused(f"`days`: {stated!r} is not a date such as 2027-01-01")
    return stated


def _kind(day: date, stated: Any) -> bool:
    """YAML reads a bare `off` as false; and so `on` must do for `work`."""
    kind = stated if isinstance(stated, bool) else _DAYS.get(stated) if isinstance(stated, str) else None
    if kind is None:
        raise CalendarRefused(f"`days`: {day} is `off` or `work`, not {stated!r}")
    return kind
