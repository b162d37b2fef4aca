"""A part of a worker lasts until it is cancelled, or the worker learns that it does not."""

from __future__ import annotations

import asyncio

import pytest
from chassis.delivery.lasting import EndedByItself, lasting


async def cancelled_by_nobody() -> None:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def test_a_part_that_somebody_elses_future_has_cancelled_is_missed() -> None:
    async def worker() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(lasting(cancelled_by_nobody()))
            group.create_task(lasting(asyncio.Event().wait()))

    with pytest.raises(ExceptionGroup) as ended:
        await worker()
    assert ended.group_contains(EndedByItself, match="cancelled_by_nobody")


async def test_a_part_that_returns_is_missed() -> None:
    with pytest.raises(EndedByItself):
        await lasting(asyncio.sleep(0))


async def test_what_a_part_raises_is_raised() -> None:
    async def part() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        await lasting(part())


async def test_a_part_that_is_to_end_clears_up_before_it_counts_as_ended() -> None:
    begun, may_end, said = asyncio.Event(), asyncio.Event(), list[str]()

    async def part() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            await may_end.wait()
            said.append("cleared up")

    task = asyncio.create_task(lasting(part()))
    await begun.wait()
    task.cancel()
    await asyncio.sleep(0)
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert said == ["cleared up"]
