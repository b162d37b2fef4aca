"""B1: POSTs alone. B2 and B7: 200 calls a second on the whole road. B6: as much as the road carries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from bench.bodies import Bodies
from bench.cpu import per_call, spent
from bench.findings import Findings
from bench.load import Sent, closed_loop, open_loop, windowed
from bench.plan import BARS, Bar, Plan
from bench.series import Points, by_second, counts, quantile
from bench.subject import Subject, Void

AT_ONCE = 32
RATE = 200.0
WINDOWS = {"ours": 3000, "floor": 6000, "weekend": 400}
LATE_SHARE = 0.01
_runs = count(1)
Series = dict[str, Points]


def bars(*ids: str) -> list[Bar]:
    return [bar for bar in BARS if bar.id in ids]


async def measure_posts(subject: Subject, plan: Plan, findings: Findings, *, runs: int) -> None:
    """B1. Every answer must be a 202, and every call must be in the table."""
    (bar,) = bars("B1")
    client = await subject.client(AT_ONCE)
    with voiding([bar], subject, findings):
        for _ in range(runs):
            await closed_loop(client, _bodies("W"), at_once=AT_ONCE, seconds=plan.warm_up)
            bodies = _bodies("P")
            sent = await closed_loop(client, bodies, at_once=AT_ONCE, seconds=plan.seconds)
            await _check(subject, sent, bodies)
            findings.found(bar, subject.name, len(sent.answered) / sent.seconds)
    await client.close()


async def measure_latency(subject: Subject, plan: Plan, findings: Findings, series: Series, *, runs: int) -> None:
    """B2 and B7 in one run: every call must reach both ends."""
    post_p50, post_p99, road_p50, road_p99 = bars("B2", "B7")
    client = await subject.client(AT_ONCE)
    with voiding(bars("B2", "B7"), subject, findings):
        for _ in range(runs):
            await open_loop(client, _bodies("W"), rate=RATE, seconds=plan.warm_up)
            bodies, before = _bodies("L"), spent(subject.pids)
            sent = await open_loop(client, bodies, rate=RATE, seconds=plan.seconds)
            await _check(subject, sent, bodies)
            findings.say_cpu(road_p50, subject.name, per_call(before, spent(subject.pids), len(sent.due)))
            if sent.late > LATE_SHARE * len(sent.due):
                raise Void(f"the generator itself was late for {sent.late} of {len(sent.due)} calls")
            arrived = await subject.journeys(bodies.prefix, expected=len(sent.due))
            await subject.nothing_left()
            took = {call_no: at - sent.due[call_no] for call_no, at in arrived.items()}
            for bar, values, share in (
                (post_p50, sent.answered, 0.5), (post_p99, sent.answered, 0.99),
                (road_p50, took, 0.5), (road_p99, took, 0.99),
            ):  # fmt: skip
                findings.found(bar, subject.name, quantile(values.values(), share) * 1000)
            for name, values in (("POST", sent.answered), ("road", took)):
                for share in (0.5, 0.99):
                    points = by_second(sent.due, values, began=sent.began, share=share)
                    series[f"{subject.name} {name} p{share * 100:.0f}"] = [(at, value * 1000) for at, value in points]
    await client.close()


async def measure_throughput(subject: Subject, plan: Plan, findings: Findings, series: Series, *, runs: int) -> None:
    """B6. What was committed at both ends within the measured minute, while no more than a window was under way."""
    (bar,) = bars("B6")
    client = await subject.client(64)
    with voiding([bar], subject, findings):
        for _ in range(runs):
            bodies = _bodies("T")
            whole, before = plan.warm_up + plan.seconds, spent(subject.pids)
            sent = await windowed(
                client, bodies, arrived=subject.arrivals(), window=WINDOWS[subject.name], seconds=whole
            )  # fmt: skip
            await _check(subject, sent, bodies)
            arrived = await subject.journeys(bodies.prefix, expected=len(sent.due))
            await subject.nothing_left()
            began = sent.began + plan.warm_up
            findings.say_cpu(bar, subject.name, per_call(before, spent(subject.pids), len(sent.due)))
            points = counts(arrived.values(), began=began, seconds=plan.seconds)
            carried = sum(value for _, value in points)
            findings.found(bar, subject.name, carried / int(plan.seconds))
            for stage, instants in (await subject.stages(bodies.prefix)).items():
                series[f"{subject.name} {stage}"] = counts(instants, began=began, seconds=plan.seconds)
    await client.close()


async def _check(subject: Subject, sent: Sent, bodies: Bodies) -> None:
    """Raises Void: answers are what they should be, and what was answered is there."""
    if sent.refused:
        raise Void(f"{len(sent.refused)} of {len(sent.due)} calls were not answered 202: {sent.refused[0]}")
    kept = await subject.accepted(bodies.prefix)
    if kept != len(sent.due):
        raise Void(f"{len(sent.due)} calls were answered and {kept} are kept")


@contextmanager
def voiding(affected: list[Bar], subject: Subject, findings: Findings) -> Iterator[None]:
    try:
        yield
    except Void as reason:
        findings.void(affected, subject.name, str(reason))


def _bodies(kind: str) -> Bodies:
    return Bodies(f"BENCH-{kind}{next(_runs)}")
