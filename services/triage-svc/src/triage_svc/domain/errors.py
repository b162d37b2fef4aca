"""Refusals, in business words. They know nothing of HTTP."""

from collections.abc import Sequence


class TransitionRefused(Exception):
    """The referral's present state does not allow this act."""

    def __init__(self, state: str, act: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"{act} is not allowed in {state}; allowed: {', '.join(allowed) or 'nothing'}")
        self.state = state
        self.act = act
        self.allowed = allowed


class GuardRefused(Exception):
    """The table allows the act, a rule does not: which one, on what basis, and the cure in both languages."""

    def __init__(self, code: str, *, zh: str, en: str, basis: str = "", concerns: Sequence[str] = ()) -> None:
        super().__init__(code)
        self.code, self.zh, self.en, self.basis = code, zh, en, basis
        self.concerns = tuple(concerns)


class OfAnother(Exception):
    """Somebody with another role decides this."""

    def __init__(self, code: str, *, zh: str, en: str, roles: Sequence[str]) -> None:
        super().__init__(code)
        self.code, self.zh, self.en, self.roles = code, zh, en, tuple(roles)


class ValueRefused(Exception):
    """A value that no rule or directory knows: which field, which value, and the cure. Values are codes, never text."""

    def __init__(self, code: str, *, field: str, value: str, zh: str, en: str, known: Sequence[str] = ()) -> None:
        super().__init__(f"{code}: {field}={value}")
        self.code, self.field, self.value, self.zh, self.en = code, field, value, zh, en
        self.known = tuple(known)


class OutOfScope(Exception):
    """The organisation named stands outside the area of whoever names it."""


class DirectoryRefused(Exception):
    """The directory cannot be taken as it is. Each fault names the row and the cure, in both languages."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class AlreadyOpened(Exception):
    """A referral begins once; a second beginning is somebody's error and is looked at by a person."""


class RuleDataError(ValueError):
    """Rule data that cannot be used: says which entry and why, before anything runs on it."""
