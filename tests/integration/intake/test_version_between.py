"""Calls are listed without a lock: what a source posts between that and the lock is for the next round."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from intake_svc.store.calls import list_waiting
from intake_svc.use_cases import screen_calls

PostBetween = Callable[[dict[str, Any]], list[int]]


@pytest.fixture
def post_between(intake: Any, monkeypatch: pytest.MonkeyPatch) -> PostBetween:
    """The next round finds this version posted, and committed, after it has listed and before it locks."""

    def arrange(newer: dict[str, Any]) -> list[int]:
        answers: list[int] = []

        async def list_then_post(connection: Any, *, limit: int) -> Any:
            found = await list_waiting(connection, limit=limit)
            if not answers:
                answers.append((await intake.post(newer)).status_code)
            return found

        monkeypatch.setattr(screen_calls, "list_waiting", list_then_post)
        return answers

    return arrange


async def test_a_version_of_another_caller_posted_between_list_and_lock_waits_for_the_next_round(
    intake: Any, post_between: PostBetween
) -> None:
    """Its identity is not locked in this round, so what it may belong to has not been looked for."""
    opened = intake.a_call(caller_phone="13900139000")
    referral_id = (await intake.post(opened)).json()["referral_id"]
    await intake.screen_all()
    listed, accepted = await intake.posted()
    place = {"caller_phone": "13900139000", "incident_address": opened["incident_address"]}
    answers = post_between(listed | place | {"updated_at": "2026-03-02 09:30:00"})
    await intake.screen()
    assert answers == [202]
    assert (await intake.call_row(accepted["call_id"]))["state"] == "received"
    await intake.screen_all()
    row = await intake.call_row(accepted["call_id"])
    assert (row["state"], str(row["linked_to"])) == ("linked", referral_id)
    assert await intake.events(accepted["referral_id"]) == []


async def test_a_version_that_leaves_caller_and_place_is_screened_at_once_as_it_now_reads(
    intake: Any, post_between: PostBetween
) -> None:
    listed, accepted = await intake.posted()
    answers = post_between(listed | {"content": "对方扬言要砍人", "updated_at": "2026-03-02 09:30:00"})
    await intake.screen()
    assert answers == [202]
    assert (await intake.call_row(accepted["call_id"]))["state"] == "retained_by_police"
