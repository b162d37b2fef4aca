"""The watch over one referral, from its dispatch to its closing and, when it is reopened, round again (CONTRACTS §3).

Closing by CLOSE is the gate's alone; the gate comes with the closing command.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType
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


@dataclass(frozen=True, slots=True)
class Watch:
    referral_id: ReferralId
    opened_at: datetime
    state: WatchState = WatchState.WATCHING
    cycle: int = 1
    hop: int = 0
    office_code: str | None = None

    def allowed(self) -> frozenset[WatchAct]:
        return frozenset(act for state, act in WATCH_TRANSITIONS if state is self.state)

    def move(self, act: WatchAct) -> "Watch":
        """The watch after `act`; raises TransitionRefused. A reopened watch begins its next cycle."""
        target = WATCH_TRANSITIONS.get((self.state, act))
        if target is None:
            raise TransitionRefused(self.state, act, self.allowed())
        return replace(self, state=target, cycle=self.cycle + (act is WatchAct.REOPEN))

    def dispatched_to(self, office_code: str, *, hop: int) -> "Watch":
        """The office of the furthest hop stands; the watch itself goes on."""
        return self if hop <= self.hop else replace(self, office_code=office_code, hop=hop)
