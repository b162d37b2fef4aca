"""The way a whole run goes: its steps one after the other, how long each takes, and so how much is left."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from bench.findings import Findings
from bench.plan import BARS, Bar

Clock = Callable[[], float]


@dataclass(frozen=True)
class Step:
    """`seconds` is what it took on two cores; it is an estimate and nothing waits for it."""

    ids: tuple[str, ...]
    subject: str
    seconds: float
    run: Callable[[], Awaitable[None]]

    @property
    def name(self) -> str:
        return f"{', '.join(self.ids)} {self.subject}"


class Course:
    """Says each line with the time gone and the time left."""

    def __init__(self, *, clock: Clock = time.monotonic, out: Callable[[str], None] = print) -> None:
        self._clock, self._out = clock, out
        self._began = self._step_began = clock()
        self._present, self._later = 0.0, 0.0

    def say(self, text: str) -> None:
        gone = self._clock() - self._began
        self._out(f"[{gone:5.0f} s, {told(self.left()):>9} left] {text}")

    def left(self) -> float:
        """Of a step that takes longer than it should nothing is left."""
        return max(self._present - (self._clock() - self._step_began), 0.0) + self._later

    async def run(self, steps: Sequence[Step], findings: Findings) -> bool:
        """A step that falls over voids its own figures and not the others'. Whether none did."""
        self._later = sum(step.seconds for step in steps)
        self.say(f"{len(steps)} steps, in all about {told(self._later)}")
        fallen = [step for step in steps if not await self._stands(step, findings)]
        self._present = 0.0
        return not fallen

    async def _stands(self, step: Step, findings: Findings) -> bool:
        self._step_began, self._present = self._clock(), step.seconds
        self._later = max(self._later - step.seconds, 0.0)
        self.say(f"{step.name} begins, about {told(step.seconds)}")
        try:
            await step.run()
        except Exception as error:
            findings.void(_bars(step.ids), step.subject, f"fell over: {type(error).__name__}: {error}")
            return False
        return True


def told(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _bars(ids: Iterable[str]) -> list[Bar]:
    return [bar for bar in BARS if bar.id in ids]
