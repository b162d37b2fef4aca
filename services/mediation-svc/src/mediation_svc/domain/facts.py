"""What happened to a case, as the domain says it; `publishing` gives each its public form."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from mediation_svc.domain.agreement import Form, Obligation


@dataclass(frozen=True, slots=True)
class RunningClock:
    clock: str
    key: str
    due_at: datetime
    rule: str
    calendar: str


@dataclass(frozen=True, slots=True)
class ClockMet:
    clock: str
    key: str
    met_at: datetime


@dataclass(frozen=True, slots=True)
class DeadlineSet:
    clocks: tuple[RunningClock, ...]


@dataclass(frozen=True, slots=True)
class DeadlineMet:
    clocks: tuple[ClockMet, ...]


@dataclass(frozen=True, slots=True)
class DeadlineBreached:
    clock: RunningClock


@dataclass(frozen=True, slots=True)
class ReferralHalted:
    urgent_event_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class CaseOpened:
    committee_code: str
    cycle: int


@dataclass(frozen=True, slots=True)
class CaseAccepted:
    file_no: str
    accepted_at: datetime
    clocks: tuple[RunningClock, ...] = ()


@dataclass(frozen=True, slots=True)
class MediatorAssigned:
    mediator_codes: tuple[str, ...]
    chosen_by: str


@dataclass(frozen=True, slots=True)
class MeetingHeld:
    number: int
    held_at: datetime


@dataclass(frozen=True, slots=True)
class CaseSuspended:
    reason: str


@dataclass(frozen=True, slots=True)
class CaseResumed:
    pass


@dataclass(frozen=True, slots=True)
class AgreementReached:
    form: Form
    agreement_no: str


@dataclass(frozen=True, slots=True)
class AgreementEffective:
    """`obligations`: those still owed; what was done on the spot is history."""

    agreement_no: str
    form: Form
    effective_at: datetime
    obligations: tuple[Obligation, ...]
    confirmation_deadline: date | None


@dataclass(frozen=True, slots=True)
class ObligationPerformed:
    obligation_id: UUID
    performed_at: datetime
    all_performed: bool


@dataclass(frozen=True, slots=True)
class ObligationBreached:
    obligation_ids: tuple[UUID, ...]
    found_by: str


@dataclass(frozen=True, slots=True)
class BreachTold:
    obligation_ids: tuple[UUID, ...]
    remedies_informed_at: datetime


@dataclass(frozen=True, slots=True)
class CaseTerminated:
    reason: str
    remedies_informed_at: datetime


@dataclass(frozen=True, slots=True)
class CaseReopened:
    reason: str
    cycle: int


@dataclass(frozen=True, slots=True)
class CaseFiled:
    file_no: str
    volume: int


@dataclass(frozen=True, slots=True)
class EscalatedToPolice:
    receipt: str
    reason: str
    at: datetime


Fact = (
    DeadlineSet | DeadlineMet | DeadlineBreached | ReferralHalted | CaseOpened | CaseAccepted | MediatorAssigned
    | MeetingHeld | CaseSuspended | CaseResumed | AgreementReached | AgreementEffective | ObligationPerformed
    | ObligationBreached | BreachTold | CaseTerminated | CaseReopened | CaseFiled | EscalatedToPolice
)  # fmt: skip
