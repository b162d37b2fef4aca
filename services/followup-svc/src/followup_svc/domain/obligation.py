"""What an agreement obliges somebody to, as far as the gate must know it (PML art. 31)."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone
from enum import StrEnum
from uuid import UUID

CHINA = timezone(timedelta(hours=8))


class ObligationState(StrEnum):
    OPEN = "open"
    BREACHED = "breached"
    PERFORMED = "performed"
    TOLD = "told"  # breached, and the parties know their remedies
    SUPERSEDED = "superseded"  # by a case that began again


@dataclass(frozen=True, slots=True)
class Obligation:
    obligation_id: UUID
    referral_id: UUID
    cycle: int
    kind: str
    due_on: date | None
    state: ObligationState = ObligationState.OPEN

    @property
    def due_at(self) -> datetime | None:
        """The end of its day, where it is owed."""
        if self.due_on is None:
            return None
        return datetime.combine(self.due_on + timedelta(days=1), time(), CHINA)

    def is_overdue(self, now: datetime) -> bool:
        if self.state is ObligationState.BREACHED:
            return True
        return self.state is ObligationState.OPEN and self.due_at is not None and self.due_at <= now

    @property
    def is_settled(self) -> bool:
        return self.state not in (ObligationState.OPEN, ObligationState.BREACHED)

    def moved(self, state: ObligationState) -> "Obligation":
        """Performance and superseding are final: a breach stated before does not come back."""
        if self.state in (ObligationState.PERFORMED, ObligationState.SUPERSEDED):
            return self
        return replace(self, state=state)
