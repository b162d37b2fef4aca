"""Runs a process to its orderly end, and makes sure that there is one."""

import asyncio
import contextlib
import gc
import os
import signal
import threading
from collections.abc import Coroutine
from types import FrameType
from typing import Any

import structlog
import uvicorn
import uvloop
from starlette.types import ASGIApp

from chassis.doorway import Doorway, allow_connections

GRACE_SECONDS = 10
KEEP_ALIVE_SECONDS = 75
"""Longer than clients and proxies keep what they do not use: closed by us, a request may just be on its way."""
_STOPPING = (signal.SIGTERM, signal.SIGINT)
_log = structlog.get_logger()


def serve(app: ASGIApp, *, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT: no new connections, ten seconds for what runs. Then returns."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            loop="uvloop",
            http=Doorway,
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,  # nothing here asks who the client's machine is
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    allow_connections()
    _settle_memory()
    for number in _STOPPING:  # uvicorn raises the signal again when it is done: that must not kill what is finished
        signal.signal(number, lambda *_: None)
    server.run()


def run_worker(main: Coroutine[Any, Any, None], *, grace_seconds: float = GRACE_SECONDS) -> int:
    """Run until it returns, or cancel it at SIGTERM or SIGINT. Gives the exit code: 0, or 1 after an error.

    A worker that has not ended within its grace is ended: clients of a dead broker may never return from `stop`,
    and whatever it leaves behind is taken up again by the next start.
    """
    _settle_memory()
    return uvloop.run(_until_stopped(main, grace_seconds))


def _settle_memory() -> None:
    """What was loaded stays for good: the collector need not walk it again, which would be felt as a pause."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)  # what comes with a request or a batch goes with it, mostly without a cycle


async def _until_stopped(main: Coroutine[Any, Any, None], grace_seconds: float) -> int:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(main)
    last_word = threading.Timer(grace_seconds, os._exit, (1,))
    last_word.daemon = True

    def stop(_number: int, _frame: FrameType | None) -> None:
        with contextlib.suppress(RuntimeError):  # told twice: the first one counts
            last_word.start()
        loop.call_soon_threadsafe(task.cancel)

    for number in _STOPPING:  # not through the loop: a handler that hangs has stopped the loop
        signal.signal(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        _log.info("worker_stopped")
    except Exception as error:  # ends the process; its supervisor starts it again, and nothing was half done
        _log.error("worker_failed", exc_info=error)
        return 1
    return 0
