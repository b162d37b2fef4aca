"""Where faults happen: a stack that runs, calls that keep coming, an administrator's eyes, traps in the processes."""

from __future__ import annotations

import asyncio
import inspect
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from chaos.load import Load
from chaos.walkers import Walkers
from stack.launch import Stack


class NotMet(AssertionError):
    """A fault that was to be forced did not happen: the run proves nothing about it."""


async def until(check: Callable[[], Any], *, what: str, within: float = 30.0, every: float = 0.05) -> Any:
    """Asks until the answer, awaited if need be, is true. Raises NotMet that says what never came."""
    deadline = time.monotonic() + within
    while True:
        answer = check()
        value = await answer if inspect.isawaitable(answer) else answer
        if value:
            return value
        if time.monotonic() > deadline:
            raise NotMet(f"not within {within:.0f} s: {what} (last seen: {value!r})")
        await asyncio.sleep(every)


class Eyes:
    """Reads and changes the databases as administrator; opens its connection anew after every restart."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection: asyncpg.Connection | None = None
        self._lock = asyncio.Lock()

    async def value(self, statement: str, *arguments: Any) -> Any:
        return await self._ask("fetchval", statement, *arguments)

    async def rows(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self._ask("fetch", statement, *arguments)
        return rows

    async def execute(self, statements: str) -> None:
        await self._ask("execute", statements)

    async def _ask(self, method: str, statement: str, *arguments: Any) -> Any:
        """Only statements that may be repeated are asked through here."""
        deadline = time.monotonic() + 30
        async with self._lock:
            while True:
                try:
                    if self._connection is None or self._connection.is_closed():
                        self._connection = await asyncpg.connect(self.url, timeout=5)
                    return await getattr(self._connection, method)(statement, *arguments, timeout=20)
                except (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError,
                        asyncpg.OperatorInterventionError):  # fmt: skip
                    await self.close()
                    if time.monotonic() > deadline:
                        raise
                await asyncio.sleep(0.2)

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
        self._connection = None


class Traps:
    """Failpoints by file (chassis.failpoints): one file, one fault, and its new name is the proof."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def spring(self, process: str, point: str, order: str, *, within: float = 30.0) -> None:
        """Returns when the process has met it. Raises NotMet, and then the trap is taken away again."""
        trap = self.folder / f"{process}.{point}"
        met = trap.with_name(trap.name + ".met")
        met.unlink(missing_ok=True)
        unfinished = self.folder / f".{trap.name}"
        unfinished.write_text(order)
        unfinished.rename(trap)
        try:
            await until(met.exists, what=f"{process} meets {point}", within=within, every=0.01)
        finally:
            trap.unlink(missing_ok=True)
        met.unlink()


@dataclass
class Scene:
    stack: Stack
    load: Load
    eyes: Eyes
    traps: Traps
    rng: random.Random
    walkers: Walkers
    met_at: float | None = None
    notes: list[str] = field(default_factory=list)
    undecodable: Counter[str] = field(default_factory=Counter)
    poisoned: Counter[str] = field(default_factory=Counter)

    def met(self, note: str = "") -> None:
        """The fault has happened, provably; repair is timed from here."""
        self.met_at = time.monotonic()
        if note:
            self.notes.append(note)

    def restarts(self, process: str) -> int:
        return self.stack.keepers[process].restarts

    async def restarted(self, process: str, before: int) -> None:
        try:
            await until(lambda: self.restarts(process) > before, what=f"{process} is started again", within=40)
        except NotMet as error:
            raise NotMet(self.stack.keepers[process].story(str(error))) from None

    @asynccontextmanager
    async def paused(self, process: str) -> AsyncIterator[None]:
        """Stopped in the middle of whatever it does (SIGSTOP), alive for everybody else."""
        self.stack.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            self.stack.kill(process, signal.SIGCONT)

    async def probe(self) -> None:
        """A call posted now reaches its watch in followup and its mirror in mediation: the road carries."""
        promise = await self.load.accepted(self.load.calls.plain())
        arrived = """SELECT EXISTS (SELECT 1 FROM followup.watch WHERE referral_id = $1)
                        AND EXISTS (SELECT 1 FROM mediation.mirror WHERE referral_id = $1 AND state = 'dispatched')"""
        await until(
            lambda: self.eyes.value(arrived, promise.referral_id),
            what=f"the probe {promise.call_no} reaches its watch and its mirror",
            within=240,  # behind everything that was sent while the fault lasted
            every=0.1,
        )
