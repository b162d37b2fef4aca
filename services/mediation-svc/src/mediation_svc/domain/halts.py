"""The overlay `halted` (DELIVERY §4): a row for every block that holds the referral; free when none is left."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Halt:
    """A lift names the stream number of the block it lifts, so a second block of the same code stays."""

    referral_id: UUID
    producer: str
    seq: int
    code: str
    at: datetime
    is_lifted: bool = False  # then its row goes when the work is saved

    @property
    def key(self) -> tuple[UUID, str, int]:
        return self.referral_id, self.producer, self.seq
