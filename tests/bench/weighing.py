"""B12: what each process weighs after it has worked, and how long everything takes to start where it ran before."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil
from bench.bodies import Bodies
from bench.findings import Findings
from bench.load import open_loop
from bench.ours import running_ours
from bench.plan import Plan
from bench.road import RATE, bars, voiding
from bench.servers import fresh_layout
from bench.subject import Subject, Void

MEGABYTE = 1e6


async def measure_weight(plan: Plan, findings: Findings) -> None:
    """Starts of 20 s and more are slow; one that has to make its database first is not measured."""
    heavy, light, start = bars("B12")
    layout = fresh_layout("ours")
    async with running_ours(layout=layout):
        pass
    for _ in range(plan.runs):
        began = time.monotonic()
        async with running_ours(layout=layout) as (_, subject):
            findings.found(start, subject.name, time.monotonic() - began)
            with voiding([heavy, light], subject, findings):
                await _work(subject, plan.seconds / 3)
                for bar, services in ((heavy, ("intake", "followup")), (light, ("triage", "mediation"))):
                    weights = weights_of(subject.pids, services)
                    each = ", ".join(f"{name} {weight:.0f}" for name, weight in weights.items())
                    findings.found(bar, subject.name, max(weights.values()), note=f"the last run: {each}")


async def _work(subject: Subject, seconds: float) -> None:
    client = await subject.client(32)
    bodies = Bodies(f"BENCH-M{time.monotonic_ns()}")
    sent = await open_loop(client, bodies, rate=RATE / 2, seconds=seconds)
    await subject.journeys(bodies.prefix, expected=len(sent.due))
    await client.close()
    if sent.refused:
        raise Void(f"{len(sent.refused)} calls were not answered 202")


def weights_of(pids: Mapping[str, int], services: Iterable[str]) -> dict[str, float]:
    """Resident memory, shared pages counted in full, in MB."""
    return {
        name: psutil.Process(pid).memory_info().rss / MEGABYTE
        for name, pid in pids.items()
        if name.split("-")[0] in services
    }


def peak_of(pid: int) -> float:
    """The most that was ever resident of a process, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next((int(line.split()[1]) * 1024 / MEGABYTE for line in lines if line.startswith("VmHWM:")), 0.0)
