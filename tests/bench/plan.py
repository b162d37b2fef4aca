"""What is measured, for how long, and what is asked of it (DESIGN §9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

MORE, LESS = "more", "less"


@dataclass(frozen=True)
class Bar:
    """`must` and `aim` are asked of `on`: our own figure, or its ratio to the floor's."""

    id: str
    figure: str
    unit: str
    must: float
    aim: float
    better: str = MORE
    on: str = "ours"

    @property
    def key(self) -> str:
        return f"{self.id} {self.figure}"

    def reached(self, value: float, wanted: float) -> bool:
        return value >= wanted if self.better == MORE else value <= wanted


POSTS, POST_P50, POST_P99 = "durable POSTs, closed loop of 32", "POST at 200/s, p50", "POST at 200/s, p99"
DRAIN, APPLY = "relay drains a backlog", "events applied, gate and domain logic"
ROAD, ROAD_P50, ROAD_P99 = "automatic road, lag flat", "POST due → both committed at 200/s, p50", "the same, p99"
KILLED, BACKLOG = "kill -9 → first new effect, worst process", "backlog of 720,000 events is applied"
HEAVY, LIGHT = "memory of intake and followup, largest process", "memory of triage and mediation, largest process"
START = "start of everything until ready"

BARS = (
    Bar("B1", POSTS, "/s", 1500, 4000),
    Bar("B2", POST_P50, "ms", 12, 5, LESS),
    Bar("B2", POST_P99, "ms", 60, 20, LESS),
    Bar("B4", DRAIN, "/s", 0.4, 0.8, on="ratio"),
    Bar("B5", APPLY, "/s", 0.25, 0.5, on="ratio"),
    Bar("B6", ROAD, "calls/s", 600, 1500),
    Bar("B7", ROAD_P50, "ms", 60, 25, LESS),
    Bar("B7", ROAD_P99, "ms", 250, 80, LESS),
    Bar("B8", KILLED, "s", 5, 2, LESS),
    Bar("B9", BACKLOG, "s", 300, 100, LESS),
    Bar("B12", HEAVY, "MB", 150, 110, LESS),
    Bar("B12", LIGHT, "MB", 220, 160, LESS),
    Bar("B12", START, "s", 20, 8, LESS),
)
IDS = tuple(dict.fromkeys(bar.id for bar in BARS))
BACKLOG_EVENTS = 720_000
WARM_UP, SECONDS, RUNS = 10.0, 60.0, 3
"""The rules of DESIGN §9."""


class BadPlan(ValueError):
    """A bench was asked for that does not exist."""


@dataclass(frozen=True)
class Plan:
    """Full: 10 s of warm-up, runs of 60 s, median of three. Quick: one run of seconds; it shows that all works.

    `scale` is the share of their full size that backlogs have.
    """

    ids: tuple[str, ...]
    is_quick: bool
    is_published: bool
    warm_up: float
    seconds: float
    runs: int
    scale: float

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """BENCH_ONLY=B1,B2 · QUICK=1 · PUBLISH=1 · BENCH_SECONDS, _RUNS, _WARM_UP, _SCALE. Raises BadPlan."""
        wanted = [word.strip().upper() for word in environ.get("BENCH_ONLY", "").split(",") if word.strip()]
        if unknown := sorted(set(wanted) - set(IDS)):
            raise BadPlan(f"no bench is called {', '.join(unknown)}: there are {', '.join(IDS)}")
        quick = environ.get("QUICK", "") not in ("", "0")
        return cls(
            ids=tuple(wanted) or IDS,
            is_quick=quick,
            is_published=environ.get("PUBLISH", "") not in ("", "0"),
            warm_up=float(environ.get("BENCH_WARM_UP") or (2 if quick else WARM_UP)),
            seconds=float(environ.get("BENCH_SECONDS") or (5 if quick else SECONDS)),
            runs=int(environ.get("BENCH_RUNS") or (1 if quick else RUNS)),
            scale=float(environ.get("BENCH_SCALE") or (0.02 if quick else 1)),
        )

    def wants(self, *ids: str) -> bool:
        return any(one in self.ids for one in ids)

    @property
    def shortened(self) -> str:
        """What it has less than the rules ask; empty for a run by the rules."""
        if self.warm_up >= WARM_UP and self.seconds >= SECONDS and self.runs >= RUNS and self.scale >= 1:
            return ""
        return f"{self.runs} of {self.seconds:g} s after {self.warm_up:g} s, backlogs × {self.scale:g}"

    def rows(self, full: int, *, least: int) -> int:
        """How long a backlog is: below `least` nothing could be timed."""
        return max(round(full * self.scale), min(least, full))
