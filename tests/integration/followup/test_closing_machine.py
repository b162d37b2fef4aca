"""Every way to close too early, by chance; and that the search would find a gate with a hole in it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from followup_svc.domain.gate import broken_rules
from followup_svc.domain.obstacles import Rule
from followup_svc.use_cases import closing
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from support.closing_machine import ClosingMachine
from support.watching import a_desk

SEARCH = settings(
    max_examples=20, stateful_step_count=30, deadline=None, database=None,
    suppress_health_check=list(HealthCheck), phases=(Phase.generate,), print_blob=False,
)  # fmt: skip

# Ends with the first hole it meets; twenty examples may pass a hole by.
HUNT = settings(SEARCH, max_examples=400, report_multiple_bugs=False)


@pytest.fixture
def machine(shared_url: str, tmp_path: Path) -> Iterator[Any]:
    """The machine with a desk on a loop of its own: Hypothesis does not await."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with asyncio.Runner() as runner:
        context = a_desk(shared_url, tmp_path)
        desk = runner.run(context.__aenter__())
        yield type("Machine", (ClosingMachine,), {"desk": desk, "runner": runner, "met": Counter()})
        runner.run(context.__aexit__(None, None, None))
    structlog.reset_defaults()


def test_no_way_leads_past_the_gate_and_none_that_is_open_is_barred(machine: Any) -> None:
    run_state_machine_as_test(machine, settings=SEARCH)


def test_the_search_knows_a_way_to_a_closing(machine: Any) -> None:
    """Chance may come past it or not: a search that could never close would say nothing."""
    one = machine()
    one.open("yellow")
    one.close()
    one.clear_the_way(then_closes=True)
    assert machine.met == {"409": 1, "200": 1}


def test_the_search_finds_a_hole_in_both_gates(machine: Any, shared_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The domain forgets the visits, and a superuser has taken the trigger away."""

    def forgetful(*args: Any, **named: Any) -> list[Any]:
        return [one for one in broken_rules(*args, **named) if one.code is not Rule.VISIT_OPEN]

    monkeypatch.setattr(closing, "broken_rules", forgetful)
    machine.runner.run(_switch(shared_url, "DISABLE"))
    try:
        with pytest.raises(AssertionError, match=r"visit|closed although"):
            run_state_machine_as_test(machine, settings=HUNT)
    finally:
        machine.runner.run(_switch(shared_url, "ENABLE"))


def test_the_trigger_alone_holds_where_the_domain_forgets(machine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the outcome, without which it has nothing to write."""

    def forgetful(*args: Any, **named: Any) -> list[Any]:
        return [one for one in broken_rules(*args, **named) if one.code is Rule.OUTCOME_UNKNOWN]

    monkeypatch.setattr(closing, "broken_rules", forgetful)
    machine.domain_forgets = True
    run_state_machine_as_test(machine, settings=SEARCH)


async def _switch(url: str, word: str) -> None:
    admin = await asyncpg.connect(url)
    await admin.execute(f"ALTER TABLE followup.watch {word} TRIGGER USER")
    await admin.close()
