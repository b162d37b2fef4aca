"""Refusals of followup, in business words. They know nothing of HTTP; the API turns them into problems."""

from collections.abc import Collection, Sequence

from followup_svc.domain.obstacles import Obstacle


class TransitionRefused(Exception):
    """The watch or visit stands where this act is not allowed; `allowed` names what is."""

    def __init__(self, state: str, act: str, allowed: Collection[str]) -> None:
        super().__init__(f"{act} is refused in state {state}; allowed: {', '.join(sorted(allowed)) or 'nothing'}")
        self.state = state
        self.act = act
        self.allowed = tuple(sorted(allowed))


class ActRefused(Exception):
    """The move exists, but a guard stands in its way; says which, and where it is written."""

    def __init__(self, code: str, zh: str, en: str, basis: str) -> None:
        super().__init__(f"{code}: {en}")
        self.code, self.zh, self.en, self.basis = code, zh, en, basis


class ClosingRefused(Exception):
    """At least one rule of the gate is not met; `obstacles` lists every one."""

    def __init__(self, obstacles: Sequence[Obstacle]) -> None:
        super().__init__(", ".join(obstacle.code for obstacle in obstacles))
        self.obstacles = tuple(obstacles)
