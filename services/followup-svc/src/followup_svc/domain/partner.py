"""What partners are told: how far a referral is, in an area large enough that nobody is recognised (CONTRACTS §5)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple


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


ENDS = frozenset({Step.AGREED, Step.ENDED, Step.RETURNED})
_A_MOMENT = timedelta(microseconds=1)
Place = tuple[datetime, datetime]


class Told(NamedTuple):
    """The row that the compacted topic shows: one version per change, never less than before.

    `place` is where in time the present state stands: a step that belongs before it is told and is not the state.
    """

    version: int = 0
    state: str | None = None
    at: datetime | None = None
    area_code: str | None = None
    office_code: str | None = None
    cycle: int = 1
    place: Place | None = None
    closed_at: datetime | None = None

    def step(self, step: Step, *, at: datetime) -> "Told":
        """Every step is a change; which one is the state does not depend on the order in which they came."""
        version, closed_at = self.version + 1, at if step is Step.CLOSED else self.closed_at
        place = self._place_of(step, at)
        if self.place is not None and place < self.place:
            return self._replace(version=version, closed_at=closed_at)
        return self._replace(version=version, closed_at=closed_at, state=step.value, at=at, place=place)

    def _place_of(self, step: Step, at: datetime) -> Place:
        """What reopens stands right behind the closing; an end that came late stands behind that, however old it is."""
        if step is Step.REOPENED and self.closed_at is not None:
            behind = self.closed_at + _A_MOMENT
            return behind, behind
        if step in ENDS and self.closed_at is not None:
            return max(at, self.closed_at + 2 * _A_MOMENT), at
        return at, at

    def changed(self) -> "Told":
        """Something else of the body changed, such as the grade."""
        return self._replace(version=self.version + 1)

    def placed(self, area_code: str | None, office_code: str | None, *, cycle: int) -> "Told":
        if (area_code, office_code, cycle) == (self.area_code, self.office_code, self.cycle):
            return self
        return self._replace(area_code=area_code, office_code=office_code, cycle=cycle)


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
