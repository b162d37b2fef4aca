"""Tasks that are to last as long as their group: one that ends by itself is an error, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any


class EndedByItself(RuntimeError):
    """A part that was to run until it is cancelled has ended, and nobody had asked it to."""


async def lasting(part: Awaitable[Any]) -> None:
    """For a task of a group. Raises what the part raises, EndedByItself when it returns or is cancelled from inside.

    A TaskGroup takes a cancelled child for one that is done, and Kafka's client lets a CancelledError of its own out of
    calls that nobody has cancelled: the loop that reads would be over, and all around it would go on.
    """
    task = asyncio.ensure_future(part)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task})
        raise
    if not task.cancelled():
        task.result()
    raise EndedByItself(getattr(part, "__qualname__", "a part"))
