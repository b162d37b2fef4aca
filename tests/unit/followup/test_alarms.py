"""Each alarm that followup adds and no other test raises, raised by the part that raises it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from followup_svc.alarms import ALARMS
from followup_svc.store.closing_audit import Violation
from followup_svc.store.closing_gate import REFUSED
from followup_svc.use_cases import closing_loop
from structlog.testing import capture_logs

REFERRAL = UUID(int=1)


@asynccontextmanager
async def nothing(*_: object) -> AsyncIterator[None]:
    yield None


async def test_a_closing_that_the_trigger_refuses_is_an_alarm_and_ends_no_loop() -> None:
    class Refusing:
        @asynccontextmanager
        async def begin(self, _ids: object) -> AsyncIterator[None]:
            raise asyncpg.PostgresError.new({"C": REFUSED, "M": "not closed"})
            yield

    async def ask(_referral: UUID) -> None:
        return None

    commands, unused = SimpleNamespace(units=lambda _: Refusing()), None
    loop = closing_loop.ClosingLoop(*[_any(part) for part in (unused, commands, ask)])
    with capture_logs() as lines:
        await loop.try_one(REFERRAL)
    assert [(line["event"], line["log_level"]) for line in lines] == [("closing_refused_by_database", "error")]


async def test_a_closing_that_should_not_have_been_is_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    async def found(_connection: object) -> list[Violation]:
        return [Violation(REFERRAL, 1, "visit_open")]

    monkeypatch.setattr(closing_loop, "closing_violations", found)
    with capture_logs() as lines:
        assert await closing_loop.audit_once(_any(SimpleNamespace(connection=nothing))) == 1
    assert [(line["event"], line["log_level"]) for line in lines] == [("closing_violation", "error")]
    assert {"closing_refused_by_database", "closing_violation"} <= set(ALARMS)


def _any(part: Any) -> Any:
    return part
