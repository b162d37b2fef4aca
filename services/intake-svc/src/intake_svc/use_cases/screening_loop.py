"""Keeps the worker's own work going: woken by the api process, else by looking, seldom when there is nothing."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from chassis.delivery.outages import OUTAGES, waits

_FIRST_LOOK_SECONDS = 0.02
_LAST_LOOK_SECONDS = 0.5
_GATHER_SECONDS, _GATHER_MOST_SECONDS = 0.03, 0.06
_log = structlog.get_logger(__name__)


async def screening_loop(screen: Callable[[], Awaitable[int]], woken: asyncio.Event) -> None:
    """Until cancelled."""
    await _keep_going(screen, woken, "screening_waits")


async def feedback_loop(deliver: Callable[[], Awaitable[int]]) -> None:
    """Until cancelled. Nobody wakes it for a record that the broker has taken: it looks."""
    await _keep_going(deliver, asyncio.Event(), "feedback_waits")


async def _keep_going(work: Callable[[], Awaitable[int]], woken: asyncio.Event, waits_name: str) -> None:
    """Outages are waited through, anything else ends the worker and shows itself."""
    look_again = _FIRST_LOOK_SECONDS
    following = waits(most=2.0)
    clock = asyncio.get_running_loop().time
    while True:
        began = clock()
        try:
            worked = await work()
        except OUTAGES as error:
            _log.warning(waits_name, error=type(error).__name__)
            await asyncio.sleep(following())
            continue
        following = waits(most=2.0)
        if worked:
            look_again = _FIRST_LOOK_SECONDS
            await asyncio.sleep(rest_after(clock() - began))
        elif await _woken_within(woken, look_again):
            look_again = _FIRST_LOOK_SECONDS
        else:
            look_again = min(look_again * 2, _LAST_LOOK_SECONDS)


def rest_after(worked_seconds: float) -> float:
    """How long calls gather now: once, for the whole road, for each stage behind takes at once what this one has let
    go together. Twice as long as it has worked, within limits: where the machine is full, fewer and larger batches cost
    all stages less.
    """
    return min(max(2 * worked_seconds, _GATHER_SECONDS), _GATHER_MOST_SECONDS)


async def _woken_within(woken: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return False
    woken.clear()
    return True
