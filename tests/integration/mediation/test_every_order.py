"""Every command in every order over HTTP, against a plain model: nothing takes effect without all signatures and the
seal, nothing is accepted over a refusal, and every refusal is a 409 that changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from mediation_svc.domain import agreeing, consenting, ending
from support.mediation_case_model import STEPS
from support.mediation_desk import Desk
from support.mediation_machine import Case

Step = Callable[[Case], None]


def stay(_: Case) -> None:
    pass


def tell_of_breach(case: Case) -> None:
    case.breach(0, "party")
    case.tell_remedies()


async def test_every_command_in_every_order_does_what_the_contract_says_and_nothing_else(desk: Desk) -> None:
    Case.desk, Case.loop, Case.reached = desk, asyncio.get_running_loop(), set()
    limits = settings(max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
    await asyncio.to_thread(run_state_machine_as_test, Case, settings=limits)


# Right steps to go first, and what is done then.
ROADS: dict[str, tuple[int, Step]] = {
    "consent_pending": (0, stay),
    "consented": (1, stay),
    "accepted": (2, stay),
    "assigned": (3, stay),
    "informed": (4, stay),
    "in_mediation": (5, stay),
    "agreed_written": (6, stay),
    "signed": (9, stay),
    "effective": (10, stay),
    "performing": (11, stay),
    "performed": (12, stay),
    "closed": (13, stay),
    "filed": (14, stay),
    "suspended": (5, Case.suspend),
    "breached": (10, lambda case: case.breach(0, "party")),
    "breached_told": (10, tell_of_breach),
    "terminated": (5, lambda case: case.terminate(0)),
    "refused": (1, lambda case: case.consent(1, "refused")),
    "withdrawn_late": (9, lambda case: case.consent(1, "withdrawn")),
    "blocked": (9, lambda case: case.block(0)),
}
COMMANDS: list[Step] = [
    lambda case: case.consent(0, "given"),
    lambda case: case.consent(0, "withdrawn"),
    Case.accept, Case.assign, Case.inform, Case.meet, Case.seal, Case.urging_helped, Case.tell_remedies,
    lambda case: case.agree_orally(True, False, None),
    lambda case: case.agree_orally(False, False, "2030-01-04"),
    lambda case: case.agree_in_writing(1),
    lambda case: case.sign(0),
    lambda case: case.sign(2),
    lambda case: case.withdraw(0),
    lambda case: case.perform(0) if case.model.owed else None,
    lambda case: case.breach(1, "visit") if case.model.owed else None,
    Case.hold_invalid, Case.reopen, lambda case: case.terminate(0), Case.suspend, Case.resume, Case.extend,
    Case.escalate, Case.file,
]  # fmt: skip


def walked(road: str) -> Case:
    stage, then = ROADS[road]
    case = Case()
    case.hand_over(stage)
    then(case)
    return case


def try_all(road: str) -> None:
    """A refusal leaves the case as it was, so the next command finds it there; after a change a new case is walked."""
    case: Case | None = None
    for command in COMMANDS:
        if case is None:
            case = walked(road)
        before = case.changes
        command(case)
        case.what_is_read_is_what_the_model_says()
        case = case if case.changes == before else None


async def test_in_every_state_every_command_does_what_the_contract_says(desk: Desk) -> None:
    Case.desk, Case.loop, Case.reached = desk, asyncio.get_running_loop(), set()
    for road in ROADS:
        await asyncio.to_thread(try_all, road)
    assert Case.reached == set(STEPS)
    twice = "SELECT type FROM mediation.event_log GROUP BY referral_id, type, causation_id HAVING count(*) > 1"
    assert await desk.consumer.rows(twice) == []


@pytest.mark.parametrize(
    ("module", "guard", "road", "command"),
    [
        (consenting, "refuse_against_will", "refused", Case.accept),
        (agreeing, "refuse_unsigned", "agreed_written", Case.seal),
        (agreeing, "refuse_against_will", "withdrawn_late", Case.seal),
        (agreeing, "refuse_while_halted", "blocked", Case.seal),
        (ending, "refuse_until_closed", "performed", Case.file),
    ],
)
async def test_the_model_finds_a_guard_that_was_taken_out(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, module: Any, guard: str, road: str, command: Step
) -> None:
    Case.desk, Case.loop = desk, asyncio.get_running_loop()
    monkeypatch.setattr(module, guard, lambda *_: None)
    case = await asyncio.to_thread(walked, road)
    with pytest.raises(AssertionError):
        await asyncio.to_thread(command, case)
