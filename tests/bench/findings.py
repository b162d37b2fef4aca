"""What was found, row by row, and what a row is worth: kept between runs, so that benches may be run one by one."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.plan import BARS, LESS, Bar, Plan

VOID_BELOW = 0.7
RECORDED = Path(__file__).with_name("floor") / "recorded.json"


@dataclass(frozen=True)
class Row:
    id: str
    figure: str
    unit: str
    ours: float | None = None
    floor: float | None = None
    ratio: float | None = None
    weekend: float | None = None
    verdict: str = ""
    void: str = ""
    quick: bool = False
    shortened: str = ""
    runs: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, dict[str, float]] = field(default_factory=dict)
    note: str = ""
    at: str = ""


class Findings:
    """`say` shows each figure as it is found."""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self._plan, self._say = plan, say
        self._runs: dict[tuple[str, str], list[float]] = {}
        self._voids: dict[str, str] = {}
        self._notes: dict[str, str] = {}
        self._cpu: dict[str, dict[str, dict[str, float]]] = {}

    def found(self, bar: Bar, subject: str, value: float, *, note: str = "") -> None:
        self._runs.setdefault((bar.key, subject), []).append(value)
        if note:
            self._notes[bar.key] = note
        self._say(f"{bar.id:4} {subject:8} {shown(value)} {bar.unit:8} {bar.figure}{f' ({note})' if note else ''}")

    def say(self, text: str) -> None:
        self._say(text)

    def note(self, bar: Bar, text: str) -> None:
        """Beside the figure, in its row."""
        self._notes[bar.key] = text
        self._say(f"{bar.id:4} {text}")

    def say_cpu(self, bar: Bar, subject: str, milliseconds: Mapping[str, float]) -> None:
        """Processor time a call, the dearest processes first: kept beside the row for whoever asks where time goes."""
        self._cpu.setdefault(bar.key, {})[subject] = {name: round(used, 3) for name, used in milliseconds.items()}
        dearest = ", ".join(f"{name} {used:.2f}" for name, used in list(milliseconds.items())[:6])
        self._say(f"{bar.id:4} {subject:8} ms a call: {sum(milliseconds.values()):.2f}: {dearest}")

    def void(self, bars: Iterable[Bar], subject: str, reason: str) -> None:
        for bar in bars:
            self._voids[bar.key] = f"{subject}: {reason}"
        self._say(f"void: {subject}: {reason}")

    def rows(self, recorded: dict[str, float]) -> list[Row]:
        """Of every figure that this run was asked for and has come to: what it has not is as it was."""
        come_to = {key for key, _ in self._runs} | self._voids.keys()
        return [self._row(bar, recorded) for bar in BARS if self._plan.wants(bar.id) and bar.key in come_to]

    def _row(self, bar: Bar, recorded: dict[str, float]) -> Row:
        runs = {name: values for (key, name), values in self._runs.items() if key == bar.key}
        medians = {name: statistics.median(values) for name, values in runs.items()}
        row = Row(
            bar.id, bar.figure, bar.unit, medians.get("ours"), medians.get("floor"), weekend=medians.get("weekend"),
            void=self._voids.get(bar.key, ""), quick=self._plan.is_quick, shortened=self._plan.shortened, runs=runs,
            note=self._notes.get(bar.key, ""), cpu=self._cpu.get(bar.key, {}),
            at=datetime.now(UTC).isoformat(timespec="seconds"),
        )  # fmt: skip
        if row.ours and row.floor and not row.void:
            row = replace(row, ratio=round(row.ours / row.floor, 3))
        if not self._plan.is_quick and is_slow(bar, row.floor, recorded.get(bar.key)):
            row = replace(row, ratio=None, void=row.void or "the floor is below 0.7 of the recorded one")
        return replace(row, verdict=verdict_of(bar, row))


def is_slow(bar: Bar, floor: float | None, recorded: float | None) -> bool:
    """A floor far from the recorded one says that the machine is busy or another: no ratio means anything then."""
    if not floor or not recorded:
        return False
    return floor > recorded / VOID_BELOW if bar.better == LESS else floor < recorded * VOID_BELOW


def verdict_of(bar: Bar, row: Row) -> str:
    value = row.ratio if bar.on == "ratio" else row.ours
    if value is None or (row.void and (bar.on == "ratio" or row.void.startswith("ours"))):
        return "void" if row.void else "not measured"
    if bar.reached(value, bar.aim):
        return "aim"
    return "must" if bar.reached(value, bar.must) else "missed"


def merged(before: Sequence[dict[str, Any]], rows: Sequence[Row]) -> list[dict[str, Any]]:
    """New rows replace those of the same figure, but what measures nothing replaces nothing that was measured; the
    others stand, each with the instant it was measured at."""
    known = {(row["id"], row["figure"]): row for row in before}
    measured = {key for key, row in known.items() if not row["quick"]}
    known |= {(row.id, row.figure): asdict(row) for row in rows if not (row.quick and (row.id, row.figure) in measured)}
    return [known[bar.id, bar.figure] for bar in BARS if (bar.id, bar.figure) in known]


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def shown(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
