"""One clock: what may become of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from chassis.workdays import CHINA, NO_CALENDAR, Calendar, Due, Interval, Span, calendar_version, due


class TimerState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"
    CANCELLED = "cancelled"
    FAILED = "failed"
    """It fired, and what should have been done could not be: an operator looks at it."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch in which the clock stood still, for a listed reason; it stands still yet while `until` is None."""

    reason: str
    since: datetime
    until: datetime | None = None


class Timer(NamedTuple):
    """A clock of a referral; `key` tells apart several of one name, such as one for each obligation.

    `silent`: it wakes its service and nobody else hears of it. `ended_at` of a breached one: when it was met, too late.
    """

    referral_id: UUID
    clock: str
    key: str
    span: str
    started_at: datetime
    due_at: datetime
    rule: str
    calendar: str
    state: TimerState = TimerState.RUNNING
    pauses: tuple[Pause, ...] = ()
    ended_at: datetime | None = None
    silent: bool = False

    @property
    def name(self) -> tuple[UUID, str, str]:
        return self.referral_id, self.clock, self.key

    @property
    def is_fixed(self) -> bool:
        """Set to a day or an instant, not counted: it neither pauses nor depends on a calendar."""
        return self.span.startswith("@")

    @property
    def is_open(self) -> bool:
        """Something may still be done about it."""
        return self.state in (TimerState.RUNNING, TimerState.PAUSED) or (
            self.state is TimerState.BREACHED and self.ended_at is None
        )

    def is_due(self, now: datetime) -> bool:
        return self.state is TimerState.RUNNING and self.due_at <= now

    def pause(self, reason: str, *, at: datetime) -> Timer:
        """Unchanged when it has run out, or stands still for this reason already."""
        stands = any(pause.reason == reason and pause.until is None for pause in self.pauses)
        may = self.state is TimerState.PAUSED or (self.state is TimerState.RUNNING and at < self.due_at)
        if stands or not may or self.is_fixed:
            return self
        return self._replace(state=TimerState.PAUSED, pauses=(*self.pauses, Pause(reason, at)))

    def resume(self, reason: str | None, calendar: Calendar, *, at: datetime) -> Timer:
        """Goes on when no other reason is left; None ends all of them."""
        if self.state is not TimerState.PAUSED:
            return self
        pauses = tuple(
            replace(pause, until=max(at, pause.since))
            if pause.until is None and reason in (None, pause.reason)
            else pause
            for pause in self.pauses
        )
        if any(pause.until is None for pause in pauses):
            return self._replace(pauses=pauses)
        return self._replace(state=TimerState.RUNNING, pauses=pauses).recount(calendar)

    def recount(self, calendar: Calendar) -> Timer:
        """When it is due by this calendar; what stood still is taken into account."""
        if self.is_fixed:
            return self
        counted = due(Span.parse(self.span, demo=True), self.started_at, calendar, _closed(self.pauses))
        return self._replace(due_at=counted.at, calendar=counted.calendar)

    def was_counted_by(self, calendar: Calendar) -> bool:
        return self.calendar == NO_CALENDAR or calendar_version(self.calendar) == calendar.version

    def meet(self, *, at: datetime, now: datetime) -> Timer:
        """Met in time; or, when it ran out before `now`, met and nonetheless breached: the ticker still fires it."""
        if not self.silent and (self.state is TimerState.BREACHED or self.is_due(now)):
            return self._replace(ended_at=at)
        return self._replace(state=TimerState.MET, ended_at=at)

    def cancel(self, *, at: datetime) -> Timer:
        breached = self.state is TimerState.BREACHED
        return self._replace(state=TimerState.BREACHED if breached else TimerState.CANCELLED, ended_at=at)

    def fire(self) -> Timer:
        return self._replace(state=TimerState.BREACHED)

    def fail(self) -> Timer:
        return self._replace(state=TimerState.FAILED)


def end_of(span: Span | str | date | datetime, start: datetime, calendar: Calendar) -> tuple[str, Due]:
    """How a clock's span is written down, and when it ends. A date means its end in China, and no rest day moves it."""
    if isinstance(span, datetime):
        return f"@{span.astimezone(UTC).isoformat()}", Due(span.astimezone(UTC), NO_CALENDAR)
    if isinstance(span, date):
        midnight = datetime.combine(span + timedelta(days=1), time(), CHINA)
        return f"@{span.isoformat()}", Due(midnight.astimezone(UTC), NO_CALENDAR)
    counted = Span.parse(span) if isinstance(span, str) else span
    return str(counted), due(counted, start, calendar)


def _closed(pauses: Sequence[Pause]) -> list[Interval]:
    return [(pause.since, pause.until) for pause in pauses if pause.until is not None]
