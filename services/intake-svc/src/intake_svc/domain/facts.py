"""What happened, as other services will be told of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from intake_svc.domain.blocks import Block
from intake_svc.domain.call import Call, LinkKind
from intake_svc.domain.decisions import ReturnDecision
from intake_svc.domain.feedback import Feedback
from intake_svc.domain.place import Place

PartyId = NewType("PartyId", UUID)


class PartyRole(StrEnum):
    CALLER = "caller"


@dataclass(frozen=True, slots=True)
class Party:
    """Someone of whom the call speaks; who it is stands in the vault row of that call."""

    party_id: PartyId
    role: PartyRole


@dataclass(frozen=True, slots=True)
class ReferralOpened:
    call: Call
    narrative: str
    place: Place
    source_category: str | None
    is_confidential: bool
    is_drill: bool
    parties: tuple[Party, ...]


@dataclass(frozen=True, slots=True)
class CallLinked:
    call: Call
    kind: LinkKind
    narrative: str
    calls: int
    duplicates: int
    repeats: int


@dataclass(frozen=True, slots=True)
class CallCorrected:
    """`changed` names fields of the published form; what a source calls its own fields may itself be personal."""

    call: Call
    version: int
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BlockSet:
    block: Block


@dataclass(frozen=True, slots=True)
class BlockLifted:
    code: str
    lifts: tuple[int, ...]
    role: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ReturnDecided:
    decision: ReturnDecision
    at: datetime


@dataclass(frozen=True, slots=True)
class ReferredAgain:
    hop: int


@dataclass(frozen=True, slots=True)
class CallWithdrawn:
    call: Call


@dataclass(frozen=True, slots=True)
class MilestoneTold:
    """What goes to the source itself."""

    call: Call
    feedback: Feedback


@dataclass(frozen=True, slots=True)
class FeedbackDelivered:
    feedback: Feedback


@dataclass(frozen=True, slots=True)
class FeedbackAcknowledged:
    feedback: Feedback


@dataclass(frozen=True, slots=True)
class FeedbackFailed:
    feedback: Feedback


@dataclass(frozen=True, slots=True)
class FeedbackWaived:
    feedback: Feedback


@dataclass(frozen=True, slots=True)
class Deadline:
    clock: str
    key: str
    due_at: datetime
    rule: str
    calendar: str


@dataclass(frozen=True, slots=True)
class DeadlineSet:
    clocks: tuple[Deadline, ...]


@dataclass(frozen=True, slots=True)
class DeadlineMet:
    """(clock, key) of each."""

    clocks: tuple[tuple[str, str], ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class DeadlineBreached:
    deadline: Deadline
