"""Refusals of mediation, in business words. They know nothing of HTTP; the API turns them into problems."""

from collections.abc import Collection, Sequence


class TransitionRefused(Exception):
    """The case stands where this act is not allowed; `allowed` names what is."""

    def __init__(self, state: str, act: str, allowed: Collection[str]) -> None:
        super().__init__(f"{act} is refused in state {state}; allowed: {', '.join(sorted(allowed)) or 'nothing'}")
        self.state = state
        self.act = act
        self.allowed = tuple(sorted(allowed))


class GuardRefused(Exception):
    """The table allows the act, a rule does not: which, on what article, and the cure in both languages."""

    def __init__(self, code: str, *, zh: str, en: str, basis: str, concerns: Sequence[str] = ()) -> None:
        super().__init__(code)
        self.code, self.zh, self.en, self.basis = code, zh, en, basis
        self.concerns = tuple(concerns)


class ValueRefused(Exception):
    """A value that no rule knows. Values are codes and ids, never text."""

    def __init__(self, code: str, *, field: str, value: str, zh: str, en: str, known: Sequence[str] = ()) -> None:
        super().__init__(f"{code}: {field}={value}")
        self.code, self.field, self.value, self.zh, self.en = code, field, value, zh, en
        self.known = tuple(known)


class ObligationUnknown(Exception):
    """The agreement in force has no such obligation."""


class RuleDataError(ValueError):
    """Rule data that cannot be used: says which entry and why, before anything runs on it."""
