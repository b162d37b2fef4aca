"""Keeps one part running: starts it, notes when it is ready, starts it again when it dies, stops it in order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from stack.logs import ProcessLog
from stack.parts import Part
from stack.spawn import give_way

BACKOFF = (0.0, 0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
PROVEN_SECONDS = 3.0
"""One that was ready for so long has earned an immediate restart again."""
ATTEMPTS_TO_START = 5
POLL_SECONDS = 0.1


class StartFailedError(RuntimeError):
    """The part never became ready; the message ends with the last lines of its log."""


class Keeper:
    def __init__(self, part: Part, *, folder: Path, logs: Path, changed: Callable[[], None]) -> None:
        self.part = part
        self.folder = folder
        self.ready = asyncio.Event()
        self.restarts = -1
        self._changed = changed
        self._log = ProcessLog(logs, part.name)
        self._process: asyncio.subprocess.Process | None = None
        self._allowed = asyncio.Event()
        self._allowed.set()
        self._gone = asyncio.Event()
        self._gone.set()
        self._failure: str | None = None
        self._has_been_ready = False
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return None if self._process is None or self._gone.is_set() else self._process.pid

    def begin(self) -> None:
        self._task = asyncio.create_task(self._keep(), name=f"keep {self.part.name}")

    async def until_ready(self, *, within: float = 60.0) -> None:
        """Raises StartFailedError when it dies again and again, or takes longer than that."""
        deadline = time.monotonic() + within
        while not self.ready.is_set():
            if self._failure is not None:
                raise StartFailedError(self._failure)
            if time.monotonic() > deadline:
                raise StartFailedError(self.story(f"not ready within {within:.0f} s"))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ready.wait(), 0.2)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """From outside, as a fault would: it is started again. Does nothing while it is not running."""
        if self.pid is not None:
            os.kill(self.pid, how)

    @asynccontextmanager
    async def held_down(self, how: signal.Signals = signal.SIGKILL) -> AsyncIterator[None]:
        """Kills it, and does not start it again until the block is left."""
        self._allowed.clear()
        try:
            self.kill(how)
            await self._gone.wait()
            yield
        finally:
            self._allowed.set()

    async def stop(self) -> None:
        """Asks it to end, waits, then makes it. Afterwards nothing of it runs. Calling it twice is fine."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._process is not None and not self._gone.is_set():
            await self._end(self._process)
        self._log.close()

    async def _keep(self) -> None:
        quick_deaths = 0
        while True:
            await asyncio.sleep(BACKOFF[min(quick_deaths, len(BACKOFF) - 1)])
            await self._allowed.wait()
            was_proven = await self._run_once()
            quick_deaths = 0 if was_proven else quick_deaths + 1
            if not self._has_been_ready and quick_deaths >= ATTEMPTS_TO_START:
                self._failure = self.story(f"ended {quick_deaths} times before it was ready")
                return
            if BACKOFF[min(quick_deaths, len(BACKOFF) - 1)] or not self._allowed.is_set():
                self._changed()

    async def _run_once(self) -> bool:
        """From start to death; whether it had proven itself in between."""
        try:
            await asyncio.to_thread(self.part.prepare)
            process = await self._spawn()
        except Exception as error:  # the part is tried again after a pause; a start that never succeeds gives up
            self._log.note(f"could not start: {error}")
            return False
        waiting = asyncio.create_task(self._watch())
        try:
            assert process.stdout is not None
            output = asyncio.create_task(self._log.pump(process.stdout))
            code = await process.wait()
            ready_since = waiting.result() if waiting.done() else None
            self._gone.set()
            self.ready.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(output, 0.2)
            self._log.note(f"pid {process.pid} ended with {code}")
        finally:
            waiting.cancel()
        return ready_since is not None and time.monotonic() - ready_since > PROVEN_SECONDS

    async def _spawn(self) -> asyncio.subprocess.Process:
        self.folder.mkdir(parents=True, exist_ok=True)
        process = await asyncio.create_subprocess_exec(
            *self.part.command,
            env=dict(self.part.env),
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._process = process
        self._gone.clear()
        if self.part.niceness:
            await give_way(process.pid, self.part.niceness)
        self.restarts += 1
        self._log.note(f"started pid {process.pid}" + (f", restart {self.restarts}" if self.restarts else ""))
        self._changed()
        return process

    async def _watch(self) -> float:
        while not await self._is_ready():  # noqa: ASYNC110  (another process; nothing here could set an event)
            await asyncio.sleep(POLL_SECONDS)
        self._has_been_ready = True
        self.ready.set()
        return time.monotonic()

    async def _is_ready(self) -> bool:
        try:
            return await self.part.is_ready()
        except Exception as error:  # a gate that stumbles is a part that is not ready; it is asked again
            self._log.note(f"readiness could not be asked: {error!r}")
            return False

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """Its whole process group: nothing that it started stays either."""
        for how, patience in ((self.part.stop_signal, self.part.stop_seconds), (signal.SIGKILL, 10.0)):
            with contextlib.suppress(ProcessLookupError):
                if how == signal.SIGKILL:
                    os.killpg(process.pid, how)
                else:
                    process.send_signal(how)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), patience)
                break
        self._gone.set()
        self.ready.clear()
        self._log.note("stopped")

    def story(self, what: str) -> str:
        """What has gone wrong, and the last lines of its log."""
        last = "\n".join(f"    {line}" for line in list(self._log.tail)[-15:])
        return f"{self.part.name}: {what}; its log {self._log.file} ends:\n{last}"
