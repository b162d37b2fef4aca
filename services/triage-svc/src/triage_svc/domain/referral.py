"""The referral (分流单): what it knows, and how each act changes it. What may follow what stands in `states`."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import NewType
from uuid import UUID

from triage_svc.domain.states import ENDED, Act, State, next_state

ReferralId = NewType("ReferralId", UUID)


@dataclass(frozen=True, slots=True)
class Counters:
    """How often people called about this dispute, as intake counts them."""

    calls: int = 1
    duplicates: int = 0
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Category and grade as they stand; `needs_review` until a person has looked at a machine's."""

    category: str
    grade: str
    needs_review: bool


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody concerned, found at the first contact. The name stands sealed, apart, under `name_text`."""

    party_id: UUID
    role: str
    name_text: UUID | None = None


@dataclass(frozen=True, slots=True)
class Return:
    """What the office asks for (申请退回), and how often it was asked in all."""

    count: int = 0
    reason: str | None = None
    addressee: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What other services have said of it. Each fact has its own field, so the order in which they come is nothing."""

    withdrawn_at: datetime | None = None
    corrections: int = 0
    police_decision: str | None = None
    escalation_level: int = 0
    supervised_at: datetime | None = None
    visited_at: datetime | None = None
    breached_at: datetime | None = None  # an obligation of the agreement was not kept


@dataclass(frozen=True, slots=True)
class Closing:
    """Followup's alone: closed rounds, and the round that is under way."""

    cycle: int = 1
    closed_at: datetime | None = None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Referral:
    """`version` counts what people changed: a background event never makes a clerk's page out of date."""

    referral_id: ReferralId
    state: State
    verdict: Verdict
    responsible_code: str  # 首接负责: the unit that sent the call, until an office has signed
    opened_at: datetime
    counters: Counters = Counters()
    office_code: str | None = None
    hop: int = 0
    dispatched_at: datetime | None = None
    review_reason: str | None = None
    came_from: State | None = None
    scope_path: str = ""  # whose it is: the office's area; before that the sending unit's; empty: the city's alone
    version: int = 1
    signed_at: datetime | None = None
    contacted_at: datetime | None = None
    committee_code: str | None = None
    parties: tuple[Party, ...] = ()
    returned: Return = Return()
    overdue: frozenset[str] = frozenset()
    told: Told = Told()
    closing: Closing = Closing()

    @classmethod
    def open(
        cls, referral_id: ReferralId, verdict: Verdict, *, responsible_code: str, at: datetime, scope_path: str = ""
    ) -> "Referral":
        if not responsible_code:
            raise ValueError("a referral always has one responsible unit")
        return cls(referral_id, State.OPENED, verdict, responsible_code, at, scope_path=scope_path)

    @property
    def is_closed(self) -> bool:
        return self.closing.closed_at is not None

    @property
    def awaits_dispatch(self) -> bool:
        """Reopened or referred again without an office to go back to: a dispatcher finds one."""
        return self.state in ENDED and self.review_reason is not None

    @property
    def waits_for_dispatcher(self) -> bool:
        return self.awaits_dispatch or self.state in (State.OPENED, State.UNDER_REVIEW, State.BLOCKED)

    def dispatch(self, office_code: str, *, at: datetime, scope_path: str | None = None) -> "Referral":
        """Each dispatch is one more hop. The responsible unit stays: only a signature moves it."""
        return replace(
            self._moved(Act.DISPATCH),
            office_code=office_code,
            hop=self.hop + 1,
            dispatched_at=at,
            review_reason=None,
            scope_path=self.scope_path if scope_path is None else scope_path,
            signed_at=None,
            contacted_at=None,
            returned=replace(self.returned, reason=None, addressee=None),
        )

    def put_under_review(self, reason: str) -> "Referral":
        return replace(self._moved(Act.PUT_UNDER_REVIEW), review_reason=reason)

    def await_dispatch(self, reason: str) -> "Referral":
        """Set going again, but by whom? Stays where it ended until a dispatcher names an office."""
        return replace(self, review_reason=reason)

    def block(self) -> "Referral":
        return self._moved(Act.BLOCK)

    def lift_block(self) -> "Referral":
        """Free again, and looked at by a person before any office is told."""
        return self._moved(Act.LIFT_BLOCK).put_under_review("block_lifted")

    def sign(self, *, at: datetime) -> "Referral":
        signed = self._moved(Act.SIGN)
        assert signed.office_code is not None
        return replace(signed, responsible_code=signed.office_code, signed_at=at)

    def contact(self, parties: tuple[Party, ...], *, at: datetime) -> "Referral":
        return replace(self._moved(Act.CONTACT), parties=parties, contacted_at=at)

    def request_return(self, reason: str, addressee: str) -> "Referral":
        return replace(self._moved(Act.REQUEST_RETURN), returned=Return(self.returned.count + 1, reason, addressee))

    def refuse_return(self) -> "Referral":
        return replace(self._moved(Act.REFUSE_RETURN), returned=replace(self.returned, reason=None, addressee=None))

    def end(self, act: Act) -> "Referral":
        """By any act that hands the outcome to followup."""
        return replace(
            self._moved(act), review_reason=None, returned=replace(self.returned, reason=None, addressee=None)
        )

    def hold_of(self, category: str, grade: str, *, by_person: bool) -> "Referral":
        """A person's word ends the review; what the machine raises, a person looks at again."""
        return replace(self, verdict=Verdict(category, grade, needs_review=not by_person))

    def changed_by_person(self) -> "Referral":
        return replace(self, version=self.version + 1)

    def count(self, counters: Counters) -> "Referral":
        """Counters only grow: an older report of them changes nothing."""
        held = self.counters
        return replace(
            self,
            counters=Counters(
                max(held.calls, counters.calls),
                max(held.duplicates, counters.duplicates),
                max(held.repeats, counters.repeats),
            ),
        )

    def close(self, outcome: str, *, at: datetime) -> "Referral":
        return replace(self, closing=replace(self.closing, closed_at=at, outcome=outcome))

    def begin_cycle(self, cycle: int) -> "Referral":
        return replace(self, closing=Closing(max(cycle, self.closing.cycle)))

    def _moved(self, act: Act) -> "Referral":
        state = next_state(self.state, act, came_from=self.came_from)
        came_from = self.state if act is Act.REQUEST_RETURN else None
        return replace(self, state=state, came_from=came_from)
