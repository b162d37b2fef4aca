"""An agreement: who signed it, what is owed under it, and when it took effect. Never edited once it has."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class Form(StrEnum):
    ORAL = "oral"
    WRITTEN = "written"


class Signer(StrEnum):
    PARTY = "party"
    MEDIATOR = "mediator"


class ObligationState(StrEnum):
    OPEN = "open"
    PERFORMED = "performed"
    BREACHED = "breached"


class Standing(StrEnum):
    """What became of the agreement as a whole."""

    DRAFT = "draft"
    IN_FORCE = "in_force"
    WITHDRAWN = "withdrawn"
    HELD_INVALID = "held_invalid"
    LEFT = "left"  # another round of mediation began, or mediation ended first


@dataclass(frozen=True, slots=True)
class Obligation:
    """`is_overdue`: its day went by; it stays so until it is performed, or the parties are told their remedies.

    `seen`, `seen_at`: what the latest return visit found; followup's word, which moves nothing here.
    """

    obligation_id: UUID
    kind: str
    due_on: date | None = None
    note_id: UUID | None = None
    state: ObligationState = ObligationState.OPEN
    is_overdue: bool = False
    performed_at: datetime | None = None
    proof_id: UUID | None = None
    breached_at: datetime | None = None
    urged_at: datetime | None = None
    seen: str | None = None
    seen_at: datetime | None = None

    @property
    def is_owed(self) -> bool:
        return self.state is not ObligationState.PERFORMED

    def perform(self, *, at: datetime, proof_id: UUID | None = None) -> "Obligation":
        return replace(self, state=ObligationState.PERFORMED, performed_at=at, proof_id=proof_id, is_overdue=False)

    def breach(self, *, at: datetime, is_overdue: bool | None = None) -> "Obligation":
        overdue = self.is_overdue if is_overdue is None else is_overdue
        return replace(self, state=ObligationState.BREACHED, breached_at=at, is_overdue=overdue)


@dataclass(frozen=True, slots=True)
class Signature:
    signer: Signer
    party_id: UUID | None
    at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class Agreement:
    agreement_no: str
    form: Form
    drafted_at: datetime
    obligations: tuple[Obligation, ...]
    content_id: UUID | None = None
    signatures: tuple[Signature, ...] = ()
    sealed_at: datetime | None = None
    effective_at: datetime | None = None
    confirmation_deadline: date | None = None
    remedies_informed_at: datetime | None = None
    standing: Standing = Standing.DRAFT

    @property
    def is_in_force(self) -> bool:
        return self.standing is Standing.IN_FORCE

    @property
    def owed(self) -> tuple[Obligation, ...]:
        return tuple(one for one in self.obligations if one.is_owed)

    @property
    def breached(self) -> tuple[Obligation, ...]:
        return tuple(one for one in self.obligations if one.state is ObligationState.BREACHED)

    def has_signed(self, signer: Signer, party_id: UUID | None) -> bool:
        return any((one.signer, one.party_id) == (signer, party_id) for one in self.signatures)

    def find(self, obligation_id: UUID) -> Obligation | None:
        return next((one for one in self.obligations if one.obligation_id == obligation_id), None)

    def put(self, *changed: Obligation) -> "Agreement":
        new = {one.obligation_id: one for one in changed}
        return replace(self, obligations=tuple(new.get(one.obligation_id, one) for one in self.obligations))

    def take_effect(self, at: datetime, *, confirmation_deadline: date | None) -> "Agreement":
        return replace(self, effective_at=at, confirmation_deadline=confirmation_deadline, standing=Standing.IN_FORCE)
