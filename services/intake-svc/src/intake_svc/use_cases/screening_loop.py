"""Keeps the screening going: woken by the api process, else by looking, seldom when there is nothing."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from chassis.delivery.outages import OUTAGES, breath, waits

_FIRST_LOOK_SECONDS = 0.02
_LAST_LOOK_SECONDS = 0.5
_log = structlog.get_logger(__name__)


async def screening_loop(screen: Callable[[], Awaitable[int]], woken: asyncio.Event) -> None:
    """Until cancelled; outages are waited through, anything else ends the worker and shows itself."""
    look_again = _FIRST_LOOK_SECONDS
    following = waits(most=2.0)
    while True:
        started = asyncio.get_running_loop().time()
        try:
            worked = await screen()
        except OUTAGES as error:
            _log.warning("screening_waits", error=type(error).__name__)
            await asyncio.sleep(following())
            continue
        following = waits(most=2.0)
        if worked:
            look_again = _FIRST_LOOK_SECONDS
            await asyncio.sleep(breath(asyncio.get_running_loop().time() - started))
        elif await _woken_within(woken, look_again):
            look_again = _FIRST_LOOK_SECONDS
        else:
            look_again = min(look_again * 2, _LAST_LOOK_SECONDS)


async def _woken_within(woken: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return False
    woken.clear()
    return True
