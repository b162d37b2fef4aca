"""Refusals, in business words. They know nothing of HTTP."""


class TransitionRefused(Exception):
    """The referral's present state does not allow this act."""

    def __init__(self, state: str, act: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f"{act} is not allowed in {state}; allowed: {', '.join(allowed) or 'nothing'}")
        self.state = state
        self.act = act
        self.allowed = allowed


class DirectoryRefused(Exception):
    """The directory cannot be taken as it is. Each fault names the row and the cure, in both languages."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class AlreadyOpened(Exception):
    """A referral begins once; a second beginning is somebody's error and is looked at by a person."""
