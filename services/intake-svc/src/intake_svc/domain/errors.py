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


class RuleDataError(ValueError):
    """Rule data that cannot be used: says which entry and why, before anything runs on it."""
