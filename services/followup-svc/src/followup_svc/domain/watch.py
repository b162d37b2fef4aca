"""The watch over one referral, from its dispatch to its closing and, when it is reopened, round again (CONTRACTS §3).

Closing by CLOSE is the gate's alone: `use_cases.close_watch`, and the trigger in the database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, NewType
from uuid import UUID

from followup_svc.domain.errors import TransitionRefused

ReferralId = NewType("ReferralId", UUID)


class WatchState(StrEnum):
    WATCHING = "watching"
    ANCHORED = "anchored"
    CLOSED = "closed"


class WatchAct(StrEnum):
    ANCHOR = "anchor"  # effect of an agreement, termination, or an end in triage
    CLOSE = "close"
    REOPEN = "reopen"


WATCH_TRANSITIONS: Mapping[tuple[WatchState, WatchAct], WatchState] = {
    (WatchState.WATCHING, WatchAct.ANCHOR): WatchState.ANCHORED,
    (WatchState.ANCHORED, WatchAct.CLOSE): WatchState.CLOSED,
    (WatchState.CLOSED, WatchAct.REOPEN): WatchState.WATCHING,
}


class AnchorKind(StrEnum):
    AGREEMENT = "agreement"
    TERMINATION = "termination"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Anchor:
    """What the visits are counted from. `outcome` is what a closing will say unless later facts say more."""

    kind: AnchorKind
    at: datetime
    stated_at: datetime
    outcome: str
    agreement_no: str | None = None

    def is_later_than(self, other: "Anchor | None") -> bool:
        """One order for both arrivals, should two services state an end at the same time."""
        return other is None or (self.stated_at, self.kind) >= (other.stated_at, other.kind)


class Watch(NamedTuple):
    """`version` counts what people changed; `void_until` is when work was last begun anew: older anchors are void."""

    referral_id: ReferralId
    opened_at: datetime
    state: WatchState = WatchState.WATCHING
    cycle: int = 1
    hop: int = 0
    office_code: str | None = None
    scope_path: str = ""
    version: int = 1
    anchor: Anchor | None = None
    void_until: datetime | None = None
    proposed_grade: str | None = None
    escalation: int = 0
    closed_at: datetime | None = None
    outcome: str | None = None
    plan_version: str | None = None

    def allowed(self) -> frozenset[WatchAct]:
        return frozenset(act for state, act in WATCH_TRANSITIONS if state is self.state)

    def move(self, act: WatchAct) -> "Watch":
        """The watch after `act`; raises TransitionRefused. A reopened watch begins its next cycle."""
        target = WATCH_TRANSITIONS.get((self.state, act))
        if target is None:
            raise TransitionRefused(self.state, act, self.allowed())
        return self._replace(state=target, cycle=self.cycle + (act is WatchAct.REOPEN))

    def dispatched_to(self, office_code: str, *, hop: int) -> "Watch":
        """The office of the furthest hop stands; the watch itself goes on."""
        if hop <= self.hop:
            return self
        return self._replace(office_code=office_code, hop=hop, scope_path=scope_of(office_code))

    def anchored(self, anchor: Anchor) -> "Watch":
        """The later of two anchors stands; one from before the work began anew stands no more.

        Raises TransitionRefused when the watch is closed: a late fact reopens it first.
        """
        if self.state is WatchState.CLOSED:
            raise TransitionRefused(self.state, WatchAct.ANCHOR, self.allowed())
        if self.void_until is not None and anchor.stated_at < self.void_until:
            return self._replace(state=WatchState.ANCHORED)
        if not anchor.is_later_than(self.anchor):
            return self
        return self._replace(state=WatchState.ANCHORED, anchor=anchor, outcome=anchor.outcome)

    def begun_anew(self, at: datetime) -> "Watch":
        """The work goes on elsewhere before this watch was closed: what ended is no end any more."""
        later = max(at, self.void_until or at)
        if self.anchor is not None and self.anchor.stated_at > later:
            return self._replace(void_until=later)
        return self._replace(void_until=later, anchor=None, outcome=None)

    def closed(self, outcome: str, *, at: datetime) -> "Watch":
        return self.move(WatchAct.CLOSE)._replace(outcome=outcome, closed_at=at)

    def reopened(self) -> "Watch":
        """The next cycle knows no outcome, no anchor and no plan yet."""
        moved = self.move(WatchAct.REOPEN)
        return moved._replace(anchor=None, outcome=None, closed_at=None, plan_version=None, proposed_grade=None)

    def planned_by(self, plan_version: str) -> "Watch":
        return self._replace(plan_version=plan_version)

    def escalated(self, level: int) -> "Watch":
        return self._replace(escalation=max(self.escalation, level))

    def proposing(self, grade: str | None) -> "Watch":
        return self._replace(proposed_grade=grade)

    def changed_by_people(self) -> "Watch":
        return self._replace(version=self.version + 1)


def scope_of(code: str) -> str:
    """`310109010-SFS` belongs to `31/310109/310109010`; a shorter area code to as much as it says."""
    area = code.partition("-")[0]
    return "/".join(part for length in (2, 6, 9) if len(part := area[:length]) == length)
