"""Clocks of a service: rows with rule, computed instant and calendar; the database's clock is the authority."""

from chassis.timers_routes import ClocksOut, clock_routes, read_clocks
from chassis.timers_ticking import Ticker
from chassis.timers_timer import Pause, Timer, TimerState
from chassis.timers_work import TimedWork

__all__ = [
    "ClocksOut",
    "Pause",
    "Ticker",
    "TimedWork",
    "Timer",
    "TimerState",
    "clock_routes",
    "read_clocks",
]
