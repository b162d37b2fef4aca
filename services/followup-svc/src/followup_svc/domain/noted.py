"""What followup notes of a referral, before there is a watch and after: plans are chosen by it, partners told from it.

Every field is written by one kind of fact alone, or guarded by its instant: facts that did not see one another may
come in either order.
"""

from datetime import datetime
from typing import NamedTuple

from followup_svc.domain.grade import GradeHistory
from followup_svc.domain.partner import Told
from followup_svc.domain.watch import ReferralId


class Noted(NamedTuple):
    """`has_more` says that other tables hold rows of it even where there is no watch yet."""

    referral_id: ReferralId
    opened_at: datetime | None = None
    calls: int = 1
    category: str | None = None
    grades: GradeHistory = GradeHistory()
    area_code: str | None = None
    has_more: bool = False
    told: Told = Told()

    @property
    def grade(self) -> str | None:
        return self.grades.present

    def opened(self, *, at: datetime, area_code: str | None = None) -> "Noted":
        return self._replace(opened_at=self.opened_at or at, area_code=self.area_code or area_code)

    def joined_by_call(self, *, calls: int) -> "Noted":
        return self._replace(calls=max(self.calls, calls))

    def classified(self, category: str, grade: str, *, at: datetime) -> "Noted":
        return self._replace(category=category, grades=self.grades.graded(grade, at=at))

    def graded(self, grade: str, *, at: datetime) -> "Noted":
        return self._replace(grades=self.grades.graded(grade, at=at))

    def with_more(self) -> "Noted":
        return self if self.has_more else self._replace(has_more=True)

    def telling(self, told: Told) -> "Noted":
        return self._replace(told=told)
