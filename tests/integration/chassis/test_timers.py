"""Clocks on a real database: once, never early, through crashes, crowds and clocks that jump."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import UUID

import asyncpg
import pytest
from chassis import timers_ticking
from chassis.clock import Clock
from chassis.clock_guard import ClockGuard
from chassis.ids import new_id
from chassis.timers import Timer, TimerState
from chassis.workdays import Calendar
from structlog.testing import capture_logs
from support.stack import eventually
from support.timed import Timed, ToyTimedWork, another, record_breach, timed
from support.toys import Ponged

RULE = "clocks-2026.1"
ANNOUNCED = Calendar("cn-2027.1", {date(2027, 1, day): False for day in range(1, 32)})


@pytest.fixture
async def toy(database: str) -> AsyncIterator[Timed]:
    async with timed(database) as made:
        yield made


async def a_clock(toy: Timed, span: str = "30min", *, clock: str = "sign_for", silent: bool = False) -> UUID:
    referral_id = new_id()
    async with toy.units.begin([referral_id]) as work:
        work.start_clock(referral_id, clock, span, rule=RULE, silent=silent)
    return referral_id


async def test_a_clock_comes_back_as_it_was_written(toy: Timed) -> None:
    referral_id = new_id()
    async with toy.units.begin([referral_id]) as work:
        work.start_clock(referral_id, "sign_for", "4h", rule=RULE, key="1")
        work.keep()
        work.pause(referral_id, "halted")
        work.keep()
        work.resume(referral_id)
        work.keep()
        work.pause(referral_id, "suspended")
        work.keep()
        (written,) = work.clocks_of(referral_id)
    assert await toy.find(referral_id, key="1") == written
    assert [(pause.reason, pause.until is None) for pause in written.pauses] == [("halted", False), ("suspended", True)]


async def test_a_clock_fires_once_and_what_it_records_is_there_with_it(toy: Timed) -> None:
    referral_id = await a_clock(toy)
    ticker = toy.ticker()
    assert await ticker.tick() == 0
    await toy.has_run_out(referral_id, ago="0 seconds")
    assert await ticker.tick() == 1
    assert await ticker.tick() == 0
    assert (await toy.find(referral_id)).state is TimerState.BREACHED
    assert await toy.events(referral_id) == 1


async def test_no_clock_fires_before_its_instant(toy: Timed) -> None:
    """Two hundred clocks within two seconds: none is fired by a database clock that is before it."""
    referral_ids = [new_id() for _ in range(200)]
    seen: list[tuple[datetime, datetime]] = []

    def look(timer: Timer, work: ToyTimedWork) -> None:
        seen.append((timer.due_at, work.now))

    async with toy.units.begin(referral_ids) as work:
        for n, referral_id in enumerate(referral_ids):
            work.start_clock(referral_id, "visit", work.now + timedelta(milliseconds=10 * n), rule=RULE, silent=True)
    ticker = toy.ticker(look)

    async def all_fired() -> bool:
        await ticker.tick()
        return len(seen) == 200

    await eventually(all_fired, within=20)
    assert all(due_at <= now for due_at, now in seen)


async def test_two_tickers_at_once_fire_each_clock_once(toy: Timed, database: str) -> None:
    referral_ids = [new_id() for _ in range(300)]
    async with toy.units.begin(referral_ids) as work:
        for referral_id in referral_ids:
            work.start_clock(referral_id, "sign_for", work.now, rule=RULE)
    async with another(database) as other:
        tickers = [toy.ticker(), other.ticker()]
        while sum(await asyncio.gather(*(ticker.tick() for ticker in tickers))):
            pass
    assert await toy.value("SELECT count(*) FROM pong.event_log") == 300
    assert await toy.value("SELECT count(DISTINCT referral_id) FROM pong.event_log") == 300
    assert await toy.value("SELECT count(*) FROM pong.timer WHERE state = 'breached'") == 300


async def test_a_ticker_that_waited_for_a_lock_sees_what_was_done_meanwhile(toy: Timed, database: str) -> None:
    """The list is old when the lock is there: a clock met in between does not fire."""
    referral_id = await a_clock(toy, clock="visit", silent=True)
    await toy.has_run_out(referral_id, "visit")
    async with another(database) as other:
        async with toy.units.begin([referral_id]) as work:
            ticking = asyncio.create_task(other.ticker().tick())
            await eventually(partial(_waits_for_a_lock, database), within=5)
            work.meet(referral_id, "visit")
        assert await ticking == 1
    assert (await toy.find(referral_id, "visit")).state is TimerState.MET


async def test_work_that_is_rolled_back_leaves_the_clock_to_fire(toy: Timed, monkeypatch: pytest.MonkeyPatch) -> None:
    referral_id = await a_clock(toy)
    await toy.has_run_out(referral_id)
    times = iter([True])

    async def save(work: ToyTimedWork, connection: asyncpg.Connection) -> None:
        await work.save_timers(connection)
        if next(times, False):
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(ToyTimedWork, "save", save)
    ticker = toy.ticker()
    assert await ticker.tick() == 1  # it lasts until it is done
    assert next(times, None) is None
    assert await ticker.tick() == 0
    assert await toy.events(referral_id) == 1


async def test_a_killed_worker_has_fired_or_has_not(toy: Timed, database: str) -> None:
    """Killed right before the commit: nothing has happened, and the next worker does all of it."""
    referral_id = await a_clock(toy)
    await toy.has_run_out(referral_id)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _KILLED_BEFORE_COMMIT, database, env={**os.environ, "PYTHONPATH": "tests"}
    )
    assert await child.wait() == -signal.SIGKILL
    assert await toy.events(referral_id) == 0
    assert (await toy.find(referral_id)).state is TimerState.RUNNING
    assert await toy.ticker().tick() == 1
    assert await toy.events(referral_id) == 1


async def test_five_thousand_due_at_once_fire_in_batches(toy: Timed) -> None:
    await toy.value(
        f"""INSERT INTO pong.timer (referral_id, clock, key, span, started_at, due_at, rule, calendar, state, silent)
            SELECT gen_random_uuid(), 'sign_for', '', '30min', now() - interval '1 hour',
                   now() - n * interval '1 second', '{RULE}', 'none', 'running', false
            FROM generate_series(1, 5000) n"""
    )
    ticker, sizes = toy.ticker(), []
    while size := await ticker.tick():
        sizes.append(size)
    assert sizes == [timers_ticking.BATCH] * 25
    assert await toy.value("SELECT count(*) FROM pong.timer WHERE state = 'breached'") == 5000
    assert await toy.value("SELECT count(*) FROM pong.event_log") == 5000
    assert await toy.value("SELECT count(DISTINCT referral_id) FROM pong.event_log") == 5000


async def test_the_look_for_due_clocks_reads_the_index_of_running_ones_alone(toy: Timed) -> None:
    async with toy.database.connection() as connection:
        statement = toy.ticker()._statements._due
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement}", 200))
    assert "timer_due" in plan
    assert "Seq Scan" not in plan
    assert "Index Cond: (due_at <= now())" in plan


async def test_a_clock_whose_consequence_fails_stands_aside_and_stops_nobody(toy: Timed) -> None:
    poisoned, healthy, refused = [await a_clock(toy) for _ in range(3)]

    def act(timer: Timer, work: ToyTimedWork) -> None:
        record_breach(timer, work)
        if timer.referral_id == poisoned:
            raise ValueError("poison")
        if timer.referral_id == refused:
            work.timers.put(timer.name, timer_too_wide(timer))

    for referral_id in (poisoned, healthy, refused):
        await toy.has_run_out(referral_id)
    with capture_logs() as logs:
        ticker = toy.ticker(act)
        assert await ticker.tick() == 3
        assert await ticker.tick() == 0
    assert (await toy.find(poisoned)).state is TimerState.FAILED
    assert (await toy.find(refused)).state is TimerState.FAILED
    assert (await toy.find(healthy)).state is TimerState.BREACHED
    assert [await toy.events(one) for one in (poisoned, healthy, refused)] == [0, 1, 0]
    failures = {entry["referral_id"] for entry in logs if entry["event"] == "timer_failed"}
    assert failures == {str(poisoned), str(refused)}


async def test_a_clock_that_its_service_does_not_load_stands_aside_too(
    toy: Timed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the head of the queue it would hold up all others, for ever."""
    referral_id = await a_clock(toy)
    await toy.has_run_out(referral_id)

    async def load_nothing(*_: object) -> None:
        pass

    with monkeypatch.context() as patched:
        patched.setattr(ToyTimedWork, "load", load_nothing)
        ticker = toy.ticker()
        assert await ticker.tick() == 1
        assert await ticker.tick() == 0
    assert (await toy.find(referral_id)).state is TimerState.FAILED


