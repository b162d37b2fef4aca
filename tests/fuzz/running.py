"""How much is tried, from which seed, and where what failed is kept: the suite tries a little, `make fuzz` all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.stack import ROOT

SEED = int(os.environ.get("FUZZ_SEED", "1"))
INPUTS = int(os.environ.get("FUZZ_INPUTS", "5000"))
"""Half of them are events."""
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "3"))
"""Of each operation, thought of by schemathesis."""
IS_FULL = INPUTS >= 100_000
KEPT = Path(__file__).parent / "kept"
FOUND = ROOT / ".local/fuzz"


def keep(kind: str, seed: int, n: int, failing: dict[str, Any]) -> Path:
    """Moved to tests/fuzz/kept it is tried by every run for good."""
    folder = FOUND / "failed"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{kind}-seed{seed}-{n}.json"
    file.write_text(json.dumps(failing, ensure_ascii=True, indent=1) + "\n", encoding="utf-8")
    return file


def kept(kind: str) -> list[dict[str, Any]]:
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(KEPT.glob(f"{kind}-*.json"))]


def report(part: str, figures: dict[str, Any]) -> None:
    """One file of what the last run tried and saw; each part writes its own lines."""
    FOUND.mkdir(parents=True, exist_ok=True)
    file = FOUND / "report.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    known[part] = {"seed": SEED, **figures}
    file.write_text(json.dumps(known, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")


@dataclass
class Progress:
    """A bar on the terminal while a long run goes on; the suite's short one needs none."""

    what: str
    total: int
    say: Callable[[str], None]
    told: int = 0

    def at(self, done: int) -> None:
        if IS_FULL and (step := done * 20 // self.total) > self.told:
            self.told = step
            self.say(f"{self.what:<10} [{'#' * step:<20}] {done:>7,} of {self.total:,}")
