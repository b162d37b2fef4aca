"""Whether the database's clock can be believed: a deadline fired by a wrong clock cannot be taken back."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

log = structlog.get_logger(__name__)

MOST_APART = timedelta(minutes=5)
MOST_MOVED = timedelta(minutes=1)
ANCHOR_SECONDS = 600.0
ALARM_SECONDS = 60.0


def running_seconds() -> float:
    """Seconds that nobody can set, those that the machine slept included where it tells them."""
    source = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if source is None else time.clock_gettime(source)


class ClockGuard:
    """Holds while the two clocks are too far apart at start, or while the database's has moved by itself since.

    It lets go by itself when the clock is again where it should be; otherwise a restart says that a person has looked.
    """

    def __init__(self, now: Callable[[], datetime], seconds: Callable[[], float] = running_seconds) -> None:
        self._now, self._seconds = now, seconds
        self._anchor: tuple[datetime, float] | None = None
        self._alarmed_at: float | None = None

    @property
    def holds(self) -> bool:
        return self._alarmed_at is not None

    def believes(self, database_now: datetime) -> bool:
        """May be asked with any reading just taken; raises the alarm, once a minute, while it does not."""
        seconds = self._seconds()
        wrong = self._first(database_now) if self._anchor is None else self._moved(database_now, seconds, self._anchor)
        if wrong is not None:
            self._alarm(seconds, **wrong)
            return False
        if self._anchor is None or seconds - self._anchor[1] >= ANCHOR_SECONDS:
            self._anchor = database_now, seconds
        if self._alarmed_at is not None:
            log.info("clock_agrees_again")
            self._alarmed_at = None
        return True

    def _first(self, database_now: datetime) -> dict[str, float] | None:
        apart = database_now - self._now()
        return {"seconds_apart": round(apart.total_seconds(), 1)} if abs(apart) > MOST_APART else None

    def _moved(self, database_now: datetime, seconds: float, anchor: tuple[datetime, float]) -> dict[str, float] | None:
        moved = (database_now - anchor[0]) - timedelta(seconds=seconds - anchor[1])
        return {"seconds_moved": round(moved.total_seconds(), 1)} if abs(moved) > MOST_MOVED else None

    def _alarm(self, seconds: float, **wrong: float) -> None:
        if self._alarmed_at is None or seconds - self._alarmed_at >= ALARM_SECONDS:
            log.error("timers_held_by_clock", **wrong)
            self._alarmed_at = seconds
