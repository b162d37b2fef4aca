"""The clock guard: holds and raises the alarm, and lets go again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from chassis.clock_guard import ClockGuard
from structlog.testing import capture_logs
from support.clock import FixedClock


class Machine:
    """Three clocks: the process's, the database's, and the one that nobody can set."""

    def __init__(self, *, apart: timedelta = timedelta()) -> None:
        self.process, self.database, self.seconds = FixedClock(), FixedClock(), 1000.0
        self.database.advance(apart)
        self.guard = ClockGuard(self.process.now, lambda: self.seconds)

    def passes(self, by: timedelta) -> None:
        self.process.advance(by)
        self.database.advance(by)
        self.seconds += by.total_seconds()

    def believes(self) -> bool:
        return self.guard.believes(self.database.now())


@pytest.mark.parametrize("sign", [1, -1])
def test_at_start_the_clocks_may_be_five_minutes_apart_and_no_more(sign: int) -> None:
    assert Machine(apart=sign * timedelta(minutes=5)).believes()
    assert not Machine(apart=sign * timedelta(minutes=5, seconds=1)).believes()


@pytest.mark.parametrize(
    "jump", [timedelta(hours=-1), timedelta(hours=1), timedelta(days=40), timedelta(seconds=61), timedelta(seconds=-61)]
)
def test_a_database_clock_that_moves_by_itself_is_not_believed_until_it_is_back(jump: timedelta) -> None:
    machine = Machine()
    assert machine.believes()
    machine.database.advance(jump)
    assert not machine.believes()
    machine.passes(timedelta(hours=2))
    assert not machine.believes()
    machine.database.advance(-jump)
    assert machine.believes()
    assert not machine.guard.holds


def test_both_clocks_set_ahead_together_are_noticed_too() -> None:
    machine = Machine()
    assert machine.believes()
    for clock in (machine.process, machine.database):
        clock.advance(timedelta(days=40))
    assert not machine.believes()


def test_a_restart_takes_the_clock_as_it_is() -> None:
    machine = Machine()
    machine.believes()
    for clock in (machine.process, machine.database):
        clock.advance(timedelta(days=40))
    assert ClockGuard(machine.process.now, lambda: 0.0).believes(machine.database.now())


def test_the_process_clock_alone_may_move_while_running() -> None:
    machine = Machine()
    assert machine.believes()
    machine.process.advance(timedelta(hours=-1))
    assert machine.believes()


def test_small_corrections_are_followed_for_days() -> None:
    machine = Machine()
    for _ in range(1000):
        assert machine.believes()
        machine.passes(timedelta(minutes=10))
        machine.database.advance(timedelta(seconds=1))


def test_many_small_steps_within_ten_minutes_are_one_jump() -> None:
    machine = Machine()
    believed = []
    for _ in range(10):
        believed.append(machine.believes())
        machine.passes(timedelta(seconds=1))
        machine.database.advance(timedelta(seconds=30))
    assert believed[:3] == [True] * 3
    assert not any(believed[3:])


def test_time_that_passes_while_nobody_looks_is_no_jump() -> None:
    machine = Machine()
    assert machine.believes()
    machine.passes(timedelta(days=3))
    assert machine.believes()


def test_the_alarm_rises_once_a_minute_while_it_holds() -> None:
    machine = Machine(apart=timedelta(hours=1))
    with capture_logs() as logs:
        for _ in range(121):
            machine.believes()
            machine.passes(timedelta(seconds=1))
        machine.process.advance(timedelta(hours=1))
        assert machine.believes()
    alarms = [entry for entry in logs if entry["log_level"] == "error"]
    assert [entry["event"] for entry in alarms] == ["timers_held_by_clock"] * 3
    assert alarms[0]["seconds_apart"] == 3600
    assert logs[-1]["event"] == "clock_agrees_again"
