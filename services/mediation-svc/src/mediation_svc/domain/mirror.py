"""What mediation knows of a referral besides its own case: noted when it opens, complete once it is dispatched.

Facts that did not see one another may come in either order, so every field is written by one kind of fact alone, and
counts and hops only grow.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from mediation_svc.domain.case import ReferralId


class MirrorState(StrEnum):
    NOTED = "noted"
    DISPATCHED = "dispatched"


@dataclass(frozen=True, slots=True)
class Mirror:
    """`has_people`: somebody has begun on it, so there are clocks, blocks or a case to be loaded; before there are
    none, and the automatic road is spared the look. `flags`: what a mediator should see, by code."""

    referral_id: ReferralId
    opened_at: datetime | None = None
    calls: int = 1
    category: str | None = None
    grade: str | None = None
    hop: int = 0
    office_code: str | None = None
    dispatched_at: datetime | None = None
    has_people: bool = False
    ended: str | None = None
    closed_at: datetime | None = None
    watch_cycle: int = 1
    flags: frozenset[str] = frozenset()

    @property
    def state(self) -> MirrorState:
        return MirrorState.DISPATCHED if self.dispatched_at else MirrorState.NOTED

    def opened(self, *, at: datetime) -> "Mirror":
        return replace(self, opened_at=self.opened_at or at)

    def joined_by_call(self, *, calls: int) -> "Mirror":
        return replace(self, calls=max(self.calls, calls))

    def classified(self, category: str, grade: str) -> "Mirror":
        return replace(self, category=category, grade=grade)

    def graded(self, grade: str) -> "Mirror":
        return replace(self, grade=grade)

    def dispatched(self, office_code: str, *, hop: int, at: datetime) -> "Mirror":
        """The office of the furthest hop stands, with the instant of *its* dispatch; what had ended goes on."""
        if hop <= self.hop:
            return self
        return replace(self, office_code=office_code, hop=hop, dispatched_at=at, ended=None)

    def touched(self) -> "Mirror":
        return replace(self, has_people=True)

    def ended_as(self, end: str) -> "Mirror":
        return replace(self, ended=end)

    def closed(self, *, cycle: int, at: datetime) -> "Mirror":
        return replace(self, closed_at=at, watch_cycle=max(self.watch_cycle, cycle))

    def reopened(self, *, cycle: int) -> "Mirror":
        return replace(self, closed_at=None, watch_cycle=max(self.watch_cycle, cycle))

    def flagged(self, flag: str) -> "Mirror":
        return replace(self, flags=self.flags | {flag})

    def unflagged(self, flag: str) -> "Mirror":
        return replace(self, flags=self.flags - {flag})
