"""The first classifier: a table of signals, each of which speaks for one category."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from triage_svc.domain.matching import ByWord, Condition, Reading

OTHER = "other"


@dataclass(frozen=True, slots=True)
class Category:
    """One entry of the catalogue, in force between two days by a policy document."""

    code: str
    name: str
    valid_from: date
    valid_to: date | None
    policy_document: str

    def is_in_force(self, on: date) -> bool:
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


@dataclass(frozen=True, slots=True)
class Signal:
    category: str
    weight: float
    condition: Condition


@dataclass(frozen=True, slots=True)
class Reason:
    category: str
    weight: float
    matched: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.category} {self.weight:+g}: {'、'.join(self.matched)}"


@dataclass(frozen=True, slots=True)
class Classification:
    category: str
    confidence: float
    runner_up: str | None
    needs_review: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Classifier:
    """`base` is what a category has before any signal speaks; `temperature` turns a lead in points into confidence."""

    catalogue: tuple[Category, ...]
    signals: tuple[Signal, ...]
    base: Mapping[str, float]
    temperature: float
    review_below: float
    _signals: ByWord[Signal] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_signals", ByWord.of(self.signals, lambda signal: signal.condition))

    def classify(self, reading: Reading, *, on: date) -> Classification:
        """A category not in force on that day takes no part: `other` takes its calls."""
        known = {entry.code for entry in self.catalogue if entry.is_in_force(on)} | {OTHER}
        reasons = self._reasons(reading, known)
        scores = {code: self.base.get(code, 0.0) for code in known}
        for reason in reasons:
            scores[reason.category] += reason.weight
        ranked = sorted(scores, key=lambda code: (-scores[code], code))
        winner = ranked[0] if reasons else OTHER
        confidence = self._confidence(winner, scores) if reasons else 0.0
        runner_up = next((code for code in ranked if code != winner and scores[code] > self.base.get(code, 0.0)), None)
        return Classification(winner, round(confidence, 3), runner_up, confidence < self.review_below, reasons)

    def _reasons(self, reading: Reading, known: set[str]) -> tuple[Reason, ...]:
        found: list[Reason] = []
        for signal in self._signals.that_may_hold(reading):
            if signal.category in known and (matched := signal.condition.hits(reading)):
                found.append(Reason(signal.category, signal.weight, matched[:4]))
        return tuple(found)

    def _confidence(self, winner: str, scores: Mapping[str, float]) -> float:
        lead = scores[winner]
        return 1 / sum(math.exp((score - lead) / self.temperature) for score in scores.values())


def strongest(reasons: Sequence[Reason], *, limit: int) -> list[str]:
    ranked = sorted(reasons, key=lambda reason: -abs(reason.weight))
    return [str(reason) for reason in ranked[:limit]]
