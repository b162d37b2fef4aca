"""A supervision order (督办): somebody must answer by a day."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from followup_svc.domain.errors import ActRefused


@dataclass(frozen=True, slots=True)
class SupervisionOrder:
    order_id: UUID
    referral_id: UUID
    addressee: str
    reason: str
    ordered_by: str
    ordered_at: datetime
    due_at: datetime
    answered_at: datetime | None = None

    def answered(self, *, at: datetime) -> "SupervisionOrder":
        if self.answered_at is not None:
            raise ActRefused("already_answered", "该督办单已答复。", "This order has been answered.", "DOMAIN §4.2")
        return replace(self, answered_at=at)