async def test_clocks_of_one_referral_that_run_out_together_are_causes_of_their_own(toy: Timed) -> None:
    referral_id = new_id()
    async with toy.units.begin([referral_id]) as work:
        for clock in ("sign_for", "first_contact"):
            work.start_clock(referral_id, clock, work.now, rule=RULE)
    await toy.ticker().tick()
    causes = await toy.value(
        "SELECT count(DISTINCT causation_id) FROM pong.event_log WHERE referral_id = $1", referral_id
    )
    assert (await toy.events(referral_id), causes) == (2, 2)


async def test_a_clock_that_stands_still_does_not_fire_until_it_goes_on(toy: Timed) -> None:
    referral_id = await a_clock(toy)
    async with toy.units.begin([referral_id]) as work:
        work.pause(referral_id, "halted")
    await toy.has_run_out(referral_id)
    assert await toy.ticker().tick() == 0
    async with toy.units.begin([referral_id]) as work:
        (resumed,) = work.resume(referral_id)
        assert resumed.due_at > work.now
    assert await toy.ticker().tick() == 0


async def test_a_clock_met_too_late_and_before_the_ticker_came_is_breached_still(toy: Timed) -> None:
    referral_id = await a_clock(toy)
    await toy.has_run_out(referral_id)
    async with toy.units.begin([referral_id]) as work:
        met = work.meet(referral_id, "sign_for")
    assert await toy.ticker().tick() == 1
    fired = await toy.find(referral_id)
    assert met is not None
    assert (fired.state, fired.ended_at) == (TimerState.BREACHED, met.ended_at)
    assert await toy.events(referral_id) == 1


