"""Where the processor's time goes: per process and call, while a run lasts."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import psutil

Seconds = dict[str, float]


def spent(pids: Mapping[str, int]) -> Seconds:
    """Processor seconds of each process so far; of PostgreSQL with all its servers."""
    return {name: _of(pid) for name, pid in pids.items()}


def per_call(before: Seconds, after: Seconds, calls: int) -> Seconds:
    """Milliseconds a call, largest first."""
    used = {name: (after[name] - before[name]) / max(calls, 1) * 1000 for name in after if name in before}
    return dict(sorted(used.items(), key=lambda item: -item[1]))


def _of(pid: int) -> float:
    total = 0.0
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        times = process.cpu_times()
        total = times.user + times.system
        if process.name() == "postgres":
            total += times.children_user + times.children_system
            for child in process.children(recursive=True):
                with suppress(psutil.Error):
                    used = child.cpu_times()
                    total += used.user + used.system
    return total
