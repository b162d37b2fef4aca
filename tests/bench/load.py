"""The load: open loop for latency, closed loop only for the most that can be had, a window over the whole road for
what can be carried without a growing lag."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import time

from bench.bodies import Bodies
from bench.client import Client

LATE_SECONDS = 0.02


@dataclass
class Sent:
    """What one run did: when each call was due, how long its answer took from then on, and who was refused."""

    due: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    late: int = 0  # begun more than 20 ms after they were due: the generator, not the service, was busy
    began: float = 0.0
    ended: float = 0.0

    @property
    def seconds(self) -> float:
        return self.ended - self.began


async def open_loop(client: Client, bodies: Bodies, *, rate: float, seconds: float) -> Sent:
    """`rate` calls a second are begun, however slowly they are answered; latency counts from the instant due."""
    sent, tasks = Sent(), set[asyncio.Task[None]]()
    async with quiet_collector():
        sent.began = time()
        for n in range(round(rate * seconds)):
            due = sent.began + n / rate
            if (early := due - time()) > 0:
                await asyncio.sleep(early)
            sent.late += time() - due > LATE_SECONDS
            task = asyncio.create_task(_post(client, bodies, sent, due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        if tasks:
            await asyncio.wait(tasks, timeout=30)
        sent.ended = time()
    return sent


async def closed_loop(client: Client, bodies: Bodies, *, at_once: int, seconds: float) -> Sent:
    """`at_once` clients, each of whom sends the next call when it has the answer to the last."""
    sent = Sent()
    until = time() + seconds

    async def one_client() -> None:
        while time() < until:
            await _post(client, bodies, sent, time())

    async with quiet_collector():
        sent.began = time()
        await asyncio.gather(*(one_client() for _ in range(at_once)))
        sent.ended = time()
    return sent


async def windowed(
    client: Client, bodies: Bodies, *, arrived: Callable[[], Awaitable[int]], window: int, seconds: float
) -> Sent:
    """As many calls as arrive at the road's end are let in at its beginning: at most `window` are ever under way.

    So lag cannot grow, and what is carried is what the slowest stage carries.
    """
    sent, tasks = Sent(), set[asyncio.Task[None]]()
    before = await arrived()
    async with quiet_collector():
        sent.began = time()
        pace = window / 2  # calls a second at first; afterwards whatever arrives
        while time() < sent.began + seconds:
            turn = time()
            free = window - (len(sent.due) - (await arrived() - before))
            for _ in range(min(free, round(pace * 0.5))):
                task = asyncio.create_task(_post(client, bodies, sent, time()))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                if len(tasks) >= 64:
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(max(0.0, turn + 0.25 - time()))
        if tasks:
            await asyncio.wait(tasks, timeout=30)
        sent.ended = time()
    return sent


async def _post(client: Client, bodies: Bodies, sent: Sent, due: float) -> None:
    call_no, body = bodies.next()
    sent.due[call_no] = due
    try:
        status, _ = await client.post(body)
    except OSError as error:
        sent.refused.append(f"{type(error).__name__}")
        return
    if status == 202:
        sent.answered[call_no] = time() - due
    else:
        sent.refused.append(str(status))


@asynccontextmanager
async def quiet_collector() -> AsyncIterator[None]:
    """A collection in the generator would be taken for latency of the service."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
