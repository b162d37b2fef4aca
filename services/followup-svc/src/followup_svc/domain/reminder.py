"""A deadline that somebody missed: at once a reminder, one working day later an escalation, unless it is met."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

TOP_LEVEL = 4  # mediator → committee → judicial office → bureau → district (DOMAIN §5.3)


@dataclass(frozen=True, slots=True)
class Reminder:
    """`breach_id` is the event that stated the breach; `level` how far up it has gone."""

    referral_id: UUID
    producer: str
    clock: str
    key: str
    due_at: datetime
    breached_at: datetime
    breach_id: UUID
    is_met: bool = False
    level: int = 0

    @property
    def timer_key(self) -> str:
        return f"{self.producer}/{self.clock}/{self.key}"

    def escalated(self, top: int = TOP_LEVEL) -> "Reminder":
        return replace(self, level=min(self.level + 1, top))

    def met(self) -> "Reminder":
        return replace(self, is_met=True)
