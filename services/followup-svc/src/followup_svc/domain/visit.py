"""One return visit (回访): its states and every move between them (CONTRACTS §3)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NewType
from uuid import UUID

from followup_svc.domain.errors import TransitionRefused

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


@dataclass(frozen=True, slots=True)
class ReturnVisit:
    visit_id: VisitId
    state: VisitState = VisitState.PLANNED

    def allowed(self) -> frozenset[VisitAct]:
        return frozenset(act for state, act in VISIT_TRANSITIONS if state is self.state)

    def move(self, act: VisitAct) -> "ReturnVisit":
        """The visit after `act`; raises TransitionRefused, and leaves `self` as it is."""
        target = VISIT_TRANSITIONS.get((self.state, act))
        if target is None:
            raise TransitionRefused(self.state, act, self.allowed())
        return replace(self, state=target)
