"""One referral in a hundred walks the people's road to its closing, while everything around it dies and comes back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle

import httpx
from chaos.load import Load
from stack.launch import Stack
from stack.people.desk import Desk, Refused
from stack.people.roads import Road, Walk
from stack.running import RunningStack

ONE_IN = 100
PATIENCE = 150.0  # longer than any single repair: what is then still refused is refused for good
ENDS = {
    Road.WRITTEN: "agreed",
    Road.ORAL: "agreed",
    Road.BREACH: "agreed",
    Road.TERMINATED: "terminated",
    Road.SELF_RESOLVED: "self_resolved",
    Road.NO_CONSENT: "no_consent",
    Road.BACK_TO_POLICE: "back_to_police",
    Road.HALTED: "agreed",
}


@dataclass
class Walkers:
    stack: Stack
    load: Load
    ended: Counter[str] = field(default_factory=Counter)
    stuck: list[str] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Until cancelled: a call of its own for every road in turn; those that have set out go on."""
        for road in cycle(Road):
            task = asyncio.create_task(self._walk(road))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            await asyncio.sleep(ONE_IN / self.load.rate)

    async def all_ended(self) -> None:
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def close(self) -> None:
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _walk(self, road: Road) -> None:
        call = self.load.calls.plain()
        promise = await self.load.accepted(call)
        area = str(call["jurisdiction_code"]).partition("-")[0]
        async with httpx.AsyncClient(timeout=15) as client:
            desk = Desk(client, RunningStack.read(self.stack.layout.facts), PATIENCE)
            walk = Walk(desk, str(promise.referral_id), area, promise.source, promise.call_no)
            try:
                outcome = await walk.go(road)
            except Refused as error:
                self.stuck.append(f"{road} {promise.referral_id}: {error}")
                return
        if outcome == ENDS[road]:
            self.ended[road] += 1
        else:
            self.stuck.append(f"{road} {promise.referral_id} ended as {outcome}")


@asynccontextmanager
async def walking(walkers: Walkers) -> AsyncIterator[None]:
    task = asyncio.create_task(walkers.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
