"""Fires clocks that have run out: each once, never early by the database's clock, in transactions of many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Generic, TypeVar
from uuid import UUID

import structlog

from chassis.clock import Clock
from chassis.clock_guard import ClockGuard
from chassis.delivery.outages import until_done
from chassis.delivery.units import Units
from chassis.ids import new_id
from chassis.timers_store import Name, TimerStatements
from chassis.timers_timer import Timer
from chassis.timers_work import TimedWork

W = TypeVar("W", bound=TimedWork)
log = structlog.get_logger(__name__)

BATCH = 200
TICK_SECONDS = 1.0
_FIRST: Name = (UUID(int=0), "", "")


class ClockHeld(Exception):
    """The clock moved between the look and the lock; nothing was fired."""


class Ticker(Generic[W]):
    """`on_timer` decides what a breach means, in memory, like a handler: it gets the timer already breached.

    What it raises makes that timer `failed`, with nothing else done, for an operator. Several tickers may run at once.
    `on_moved` hears, once for each referral, of its clocks, silent ones too, whose due instant another calendar has
    changed: one cause, so that what it states of them is one event.
    """

    def __init__(
        self,
        units: Units[W],
        schema: str,
        on_timer: Callable[[Timer, W], None],
        *,
        on_moved: Callable[[Sequence[Timer], W], None] | None = None,
        guard: ClockGuard | None = None,
    ) -> None:
        self._units, self._on_timer, self._on_moved = units, on_timer, on_moved
        self._statements = TimerStatements(schema)
        self._guard = guard or ClockGuard(Clock().now)

    async def run(self) -> None:
        """Until cancelled; a loop for `Delivery.run`."""
        await until_done("recount_timers", self.recount)
        while True:
            if await until_done("timers", self.tick) < BATCH:
                await asyncio.sleep(TICK_SECONDS)

    async def tick(self) -> int:
        """Fires what is due, one batch; how many it looked at. Nothing while the clock is not believed."""
        async with self._units.database.connection() as connection:
            now, names = await self._statements.list_due(connection, limit=BATCH)
        if not self._guard.believes(now):
            return 0
        if names:
            with suppress(ClockHeld):
                await self._each(names, self._fire_together)
        return len(names)

    async def recount(self) -> None:
        """Running clocks whose days another version of the calendar told are counted by this one. May be repeated."""
        version, after = self._units._make_work(Clock().now()).calendar.version, _FIRST
        while True:
            async with self._units.database.connection() as connection:
                names = await self._statements.list_counted_otherwise(connection, version, after=after, limit=BATCH)
            if not names:
                return
            await self._each(names, self._recount_together)
            log.info("timers_recounted", timers=len(names), calendar=version)
            after = names[-1]

    async def _each(self, names: Sequence[Name], act: Callable[[Sequence[Name]], Awaitable[None]]) -> None:
        """Together; where one spoils the transaction of all, by halves, until it stands alone and has failed."""
        try:
            await until_done("timers", partial(act, names))
        except ClockHeld:
            raise
        except Exception as error:  # the work stays in the table: as failed for an operator, or in its half
            if len(names) == 1:
                await self._fail(names[0], error)
                return
            await self._each(names[: len(names) // 2], act)
            await self._each(names[len(names) // 2 :], act)

    async def _fire_together(self, names: Sequence[Name]) -> None:
        async with self._units.begin(sorted({name[0] for name in names})) as work:
            if not self._guard.believes(work.now):
                raise ClockHeld
            for name in names:
                timer = work.timers.find(name)
                if timer is not None and timer.is_due(work.now):
                    self._fire(timer, work)
            unknown = [name for name in names if work.timers.find(name) is None]
        for name in unknown:  # its service does not load it: it would stand at the head of the queue for ever
            await self._fail(name, LookupError())

    def _fire(self, timer: Timer, work: W) -> None:
        """Each firing is a cause of its own: two clocks that run out together may record events of one type."""
        work.begin_event(timer.referral_id, new_id(), None)
        try:
            self._on_timer(work.put_timer(timer.fire()), work)
        except Exception as error:  # this timer is kept for an operator; those beside it fire
            work.forget()
            work.put_timer(timer.fail())
            _log_failure(timer.name, error)
        work.keep()

    async def _recount_together(self, names: Sequence[Name]) -> None:
        async with self._units.begin(sorted({name[0] for name in names})) as work:
            for referral_id, of_referral in groupby(sorted(names), key=itemgetter(0)):
                work.begin_event(referral_id, new_id(), None)
                moved = [timer for name in of_referral if (timer := _recounted(name, work)) is not None]
                if self._on_moved is not None and moved:
                    self._on_moved(moved, work)
                work.keep()

    async def _fail(self, name: Name, error: Exception) -> None:
        _log_failure(name, error)
        await until_done("timers", partial(self._fail_alone, name))

    async def _fail_alone(self, name: Name) -> None:
        async with self._units.database.transaction() as connection:
            await self._units.statements.open_streams(connection, [name[0]])
            await self._statements.fail(connection, name)


def _recounted(name: Name, work: TimedWork) -> Timer | None:
    """The clock as this calendar has it, where that moves it."""
    timer = work.timers.find(name)
    if timer is None or timer.state != "running" or timer.is_due(work.now) or timer.was_counted_by(work.calendar):
        return None
    after = work.put_timer(timer.recount(work.calendar))
    return after if after.due_at != timer.due_at else None


def _log_failure(name: Name, error: Exception) -> None:
    log.error("timer_failed", referral_id=str(name[0]), clock=name[1], error=type(error).__name__)
