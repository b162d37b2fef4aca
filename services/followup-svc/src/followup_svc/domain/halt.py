"""A block that stands over the referral: any one left halts it (DELIVERY §4)."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Halt:
    """Named by where it was stated: a lift names these numbers and removes no other."""

    referral_id: UUID
    producer: str
    seq: int
    at: datetime
    lifted_at: datetime | None = None

    @property
    def stands(self) -> bool:
        return self.lifted_at is None

    def lifted(self, *, at: datetime) -> "Halt":
        return self if self.lifted_at else replace(self, lifted_at=at)
