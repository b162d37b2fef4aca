"""What followup notes of a referral before there is a watch: plans will be chosen by it.

Every field is written by one kind of fact alone, so facts that did not see one another may come in either order.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from followup_svc.domain.watch import ReferralId


@dataclass(frozen=True, slots=True)
class Noted:
    referral_id: ReferralId
    opened_at: datetime | None = None
    calls: int = 1
    category: str | None = None
    grade: str | None = None

    def opened(self, *, at: datetime) -> "Noted":
        return replace(self, opened_at=self.opened_at or at)

    def joined_by_call(self, *, calls: int) -> "Noted":
        return replace(self, calls=max(self.calls, calls))

    def classified(self, category: str, grade: str) -> "Noted":
        return replace(self, category=category, grade=grade)
