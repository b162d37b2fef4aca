from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chassis.clock import Clock
from support.clock import FixedClock


def test_the_machines_clock_gives_aware_utc() -> None:
    now = Clock().now()

    assert now.tzinfo is UTC
    assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_fixed_clock_moves_only_when_told() -> None:
    clock = FixedClock()
    first = clock.now()
    clock.advance(timedelta(hours=1))

    assert clock.now() - first == timedelta(hours=1)
