"""A closing that somebody has asked for and that waits, for everybody to see, until nothing is on its way any more."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from followup_svc.domain.obstacles import Obstacle

LONGEST_WAIT = timedelta(seconds=30)


class ClosingState(StrEnum):
    WAITING = "waiting"
    REFUSED = "refused"  # while it waited a rule came to stand in its way
    DONE = "done"
    OVERTAKEN = "overtaken"  # closed or begun anew by something else


@dataclass(frozen=True, slots=True)
class ClosingRequest:
    """`command_id` is the audited command that asked; the closing will name it as its cause."""

    referral_id: UUID
    cycle: int
    command_id: UUID
    asked_by: str
    asked_at: datetime
    next_try_at: datetime
    state: ClosingState = ClosingState.WAITING
    tries: int = 0
    obstacles: tuple[Obstacle, ...] = ()

    def put_off(self, obstacles: Sequence[Obstacle], *, now: datetime, retry: timedelta) -> "ClosingRequest":
        """The waits grow: a producer that is away for a day is not asked every five seconds; one that is back, soon."""
        wait = min(retry * 2 ** min(self.tries, 10), LONGEST_WAIT)
        return replace(self, tries=self.tries + 1, obstacles=tuple(obstacles), next_try_at=now + wait)

    def ended(self, state: ClosingState, obstacles: Sequence[Obstacle] = ()) -> "ClosingRequest":
        return replace(self, state=state, obstacles=tuple(obstacles))
