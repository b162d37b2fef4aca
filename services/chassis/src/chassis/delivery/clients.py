"""Starting and stopping Kafka's clients, which neither start nor stop well while the broker is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

log = structlog.get_logger(__name__)

START_SECONDS = 20.0
STOP_SECONDS = 4.0


async def start_client(start: Callable[[], Awaitable[None]], stop: Callable[[], Awaitable[None]]) -> None:
    """Raises what the start raises, TimeoutError after 20 s; whatever it has opened is then closed again.

    It runs in a task of its own: cancelled in the middle, a start leaves a connection that nobody closes.
    """
    starting = asyncio.ensure_future(start())
    try:
        done, _ = await asyncio.wait({starting}, timeout=START_SECONDS)
        if not done:
            raise TimeoutError("the client did not start")
        starting.result()
    except BaseException:
        await _end(starting)
        await stop_client(stop)
        raise


async def stop_client(stop: Callable[[], Awaitable[None]]) -> None:
    """Returns within seconds whatever happens: nothing is lost with a client, rows and offsets stand elsewhere."""
    await _end(asyncio.ensure_future(stop()))


async def _end(task: asyncio.Future[None]) -> None:
    """`stop` may raise a CancelledError of its own, swallow ours, or never return: it is waited for, then given up."""
    done, _ = await asyncio.wait({task}, timeout=STOP_SECONDS)
    if not done:
        task.cancel()
        log.warning("client_given_up")
        done, _ = await asyncio.wait({task}, timeout=STOP_SECONDS)
    if done:
        with suppress(Exception, asyncio.CancelledError):  # its outcome interests nobody any more
            task.result()