async def test_nothing_fires_while_the_database_clock_cannot_be_believed(toy: Timed) -> None:
    """At start an hour apart from the process; then, after a restart, moved by forty days while running."""
    referral_id = await a_clock(toy)
    await toy.has_run_out(referral_id)
    with capture_logs() as logs:
        apart = ClockGuard(lambda: datetime.now(UTC) - timedelta(hours=1))
        assert await toy.ticker(guard=apart).tick() == 0
        seconds = iter([0.0, 0.0, 40 * 86400.0, 40 * 86400.0])
        jumping = ClockGuard(Clock().now, lambda: next(seconds))
        assert jumping.believes(datetime.now(UTC))
        assert jumping.believes(datetime.now(UTC))
        assert await toy.ticker(guard=jumping).tick() == 0
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["timers_held_by_clock"] * 2
    assert await toy.events(referral_id) == 0
    assert await toy.ticker().tick() == 1


async def test_a_clock_that_jumps_between_look_and_lock_fires_nothing(toy: Timed) -> None:
    referral_id = await a_clock(toy)
    await toy.has_run_out(referral_id)
    seconds = iter([0.0, 86400.0, 0.0, 0.0])
    ticker = toy.ticker(guard=ClockGuard(Clock().now, lambda: next(seconds)))
    await ticker.tick()
    assert await toy.events(referral_id) == 0
    await ticker.tick()
    assert await toy.events(referral_id) == 1


async def test_another_calendar_at_start_counts_running_clocks_anew(toy: Timed, database: str) -> None:
    """What has run out, what was met, and what no calendar told stay as they are."""
    start = datetime(2026, 12, 30, 2, tzinfo=UTC)
    ids = {name: new_id() for name in ("running", "met", "minutes", "silent")}
    async with toy.units.begin(sorted(ids.values())) as work:
        for name, referral_id in ids.items():
            span = "90000min" if name == "minutes" else "2wd"
            work.start_clock(referral_id, "limit", span, rule=RULE, start=start, silent=name == "silent")
        work.keep()
        work.meet(ids["met"], "limit")
    past = await a_clock(toy, "3wd", clock="limit")
    await toy.has_run_out(past, "limit")
    moved: list[UUID] = []

    def tell(timers: Sequence[Timer], work: ToyTimedWork) -> None:
        moved.extend(timer.referral_id for timer in timers)
        work.record(timers[0].referral_id, Ponged(n=len(timers)))

    async with another(database, ANNOUNCED) as restarted:
        ticker = restarted.ticker(on_moved=tell)
        await ticker.recount()
        await ticker.recount()
    after = {name: await toy.find(referral_id, "limit") for name, referral_id in ids.items()}
    assert after["running"].due_at == datetime(2027, 2, 1, 16, tzinfo=UTC)
    assert after["running"].calendar == "cn-2027.1/chinesecalendar+override+weekends"
    assert after["silent"].due_at == after["running"].due_at
    assert after["met"].due_at == datetime(2027, 1, 1, 16, tzinfo=UTC)
    assert after["minutes"].calendar == "none"
    assert not (await toy.find(past, "limit")).calendar.startswith("cn-2027.1")
    assert sorted(moved) == sorted([ids["running"], ids["silent"]])
    assert await toy.events(ids["running"]) == 1


async def test_the_loop_fires_what_runs_out_while_it_sleeps(toy: Timed) -> None:
    referral_ids = []
    task = asyncio.create_task(toy.ticker().run())
    try:
        for _ in range(2):
            referral_ids.append(new_id())
            async with toy.units.begin([referral_ids[-1]]) as work:
                work.start_clock(referral_ids[-1], "sign_for", work.now + timedelta(milliseconds=300), rule=RULE)
        for referral_id in referral_ids:
            await eventually(partial(_has_event, toy, referral_id), within=10)
    finally:
        task.cancel()


def timer_too_wide(timer: Timer) -> Timer:
    """Something that the table refuses, at the end of the transaction of all."""
    return Timer(timer.referral_id, timer.clock, timer.key, "\x00", timer.started_at, timer.due_at, RULE, "none")


async def _has_event(toy: Timed, referral_id: UUID) -> bool:
    return await toy.events(referral_id) == 1


async def _waits_for_a_lock(database: str) -> bool:
    connection = await asyncpg.connect(database)
    try:
        statement = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(await connection.fetchval(statement))
    finally:
        await connection.close()


_KILLED_BEFORE_COMMIT = """
import asyncio, os, signal, sys
from chassis.delivery import units
from support.timed import another
units.failpoint = lambda place: os.kill(os.getpid(), signal.SIGKILL) if place == "unit.before_commit" else None

async def main():
    async with another(sys.argv[1]) as toy:
        await toy.ticker().tick()

asyncio.run(main())
"""
