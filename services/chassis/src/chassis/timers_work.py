"""The unit of work of a service that owns clocks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

import asyncpg

from chassis.delivery.rows import Rows
from chassis.delivery.work import Work
from chassis.timers_store import Name, timer_statements
from chassis.timers_timer import Timer, end_of
from chassis.workdays import Calendar, Span


class TimedWork(Work):
    """A service's `load` calls `load_timers` for the referrals that it knows, its `save` calls `save_timers`.

    Nothing here records an event: who starts, meets or pauses a clock that others watch says so himself.
    """

    timer_schema: str = ""
    """The service's schema, said by its subclass; empty: the table as the serving role finds it by its search path."""

    def __init__(self, now: datetime, calendar: Calendar) -> None:
        super().__init__(now)
        self.calendar = calendar
        self.timers: Rows[Name, Timer] = self.rows()
        self._names: dict[UUID, dict[Name, None]] = {}
        self._timer_statements = timer_statements(self.timer_schema)

    async def load_timers(self, connection: asyncpg.Connection, referral_ids: Sequence[UUID]) -> None:
        """One statement; none for no referrals."""
        if not referral_ids:
            return
        for timer in await self._timer_statements.load(connection, referral_ids):
            self.timers.load(timer.name, timer)
            self._names.setdefault(timer.referral_id, {})[timer.name] = None

    async def save_timers(self, connection: asyncpg.Connection) -> None:
        """One statement; none when no clock has changed."""
        await self._timer_statements.save(connection, list(self.timers.changed().values()))

    def start_clock(
        self,
        referral_id: UUID,
        clock: str,
        span: Span | str | date | datetime,
        *,
        rule: str,
        key: str = "",
        start: datetime | None = None,
        silent: bool = False,
    ) -> Timer:
        """Starts it, or anew. A date as span is due at that day's end in China, an instant at that instant."""
        started_at = start or self.now
        written, due = end_of(span, started_at, self.calendar)
        return self.put_timer(
            Timer(referral_id, clock, key, written, started_at, due.at, rule, due.calendar, silent=silent)
        )

    def find_clock(self, referral_id: UUID, clock: str, key: str = "") -> Timer | None:
        return self.timers.find((referral_id, clock, key))

    def clocks_of(self, referral_id: UUID) -> list[Timer]:
        """All of a referral, whatever became of them, by name."""
        found = (self.timers.find(name) for name in sorted(self._names.get(referral_id, ())))
        return [timer for timer in found if timer is not None]

    def meet(self, referral_id: UUID, clock: str, key: str = "", *, at: datetime | None = None) -> Timer | None:
        """The clock, met; None when there is nothing to meet.

        One that had run out stays breached: its `ended_at` says when it was met. If it has not fired yet it does so
        still, once; whether a breach is heard of must not depend on who came first.
        """
        timer = self.find_clock(referral_id, clock, key)
        if timer is None or not timer.is_open or timer.ended_at is not None:
            return None
        return self.put_timer(timer.meet(at=at or self.now, now=self.now))

    def cancel(self, referral_id: UUID, clock: str, key: str = "") -> Timer | None:
        """What it waited for is no longer wanted. None when there is nothing to cancel."""
        timer = self.find_clock(referral_id, clock, key)
        if timer is None or not timer.is_open:
            return None
        return self.put_timer(timer.cancel(at=self.now))

    def pause(self, referral_id: UUID, reason: str, *, clocks: Collection[str] | None = None) -> list[Timer]:
        """Those that stand still now and did not for this reason before; silent ones only when `clocks` names them.

        Limits that the law sets run on: name the `clocks` that may pause. One that has run out does not.
        """
        chosen = [t for t in self.clocks_of(referral_id) if (not t.silent if clocks is None else t.clock in clocks)]
        return self._changed((timer, timer.pause(reason, at=self.now)) for timer in chosen)

    def resume(self, referral_id: UUID, reason: str | None = None) -> list[Timer]:
        """Those that this changed: RUNNING ones have a new `due_at`, PAUSED ones stand still for another reason."""
        return self._changed(
            (timer, timer.resume(reason, self.calendar, at=self.now)) for timer in self.clocks_of(referral_id)
        )

    def put_timer(self, timer: Timer) -> Timer:
        self._names.setdefault(timer.referral_id, {})[timer.name] = None
        self.timers.put(timer.name, timer)
        return timer

    def _changed(self, pairs: Iterable[tuple[Timer, Timer]]) -> list[Timer]:
        return [self.put_timer(after) for before, after in pairs if after is not before]
