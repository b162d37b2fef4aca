"""What the source must have been told before a closing (DOMAIN §1.3): intake tells it, followup keeps count."""

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID


class Milestone(StrEnum):
    SIGNED = "signed"
    ACCEPTED = "accepted"
    RESULT = "result"
    CLOSED = "closed"


class MilestoneState(StrEnum):
    EXPECTED = "expected"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class MilestoneTold:
    """One milestone's fact and how far the source has it. `awaits` is what the source's profile says."""

    referral_id: UUID
    fact_id: UUID
    milestone: str
    state: MilestoneState = MilestoneState.EXPECTED
    awaits: bool = True

    @property
    def bars_closing(self) -> bool:
        """The closing's own milestone cannot precede it."""
        return self.milestone != Milestone.CLOSED and not self.is_told

    @property
    def is_told(self) -> bool:
        if self.state is MilestoneState.DELIVERED:
            return not self.awaits
        return self.state in (MilestoneState.ACKNOWLEDGED, MilestoneState.WAIVED)

    def delivered(self, *, awaits: bool) -> "MilestoneTold":
        return replace(self, state=MilestoneState.DELIVERED, awaits=awaits)

    def moved(self, state: MilestoneState) -> "MilestoneTold":
        return replace(self, state=state)
