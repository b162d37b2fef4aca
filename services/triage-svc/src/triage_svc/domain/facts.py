"""What happened, as other services will be told of it. Who is told what in which form: `publishing`."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from triage_svc.domain.decision import DecisionId
from triage_svc.domain.directory import Organisation
from triage_svc.domain.referral import Party


@dataclass(frozen=True, slots=True)
class RunningClock:
    clock: str
    key: str
    due_at: datetime
    rule: str
    calendar: str


@dataclass(frozen=True, slots=True)
class ReferralDispatched:
    office: Organisation
    hop: int
    decision_id: DecisionId
    clocks: tuple[RunningClock, ...]


@dataclass(frozen=True, slots=True)
class ReferralReclassified:
    category: str
    previous: str
    grade: str
    decision_id: DecisionId
    reason: str


@dataclass(frozen=True, slots=True)
class GradeChanged:
    """`cause`: calls, visit or person; `approved_by` is named wherever a person lowered it."""

    grade: str
    previous: str
    cause: str
    approved_by: str | None = None


@dataclass(frozen=True, slots=True)
class ReferralSigned:
    office_code: str
    hop: int
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class PartyContacted:
    hop: int
    contacted_at: datetime
    channel: str
    parties: tuple[Party, ...]


@dataclass(frozen=True, slots=True)
class ReturnRequested:
    hop: int
    reason: str
    addressee: str


@dataclass(frozen=True, slots=True)
class ReturnRefused:
    hop: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReferralEnded:
    end: str
    hop: int
    body_code: str | None = None
    remedies_informed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HandedToMediation:
    committee: Organisation
    room_code: str | None
    mediator_code: str | None
    category: str
    grade: str
    parties: tuple[Party, ...]
    hop: int


@dataclass(frozen=True, slots=True)
class ReferralHalted:
    urgent_event_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class DeadlineSet:
    clocks: tuple[RunningClock, ...]


@dataclass(frozen=True, slots=True)
class ClockMet:
    clock: str
    key: str
    met_at: datetime


@dataclass(frozen=True, slots=True)
class DeadlineMet:
    clocks: tuple[ClockMet, ...]


@dataclass(frozen=True, slots=True)
class DeadlineBreached:
    clock: RunningClock


Fact = (
    ReferralDispatched
    | ReferralReclassified
    | GradeChanged
    | ReferralSigned
    | PartyContacted
    | ReturnRequested
    | ReturnRefused
    | ReferralEnded
    | HandedToMediation
    | ReferralHalted
    | DeadlineSet
    | DeadlineMet
    | DeadlineBreached
)
