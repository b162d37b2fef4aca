"""Risk grade (DOMAIN §4.3): each factor names the grade it justifies; the highest wins, nothing is added up."""

from dataclasses import dataclass, field

from triage_svc.domain.matching import ByWord, Condition, Reading


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
class CallRule:
    """`said`: the grade that the new call's own text must justify; empty: any."""

    code: str
    grade: str
    reason: str
    repeats: int
    said: frozenset[str] = frozenset()

    def holds(self, repeats: int, said: str) -> bool:
        return repeats >= self.repeats and (not self.said or said in self.said)


@dataclass(frozen=True, slots=True)
class GradeRules:
    order: tuple[str, ...]  # the gravest first
    default: str
    always_reviewed: frozenset[str]
    factors: tuple[Factor, ...]
    calls: tuple[CallRule, ...] = ()
    _factors: ByWord[Factor] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_factors", ByWord.of(self.factors, lambda factor: factor.condition))

    def grade(self, reading: Reading, category: str) -> Grading:
        fired = tuple(
            Fired(factor.code, factor.grade, factor.reason, matched[:4], factor.expires_after_days)
            for factor in self._factors.that_may_hold(reading)
            if (not factor.categories or category in factor.categories) and (matched := factor.condition.hits(reading))
        )
        grade = min((one.grade for one in fired), key=self.order.index, default=self.default)
        return Grading(grade, grade in self.always_reviewed, fired)

    def graver(self, one: str, other: str) -> str:
        return min(one, other, key=self.order.index)

    def is_graver(self, one: str, other: str) -> bool:
        return self.order.index(one) < self.order.index(other)

    def grade_of_calls(self, repeats: int, said: Grading) -> CallRule | None:
        """What a further call of the same dispute justifies by itself (DOMAIN §4.3): the gravest rule that holds."""
        holding = [rule for rule in self.calls if rule.holds(repeats, said.grade)]
        return min(holding, key=lambda rule: self.order.index(rule.grade), default=None)
