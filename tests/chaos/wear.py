"""What time alone does: memory of each process, what waits in the databases, while calls go on and nobody is struck.

A run of SHORTEST seconds and more ends with it (DESIGN §9: a city's calls for an hour must leave nothing behind).
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import linear_regression

import psutil
from chaos.chronicle import Chronicle
from chaos.claims import SERVICES
from chaos.scene import Scene

SHORTEST = 1800.0
SHARE_OF_FAULTS = 0.25
"""Of a long run: the forced faults, then the lot's, until so much of it is over."""
SETTLING_SECONDS = 300.0
"""Caches fill, the last fault's backlog drains: not judged."""
EVERY_SECONDS = 5.0
TELL_SECONDS = 300.0
MEGABYTES_A_MINUTE = 1.0
LEAST_SHARE = 0.95
"""Of the calls a second that were asked for: a machine that cannot carry them shows nothing of wear."""
SLACK = {"outbox": 200, "parked": 100, "lock_waits": 2}
"""So much more at the end than at the beginning is what a moment can differ by: the calls of one second, one lock."""
_WAITING = f"""
    SELECT {" + ".join(f"(SELECT count(*) FROM {name}.outbox)" for name in SERVICES)} AS outbox,
           {" + ".join(f"(SELECT count(*) FROM {name}.parked)" for name in SERVICES)} AS parked,
           (SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock') AS lock_waits"""


@dataclass(frozen=True)
class Sample:
    """`memory` is resident, in MB, by process; `waiting` are rows of all outboxes and parkings, and waits for locks."""

    at: float
    memory: Mapping[str, float]
    waiting: Mapping[str, int]


async def wear(scene: Scene, chronicle: Chronicle, *, seconds: float) -> list[str]:
    """Watches for so long; returns what has grown, and that fewer calls came than were to come: then nothing is shown.
    Raises AssertionError when a process died meanwhile."""
    await asyncio.sleep(SETTLING_SECONDS)
    before = len(scene.load.promises)
    pids = {name: keeper.pid for name, keeper in scene.stack.keepers.items()}
    began, told, samples = time.monotonic(), 0.0, list[Sample]()
    while (passed := time.monotonic() - began) < seconds - SETTLING_SECONDS:
        samples.append(await _look(scene, passed))
        if passed - told >= TELL_SECONDS:
            told = passed
            weights = ", ".join(f"{name} {mb:.0f}" for name, mb in samples[-1].memory.items())
            chronicle.line(f"nobody struck for {(passed + SETTLING_SECONDS) / 60:.0f} min: {samples[-1].waiting}")
            chronicle.line(f"{len(scene.load.promises)} calls accepted; MB: {weights}")
        await asyncio.sleep(EVERY_SECONDS)
    for line in table(samples):
        chronicle.line(line)
    carried = (len(scene.load.promises) - before) / (time.monotonic() - began)
    assert pids == {name: keeper.pid for name, keeper in scene.stack.keepers.items()}, "a process died by itself"
    few = [f"only {carried:.0f} calls/s were carried"] if carried < LEAST_SHARE * scene.load.rate else []
    return few + grown(samples, of=[name for name in pids if name.split("-")[0] in SERVICES])


async def _look(scene: Scene, at: float) -> Sample:
    memory = {}
    for name, keeper in scene.stack.keepers.items():
        with suppress(psutil.Error):
            memory[name] = psutil.Process(keeper.pid).memory_info().rss / 1e6
    (row,) = await scene.eyes.rows(_WAITING)
    return Sample(at, memory, dict(row))


def grown(samples: Sequence[Sample], *, of: Sequence[str]) -> list[str]:
    """What is larger at the end than it may be: a process by its slope, a count by medians of first and last third."""
    slopes = {name: slope(samples, name) for name in of}
    found = [f"{name} grows by {mb:.2f} MB/min" for name, mb in slopes.items() if mb >= MEGABYTES_A_MINUTE]
    for name, slack in SLACK.items():
        first, last = thirds(samples, name)
        if last > 1.5 * first + slack:
            found.append(f"{name} grew from {first:.0f} to {last:.0f}")
    return found


def slope(samples: Sequence[Sample], process: str) -> float:
    """MB a minute, by least squares."""
    points = [(sample.at / 60, sample.memory[process]) for sample in samples if process in sample.memory]
    return linear_regression([at for at, _ in points], [mb for _, mb in points]).slope


def thirds(samples: Sequence[Sample], name: str) -> tuple[float, float]:
    values, third = [sample.waiting[name] for sample in samples], max(len(samples) // 3, 1)
    return statistics.median(values[:third]), statistics.median(values[-third:])


def table(samples: Sequence[Sample]) -> list[str]:
    """One line a process and a count."""
    names = samples[0].memory
    lines = [
        f"{name:18} {samples[0].memory[name]:6.1f} MB, at the end {samples[-1].memory[name]:6.1f} MB, "
        f"{slope(samples, name):+.3f} MB/min"
        for name in names
    ]
    for name in SLACK:
        first, last = thirds(samples, name)
        most = max(sample.waiting[name] for sample in samples)
        lines.append(f"{name:18} median of the first third {first:.0f}, of the last {last:.0f}, most {most}")
    return lines
