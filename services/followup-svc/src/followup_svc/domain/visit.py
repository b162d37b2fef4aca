"""One return visit (回访): its states, every move between them (CONTRACTS §3), and what guards them (DOMAIN §4.5)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from followup_svc.domain.errors import ActRefused, TransitionRefused

VisitId = NewType("VisitId", UUID)


class VisitState(StrEnum):
    PLANNED = "planned"
    DUE = "due"
    DONE = "done"
    UNREACHABLE = "unreachable"
    WAIVED = "waived"
    CANCELLED = "cancelled"


class VisitAct(StrEnum):
    FALL_DUE = "fall_due"
    RECORD = "record"
    MISS = "miss"  # nobody was reached
    TRY_AGAIN = "try_again"
    RECORD_BY_NEIGHBOUR_WORKER = "record_by_neighbour_worker"  # who knows the household where calls do not reach it
    WAIVE = "waive"
    CANCEL = "cancel"


class Outcome(StrEnum):
    """What a visit leads to."""

    SETTLED = "settled"
    CONTINUES = "continues"
    REOPEN = "reopen"
    ESCALATE = "escalate"


S, A = VisitState, VisitAct
VISIT_TRANSITIONS: Mapping[tuple[VisitState, VisitAct], VisitState] = {
    (S.PLANNED, A.FALL_DUE): S.DUE,
    (S.PLANNED, A.CANCEL): S.CANCELLED,
    (S.PLANNED, A.WAIVE): S.WAIVED,
    (S.DUE, A.RECORD): S.DONE,
    (S.DUE, A.MISS): S.UNREACHABLE,
    (S.DUE, A.WAIVE): S.WAIVED,
    (S.UNREACHABLE, A.TRY_AGAIN): S.DUE,
    (S.UNREACHABLE, A.RECORD_BY_NEIGHBOUR_WORKER): S.DONE,
    (S.UNREACHABLE, A.WAIVE): S.WAIVED,
}
OPEN_STATES = frozenset({S.PLANNED, S.DUE, S.UNREACHABLE})
_NO_REFERRAL = UUID(int=0)


@dataclass(frozen=True, slots=True)
class VisitReport:
    """What was seen, in codes and ids; the visitor's own words stand sealed under `note_id`."""

    visited_at: datetime
    channel: str
    outcome: str
    by: str
    satisfaction: int | None = None
    proposed_grade: str | None = None
    reached: tuple[UUID, ...] = ()
    performance: tuple[tuple[UUID, str], ...] = ()
    by_neighbour_worker: bool = False
    note_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Waiver:
    reason: str
    by: str
    note_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ReturnVisit:
    """`slot` says which line of the plan it answers, so that planning again finds it; `tries` are failed ones."""

    visit_id: VisitId
    state: VisitState = VisitState.PLANNED
    referral_id: UUID = _NO_REFERRAL
    cycle: int = 1
    number: int = 1
    slot: str = ""
    due_at: datetime | None = None
    channel: str = "phone"
    mandatory: bool = True
    tries: int = 0
    report: VisitReport | None = None
    waiver: Waiver | None = None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    def allowed(self) -> frozenset[VisitAct]:
        return frozenset(act for state, act in VISIT_TRANSITIONS if state is self.state)

    def move(self, act: VisitAct) -> "ReturnVisit":
        """The visit after `act`; raises TransitionRefused, and leaves `self` as it is."""
        target = VISIT_TRANSITIONS.get((self.state, act))
        if target is None:
            raise TransitionRefused(self.state, act, self.allowed())
        return replace(self, state=target)

    def recorded(self, report: VisitReport) -> "ReturnVisit":
        return replace(self.move(A.RECORD), report=report)

    def missed(self) -> "ReturnVisit":
        """One more try at which nobody was reached."""
        return replace(self.move(A.MISS), tries=self.tries + 1)

    def recorded_by_neighbour_worker(self, report: VisitReport, *, needs_tries: int) -> "ReturnVisit":
        """Only after every try has failed: a household is first asked itself."""
        moved = self.move(A.RECORD_BY_NEIGHBOUR_WORKER)
        self._demand_tries(needs_tries)
        return replace(moved, report=replace(report, by_neighbour_worker=True))

    def waived(self, waiver: Waiver, *, needs_tries: int) -> "ReturnVisit":
        """`needs_tries` are those that the reason given demands; one failed try alone excuses nobody."""
        moved = self.move(A.WAIVE)
        self._demand_tries(needs_tries)
        return replace(moved, waiver=waiver)

    def _demand_tries(self, wanted: int) -> None:
        if self.tries < wanted:
            raise ActRefused(
                "tries_left",
                f"须在不同日期和时段联系满{wanted}次仍联系不上，方可如此处理；目前{self.tries}次。",
                f"Only after {wanted} failed tries on different days and hours; there were {self.tries}.",
                "DOMAIN §4.5",
            )
