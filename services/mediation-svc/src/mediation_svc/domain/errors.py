"""Refusals of mediation, in business words. They know nothing of HTTP; the API turns them into problems."""

from collections.abc import Collection


class TransitionRefused(Exception):
    """The case stands where this act is not allowed; `allowed` names what is."""

    def __init__(self, state: str, act: str, allowed: Collection[str]) -> None:
        super().__init__(f"{act} is refused in state {state}; allowed: {', '.join(sorted(allowed)) or 'nothing'}")
        self.state = state
        self.act = act
        self.allowed = tuple(sorted(allowed))
