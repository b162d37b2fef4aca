"""The mediation case as a whole: one round after another, each with its consents, meetings and agreement.

Acts on it live beside it by subject (`consenting`, `conducting`, `agreeing`, `performing`, `ending`); all of them move
it by the one table of `states`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NewType
from uuid import UUID

from mediation_svc.domain.agreement import Agreement, Obligation, Standing
from mediation_svc.domain.errors import ObligationUnknown, TransitionRefused
from mediation_svc.domain.numbering import FileNumber
from mediation_svc.domain.parties import Party
from mediation_svc.domain.states import DEEDS, TRANSITIONS, Act, Back, CaseState, Deed

ReferralId = NewType("ReferralId", UUID)


@dataclass(frozen=True, slots=True)
class Committee:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Meeting:
    number: int
    held_at: datetime
    present: tuple[UUID, ...]
    note_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """To the police, before it comes to violence (PML 25)."""

    receipt: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MediationCase:
    """`version` counts what people changed; `watch_cycle` is followup's round, `cycle` our own, `handed_cycle` the
    one that triage's last hand-over began: its end ends no other.

    `meetings` and `agreement` are of the present round; `past_agreements` keeps every earlier text.
    """

    referral_id: ReferralId
    committee: Committee
    scope_path: str
    opened_at: datetime
    state: CaseState = CaseState.APPLIED
    suspended_from: CaseState | None = None
    suspended_for: str | None = None
    hop: int = 1
    cycle: int = 1
    handed_cycle: int = 1
    watch_cycle: int = 1
    room_code: str | None = None
    parties: tuple[Party, ...] = ()
    mediators: tuple[str, ...] = ()
    chosen_by: str | None = None
    file: FileNumber | None = None
    volume: int = 1
    accepted_at: datetime | None = None
    informed_at: datetime | None = None
    meetings: tuple[Meeting, ...] = ()
    agreement: Agreement | None = None
    past_agreements: tuple[Agreement, ...] = ()
    extensions: int = 0
    terminated_for: str | None = None
    remedies_informed_at: datetime | None = None
    filed_at: datetime | None = None
    reports: tuple[Report, ...] = ()
    overdue_clocks: tuple[str, ...] = ()
    version: int = 1

    def __post_init__(self) -> None:
        if (self.state is CaseState.SUSPENDED) != (self.suspended_from is not None):
            raise ValueError("a suspended case, and only that, knows the state it came from")

    def allowed(self) -> frozenset[str]:
        """Every act and deed that the tables allow here; guards may still say no."""
        acts = {act.value for state, act in TRANSITIONS if state is self.state}
        return frozenset(acts | {deed.value for deed, states in DEEDS.items() if self.state in states})

    def can(self, act: Act) -> bool:
        return (self.state, act) in TRANSITIONS

    def move(self, act: Act) -> "MediationCase":
        """The case after `act`; raises TransitionRefused, and leaves `self` as it is."""
        target = TRANSITIONS.get((self.state, act))
        if target is None:
            raise TransitionRefused(self.state, act, self.allowed())
        state = self._came_from() if isinstance(target, Back) else target
        return replace(self, state=state, suspended_from=self.state if state is CaseState.SUSPENDED else None)

    def stay(self, deed: Deed) -> None:
        """Raises TransitionRefused where the deed has no place."""
        if self.state not in DEEDS[deed]:
            raise TransitionRefused(self.state, deed, self.allowed())

    def party(self, party_id: UUID) -> Party | None:
        return next((one for one in self.parties if one.party_id == party_id), None)

    @property
    def file_no(self) -> str | None:
        return self.file.text if self.file else None

    @property
    def obligations(self) -> tuple[Obligation, ...]:
        """Of the agreement in force."""
        return self.agreement.obligations if self.agreement and self.agreement.is_in_force else ()

    @property
    def is_overdue(self) -> bool:
        return bool(self.overdue_clocks) or any(one.is_overdue for one in self.obligations)

    def present_agreement(self) -> Agreement:
        if self.agreement is None:
            raise ValueError(f"a case in state {self.state} has an agreement")
        return self.agreement

    def obligation(self, obligation_id: UUID) -> Obligation:
        """Raises ObligationUnknown."""
        found = self.agreement.find(obligation_id) if self.agreement else None
        if found is None:
            raise ObligationUnknown(str(obligation_id))
        return found

    def owe(self, *changed: Obligation) -> "MediationCase":
        return replace(self, agreement=self.present_agreement().put(*changed))

    def put_away_agreement(self, standing: Standing) -> "MediationCase":
        """The text is kept, with what became of it; nothing is owed under it any more."""
        if self.agreement is None:
            return self
        kept = replace(self.agreement, standing=standing)
        return replace(self, agreement=None, past_agreements=(*self.past_agreements, kept))

    def changed_by_person(self) -> "MediationCase":
        return replace(self, version=self.version + 1)

    def _came_from(self) -> CaseState:
        assert self.suspended_from is not None
        return self.suspended_from
