"""What partners are told: how far a referral is, in an area large enough that nobody is recognised (CONTRACTS §5)."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class Step(StrEnum):
    """The life-cycle as partners see it; the last step told is the present state."""

    OPENED = "opened"
    DISPATCHED = "dispatched"
    SIGNED = "signed"
    ACCEPTED = "accepted"
    AGREED = "agreed"
    ENDED = "ended"
    RETURNED = "returned"
    CLOSED = "closed"
    REOPENED = "reopened"


@dataclass(frozen=True, slots=True)
class Told:
    """The row that the compacted topic shows: one version per change, never less than before."""

    version: int = 0
    state: str | None = None
    at: datetime | None = None
    area_code: str | None = None
    office_code: str | None = None
    cycle: int = 1

    def step(self, step: Step, *, at: datetime) -> "Told":
        """Every step is a change; the later one is the state, whichever comes first."""
        if self.at is not None and at < self.at:
            return replace(self, version=self.version + 1)
        return replace(self, version=self.version + 1, state=step.value, at=at)

    def changed(self) -> "Told":
        """Something else of the body changed, such as the grade."""
        return replace(self, version=self.version + 1)

    def placed(self, area_code: str | None, office_code: str | None, *, cycle: int) -> "Told":
        return replace(self, area_code=area_code, office_code=office_code, cycle=cycle)


@dataclass(frozen=True, slots=True)
class Coarsening:
    """Where a cell is small the district is told, and no office: the office would tell the sub-district."""

    version: str
    small_areas: frozenset[str]
    small_categories: frozenset[str]

    def placed(
        self, area_code: str | None, office_code: str | None, category: str | None
    ) -> tuple[str | None, str | None]:
        area = area_code or ((office_code or "").partition("-")[0] or None)
        if area is None:
            return None, None
        if area in self.small_areas or category in self.small_categories:
            return area[:6], None
        return area[:9], office_code
