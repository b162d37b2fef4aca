"""Each alarm that intake adds, raised by the part that raises it."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from chassis.timers_timer import Timer
from intake_svc.alarms import ALARMS
from intake_svc.domain.call import CallState
from intake_svc.domain.feedback import Milestone
from intake_svc.use_cases.milestones import reach
from intake_svc.use_cases.running_clocks import on_timer
from intake_svc.use_cases.screen_calls import ScreenCalls
from structlog.testing import capture_logs

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
Lines = Sequence[MutableMapping[str, Any]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    with capture_logs() as captured:
        yield captured


def alarms(lines: Lines) -> list[str]:
    found = [line["event"] for line in lines if line["log_level"] == "error"]
    assert set(found) <= set(ALARMS)
    return found


def work_with(call: Any) -> Any:
    return SimpleNamespace(subject=UUID(int=1), call_of=lambda _: call)


def a_screener(**parts: Any) -> Any:
    return ScreenCalls(**{"units": None, "vault": None, "rules": None, "linking": None} | parts)


def test_a_call_that_nobody_looks_at_in_time_is_an_alarm(lines: Lines) -> None:
    call: Any = SimpleNamespace(call_id=UUID(int=2), state=CallState.AWAITING_SCREENER)
    timer = Timer(UUID(int=1), "screen", "", "30min", AT, AT, "r", "none", silent=True)
    on_timer(timer, work_with(call))
    assert alarms(lines) == ["call_overdue"]


def test_a_milestone_of_a_referral_that_was_never_opened_here_is_an_alarm(lines: Lines) -> None:
    unused: Any = None
    reach(Milestone.SIGNED, work_with(SimpleNamespace(has_opened=False)), at=AT, profiles=unused)
    assert alarms(lines) == ["milestone_of_no_call"]


def test_a_call_whose_sealed_fields_cannot_be_opened_is_an_alarm_and_goes_to_a_person(lines: Lines) -> None:
    class Shut:
        def open(self, *_: object) -> None:
            raise ValueError("tampered")

    stored: Any = SimpleNamespace(call=SimpleNamespace(call_id=UUID(int=2)), version_id=UUID(int=3), sealed=b"x")
    assert a_screener(vault=Shut())._read(stored) == ({}, None)
    assert alarms(lines) == ["call_unreadable"]


async def test_a_batch_that_the_database_refuses_is_an_alarm_and_is_taken_call_by_call(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[tuple[int, bool]] = []

    async def take(_self: object, limit: int, *, hold_all: bool = False) -> int:
        taken.append((limit, hold_all))
        if not hold_all:
            raise asyncpg.DataError
        return 1

    monkeypatch.setattr(ScreenCalls, "_take", take)
    assert await a_screener()(limit=200) == 1
    assert taken == [(200, False), (1, False), (1, True)]
    assert set(alarms(lines)) == {"batch_refused_by_database"}
