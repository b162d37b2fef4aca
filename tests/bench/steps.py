"""What a plan asks for, as steps: which subject is started, what is measured on it, and about how long that takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from bench.applying import measure_applying, measure_backlog
from bench.beside import running_beside
from bench.course import Step
from bench.draining import drain_floor, drain_ours
from bench.findings import Findings
from bench.killing import measure_killing
from bench.ours import running_ours
from bench.plan import Plan
from bench.road import Series, measure_latency, measure_posts, measure_throughput
from bench.subject import Subject
from bench.weighing import measure_weight

Running = Callable[[], AbstractAsyncContextManager[Subject]]
START, START_ALL = {"ours": 9.0, "floor": 6.0, "weekend": 6.0}, 18.0
"""A fresh cluster, migrations of one service or of all, everything ready, and down again: seen on two cores, as is
every number of seconds here."""
EMPTYING = {"ours": 5.0, "floor": 10.0, "weekend": 5.0}
"""What is still under way when a run ends must arrive, and is read: of the floor it is a third of a million rows."""
SUBJECTS = ("ours", "floor", "weekend")


def steps_of(plan: Plan, findings: Findings, series: Series) -> list[Step]:
    return [*_posts(plan, findings), *_road(plan, findings, series), *_others(plan, findings)]


def _posts(plan: Plan, findings: Findings) -> Iterator[Step]:
    for name in SUBJECTS if plan.wants("B1") else ():
        runs = _runs(plan, name)

        async def measured(name: str = name, runs: int = runs) -> None:
            async with _posting(name)() as subject:
                await measure_posts(subject, plan, findings, runs=runs)

        yield Step(("B1",), name, START[name] + runs * (plan.warm_up + plan.seconds), measured)


def _road(plan: Plan, findings: Findings, series: Series) -> Iterator[Step]:
    """B2 and B7 are one run, B6 another, on one stack. The weekend version does not carry 200 calls a second."""
    for name in SUBJECTS if plan.wants("B2", "B6", "B7") else ():
        runs, has_latency = _runs(plan, name), plan.wants("B2", "B7") and name != "weekend"
        if not has_latency and not plan.wants("B6"):
            continue
        ids = tuple(one for one in ("B2", "B6", "B7") if plan.wants(one) and (has_latency or one == "B6"))

        async def measured(name: str = name, runs: int = runs, has_latency: bool = has_latency) -> None:
            async with _on_road(name)() as subject:
                if has_latency:
                    await measure_latency(subject, plan, findings, series, runs=runs)
                if plan.wants("B6"):
                    await measure_throughput(subject, plan, findings, series, runs=runs)

        start, parts = START_ALL if name == "ours" else START[name], has_latency + plan.wants("B6")
        yield Step(ids, name, start + runs * parts * (plan.warm_up + plan.seconds + EMPTYING[name]), measured)


def _others(plan: Plan, findings: Findings) -> Iterator[Step]:
    runs, scale = plan.runs, plan.scale
    if plan.wants("B4"):
        yield Step(("B4",), "ours", START["ours"] + runs * (3 + 8 * scale), partial(drain_ours, plan, findings))
        yield Step(("B4",), "floor", START["floor"] + runs * (1 + 4 * scale), partial(drain_floor, plan, findings))
    if plan.wants("B5"):
        once = START["ours"] + 4 + 28 * scale + START["floor"] + 1 + 5 * scale
        seconds = runs * once + START["floor"] + 4 * scale
        yield Step(("B5",), "ours and floor", seconds, partial(measure_applying, plan, findings))
    if plan.wants("B8"):
        yield Step(("B8",), "ours", START_ALL + runs * 8 * 6.5, partial(measure_killing, plan, findings))
    if plan.wants("B9"):
        yield Step(("B9",), "ours", START["ours"] + 4 + 240 * scale, partial(measure_backlog, plan, findings))
    if plan.wants("B12"):
        seconds = START_ALL + runs * (13 + plan.seconds / 3)
        yield Step(("B12",), "ours", seconds, partial(measure_weight, plan, findings))


def _runs(plan: Plan, name: str) -> int:
    return 1 if name == "weekend" else plan.runs


def _posting(name: str) -> Running:
    return _posts_of_ours if name == "ours" else partial(running_beside, name, stages=())


def _on_road(name: str) -> Running:
    return _road_of_ours if name == "ours" else partial(running_beside, name)


@asynccontextmanager
async def _posts_of_ours() -> AsyncIterator[Subject]:
    """intake's api alone: its worker would only take from it what the machine has."""
    async with running_ours(services=("intake",)) as (stack, subject), stack.keepers["intake-worker"].held_down():
        yield subject


@asynccontextmanager
async def _road_of_ours() -> AsyncIterator[Subject]:
    async with running_ours() as (_, subject):
        yield subject
