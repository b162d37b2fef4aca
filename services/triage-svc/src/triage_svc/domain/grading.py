"""Risk grade (DOMAIN §4.3): each factor names the grade it justifies; the highest wins, nothing is added up."""

from dataclasses import dataclass

from triage_svc.domain.matching import Condition, Reading


@dataclass(frozen=True, slots=True)
class Factor:
    code: str
    grade: str
    reason: str
    condition: Condition
    categories: frozenset[str]  # empty: any
    expires_after_days: int | None


@dataclass(frozen=True, slots=True)
class Fired:
    code: str
    grade: str
    reason: str
    matched: tuple[str, ...]
    expires_after_days: int | None


@dataclass(frozen=True, slots=True)
class Grading:
    grade: str
    needs_review: bool
    fired: tuple[Fired, ...]


@dataclass(frozen=True, slots=True)
class GradeRules:
    order: tuple[str, ...]  # the gravest first
    default: str
    always_reviewed: frozenset[str]
    factors: tuple[Factor, ...]

    def grade(self, reading: Reading, category: str) -> Grading:
        fired = tuple(
            Fired(factor.code, factor.grade, factor.reason, matched[:4], factor.expires_after_days)
            for factor in self.factors
            if (not factor.categories or category in factor.categories) and (matched := factor.condition.hits(reading))
        )
        grade = min((one.grade for one in fired), key=self.order.index, default=self.default)
        return Grading(grade, grade in self.always_reviewed, fired)
