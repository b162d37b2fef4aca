"""A calendar of another version, by which nothing but rest days lies ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chassis.workdays import Calendar, day_in_china


def a_long_holiday(days: int = 60) -> Calendar:
    """From yesterday on. What counts working days, or ends on a rest day, ends after it."""
    today = day_in_china(datetime.now(UTC))
    return Calendar("a-long-holiday-1", {today + timedelta(days=number): False for number in range(-1, days)})
