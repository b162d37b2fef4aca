"""Processes that die: from outside, and from inside at the one line where it hurts."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from chaos.scene import NotMet, Scene

SERVICES = ("intake", "triage", "mediation", "followup")
PROCESSES = tuple(f"{service}-{kind}" for kind in ("api", "worker") for service in SERVICES)
WORKERS = tuple(f"{service}-worker" for service in SERVICES)
HANG_SECONDS = float(os.environ.get("CHAOS_HANG_SECONDS", "20"))
SENDERS = ("intake-worker", "triage-worker", "followup-worker")
"""Those that have something to relay on the automatic road."""


@dataclass(frozen=True)
class Fault:
    """`strike` returns when the fault was met (`scene.met`), or raises NotMet; `name` is its row in the table."""

    name: str
    strike: Callable[[Scene], Awaitable[None]]


async def kill(scene: Scene, process: str, how: signal.Signals = signal.SIGKILL) -> None:
    before = scene.restarts(process)
    if scene.stack.keepers[process].pid is None:
        raise NotMet(f"{process} was not running")
    scene.stack.kill(process, how)
    scene.met()
    await scene.restarted(process, before)


async def kill_two(scene: Scene) -> None:
    """Both at the same instant, servers included."""
    first, second = scene.rng.sample([*PROCESSES, "kafka", "postgres"], 2)
    before = scene.restarts(first), scene.restarts(second)
    for process in (first, second):
        scene.stack.kill(process)
    scene.met(f"{first} and {second}")
    await scene.restarted(first, before[0])
    await scene.restarted(second, before[1])


async def die_at(scene: Scene, point: str, victims: tuple[str, ...]) -> None:
    """The process itself pulls the trigger, at this line and no other."""
    process = scene.rng.choice(victims)
    before = scene.restarts(process)
    await scene.traps.spring(process, point, "kill")
    scene.met(process)
    await scene.restarted(process, before)


async def hang(scene: Scene, victims: tuple[str, ...], seconds: float) -> None:
    """Alive, connected and silent (SIGSTOP), longer than its session."""
    process = scene.rng.choice(victims)
    async with scene.paused(process):
        await asyncio.sleep(seconds)
    scene.met(f"{process}, {seconds:.0f} s")


KILLS = [Fault(f"kill -9 {process}", partial(kill, process=process)) for process in PROCESSES]
SERVERS = [
    Fault("kill -9 kafka", partial(kill, process="kafka")),
    Fault("postgres stopped with -m immediate", partial(kill, process="postgres", how=signal.SIGQUIT)),
    Fault("kill -9 postgres", partial(kill, process="postgres")),
]
INSIDE = [
    Fault("relay killed between acknowledgement and delete", partial(die_at, point="relay.after_ack", victims=SENDERS)),
    Fault("relay killed in mid batch", partial(die_at, point="relay.mid_batch", victims=SENDERS)),
    Fault("consumer killed in its transaction", partial(die_at, point="consumer.in_transaction", victims=WORKERS)),
    Fault(
        "consumer killed between commit and offset commit",
        partial(die_at, point="consumer.after_commit", victims=WORKERS),
    ),
    Fault("worker killed before its commit", partial(die_at, point="unit.before_commit", victims=WORKERS)),
    Fault("worker killed after its commit", partial(die_at, point="unit.after_commit", victims=WORKERS)),
    Fault(
        "intake killed before a call is kept", partial(die_at, point="submit.before_commit", victims=("intake-api",))
    ),
    Fault(
        "intake killed after a call is kept, before the answer",
        partial(die_at, point="submit.after_commit", victims=("intake-api",)),
    ),
]
TOGETHER = [
    Fault("two killed at once", kill_two),
    Fault("kafka hangs", partial(hang, victims=("kafka",), seconds=HANG_SECONDS)),
    Fault("a worker hangs past its session", partial(hang, victims=WORKERS, seconds=10)),
]
