"""`make bench`: measures ours, the floor and the weekend version one after the other, and prints the table."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import uvloop
from bench import publishing
from bench.applying import measure_applying, measure_backlog
from bench.beside import running_beside
from bench.draining import measure_draining
from bench.findings import RECORDED, Findings, merged, read, write
from bench.killing import measure_killing
from bench.ours import running_ours
from bench.plan import BadPlan, Plan
from bench.road import Series, measure_latency, measure_posts, measure_throughput
from bench.servers import FOLDER
from bench.subject import Subject
from bench.weighing import measure_weight
from stack.layout import ROOT

FOUND = ROOT / ".local/bench.json"
SERIES = FOLDER / "series.json"
Running = Callable[[], AbstractAsyncContextManager[Subject]]


def say(text: str, *, began: float = time.monotonic()) -> None:
    print(f"[{time.monotonic() - began:6.0f} s] {text}", flush=True)


async def measure(plan: Plan, findings: Findings, series: Series) -> None:
    if plan.wants("B1"):
        for running, runs in (
            (posts_of_ours, plan.runs),
            (posts_beside("floor"), plan.runs),
            (posts_beside("weekend"), 1),
        ):
            async with running() as subject:
                say(f"B1: {subject.name} is ready")
                await measure_posts(subject, plan, findings, runs=runs)
    if plan.wants("B2", "B6", "B7"):
        for running, runs in (
            (road_of_ours, plan.runs),
            (road_beside("floor"), plan.runs),
            (road_beside("weekend"), 1),
        ):
            async with running() as subject:
                await measure_road(subject, plan, findings, series, runs=runs)
    for bench, measured in (
        ("B4", measure_draining), ("B5", measure_applying), ("B8", measure_killing), ("B9", measure_backlog),
        ("B12", measure_weight),
    ):  # fmt: skip
        if plan.wants(bench):
            say(f"{bench} begins")
            await measured(plan, findings)


async def measure_road(subject: Subject, plan: Plan, findings: Findings, series: Series, *, runs: int) -> None:
    say(f"the road of {subject.name} is ready")
    if plan.wants("B2", "B7") and subject.name != "weekend":  # it does not carry 200 calls a second
        await measure_latency(subject, plan, findings, series, runs=runs)
    if plan.wants("B6"):
        await measure_throughput(subject, plan, findings, series, runs=runs)


@asynccontextmanager
async def posts_of_ours() -> AsyncIterator[Subject]:
    """intake's api alone: its worker would only take from it what the machine has."""
    async with running_ours(services=("intake",)) as (stack, subject), stack.keepers["intake-worker"].held_down():
        yield subject


@asynccontextmanager
async def road_of_ours() -> AsyncIterator[Subject]:
    async with running_ours() as (_, subject):
        yield subject


def posts_beside(name: str) -> Running:
    return lambda: running_beside(name, stages=())


def road_beside(name: str) -> Running:
    return lambda: running_beside(name)


def main() -> int:
    try:
        plan = Plan.from_environment(os.environ)
    except BadPlan as error:
        print(error, file=sys.stderr)
        return 2
    findings, series = Findings(plan, say), read(SERIES) or {}
    try:
        uvloop.run(measure(plan, findings, series))
    except KeyboardInterrupt:
        say("stopped; what was found so far is kept")
    rows = merged(read(FOUND) or [], findings.rows(read(RECORDED) or {}))
    write(FOUND, rows)
    write(SERIES, series)
    publishing.draw(series, FOLDER)
    if plan.is_published and not plan.is_quick:
        publishing.publish(rows, series)
    print(publishing.terminal(rows))
    return 0


sys.exit(main())
