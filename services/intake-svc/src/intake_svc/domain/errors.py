"""Refusals in business words; the API's one table turns them into problem responses."""

from dataclasses import dataclass, field


class Refusal(Exception):
    """A request that is understood and not allowed."""


@dataclass
class TransitionRefused(Refusal):
    state: str
    act: str
    allowed: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return f"{self.act} is not allowed in state {self.state}"


@dataclass
class GuardRefused(Refusal):
    """The table allows the move, a rule does not: which rule, on what basis, and what it concerns (codes only)."""

    code: str
    zh: str
    en: str
    basis: str = ""
    concerns: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        return self.code


@dataclass
class OfAnother(Refusal):
    """Somebody with another role decides this."""

    roles: tuple[str, ...]

    def __str__(self) -> str:
        return f"only {', '.join(self.roles)}"


class RuleDataError(ValueError):
    """Rule data that cannot be used: says which entry and why, before anything runs on it."""
