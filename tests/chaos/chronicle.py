"""What happened when, line by line while it happens, and the table at the end."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

Say = Callable[[str], None]


@dataclass
class Row:
    met: int = 0
    repairs: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Chronicle:
    def __init__(self, file: Path, say: Say) -> None:
        self._file, self._say = file, say
        self._started = time.monotonic()
        self.rows: dict[str, Row] = defaultdict(Row)

    def line(self, text: str) -> None:
        stamped = f"chaos {time.monotonic() - self._started:6.1f} s  {text}"
        with self._file.open("a", encoding="utf-8") as file:
            file.write(stamped + "\n")
        self._say(stamped)

    def met(self, fault: str, *, repaired_in: float, notes: list[str]) -> None:
        row = self.rows[fault]
        row.met += 1
        row.repairs.append(repaired_in)
        row.notes += notes

    def table(self) -> list[str]:
        """Fault, how often it was met, the median and the longest time to repair, and what was seen."""
        width = max((len(fault) for fault in self.rows), default=0)
        lines = [f"{'fault':{width}}  met  repaired in (longest)"]
        for fault, row in self.rows.items():
            middle = sorted(row.repairs)[len(row.repairs) // 2]
            notes = "; ".join(dict.fromkeys(row.notes[:3]))
            lines.append(
                f"{fault:{width}}  {row.met:3d}  {middle:5.1f} s ({max(row.repairs):5.1f} s)  {notes}".rstrip()
            )
        return lines
