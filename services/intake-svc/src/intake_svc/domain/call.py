"""One call (接警单): its states, and the table of everything that may happen to it (CONTRACTS §3)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

from intake_svc.domain.errors import TransitionRefused
from intake_svc.domain.screening import Outcome, Screening

CallId = NewType("CallId", UUID)
ReferralId = NewType("ReferralId", UUID)


class CallState(StrEnum):
    RECEIVED = "received"
    AWAITING_SCREENER = "awaiting_screener"
    RETAINED_BY_POLICE = "retained_by_police"
    REFERRED = "referred"
    TO_OTHER_BODY = "to_other_body"
    LINKED = "linked"
    INVALID = "invalid"
    RECALLED = "recalled"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


class Act(StrEnum):
    HOLD_FOR_SCREENER = "hold_for_screener"
    RETAIN = "retain"
    REFER = "refer"
    SEND_TO_OTHER_BODY = "send_to_other_body"
    LINK = "link"
    INVALIDATE = "invalidate"
    WITHDRAW = "withdraw"
    RECALL = "recall"
    LIFT_RECALL = "lift_recall"
    CONFIRM_RECALL = "confirm_recall"
    RETURN = "return"
    REFER_AGAIN = "refer_again"
    UNLINK = "unlink"


class LinkKind(StrEnum):
    DUPLICATE = "duplicate"
    REPEAT = "repeat"
    MASS = "mass"


class Errand(StrEnum):
    """What the linking worker still has to do for a call that people have decided: it alone may look for matches."""

    REFER = "refer"
    LINK = "link"
    WARN = "warn"
    RECHECK = "recheck"


class _CameFrom(StrEnum):
    STATE = "the state it came from"


CAME_FROM: Final = _CameFrom.STATE

TRANSITIONS: Mapping[tuple[CallState, Act], CallState | _CameFrom] = {
    (CallState.RECEIVED, Act.HOLD_FOR_SCREENER): CallState.AWAITING_SCREENER,
    (CallState.RECEIVED, Act.RETAIN): CallState.RETAINED_BY_POLICE,
    (CallState.RECEIVED, Act.REFER): CallState.REFERRED,
    (CallState.RECEIVED, Act.SEND_TO_OTHER_BODY): CallState.TO_OTHER_BODY,
    (CallState.RECEIVED, Act.LINK): CallState.LINKED,
    (CallState.RECEIVED, Act.INVALIDATE): CallState.INVALID,
    (CallState.AWAITING_SCREENER, Act.RETAIN): CallState.RETAINED_BY_POLICE,
    (CallState.AWAITING_SCREENER, Act.REFER): CallState.REFERRED,
    (CallState.AWAITING_SCREENER, Act.SEND_TO_OTHER_BODY): CallState.TO_OTHER_BODY,
    (CallState.AWAITING_SCREENER, Act.LINK): CallState.LINKED,
    (CallState.AWAITING_SCREENER, Act.INVALIDATE): CallState.INVALID,
    (CallState.AWAITING_SCREENER, Act.WITHDRAW): CallState.WITHDRAWN,
    (CallState.RETAINED_BY_POLICE, Act.REFER): CallState.REFERRED,
    (CallState.RETAINED_BY_POLICE, Act.INVALIDATE): CallState.INVALID,
    (CallState.RETAINED_BY_POLICE, Act.WITHDRAW): CallState.WITHDRAWN,
    (CallState.REFERRED, Act.RECALL): CallState.RECALLED,
    (CallState.REFERRED, Act.RETURN): CallState.RETURNED,
    (CallState.REFERRED, Act.WITHDRAW): CallState.WITHDRAWN,
    (CallState.LINKED, Act.UNLINK): CallState.REFERRED,
    (CallState.LINKED, Act.RECALL): CallState.RECALLED,
    (CallState.LINKED, Act.INVALIDATE): CallState.INVALID,
    (CallState.LINKED, Act.WITHDRAW): CallState.WITHDRAWN,
    (CallState.RECALLED, Act.LIFT_RECALL): CAME_FROM,
    (CallState.RECALLED, Act.CONFIRM_RECALL): CallState.RETAINED_BY_POLICE,
    (CallState.RETURNED, Act.REFER_AGAIN): CallState.REFERRED,
    (CallState.RETURNED, Act.RETAIN): CallState.RETAINED_BY_POLICE,
    (CallState.RETURNED, Act.SEND_TO_OTHER_BODY): CallState.TO_OTHER_BODY,
}


@dataclass(frozen=True, slots=True)
class Decided:
    """The last decision that a person took on the call; `reason` and `body_code` are codes of the rules."""

    decision: str
    reason: str
    by: str
    role: str
    at: datetime
    body_code: str | None = None
    note_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """What intake keeps of a call in clear; everything a person said or is called stands in the vault."""

    call_id: CallId
    source: str
    call_no: str
    referral_id: ReferralId
    tracking_code: str
    state: CallState
    version: int
    reported_at: datetime
    received_at: datetime
    identity_key: bytes | None = None
    station_code: str | None = None
    came_from: CallState | None = None
    linked_to: ReferralId | None = None
    link_kind: LinkKind | None = None
    screening: Screening | None = None
    screened_at: datetime | None = None
    opened_at: datetime | None = None
    people_version: int = 1
    errand: Errand | None = None
    errand_version: int | None = None
    errand_link_to: ReferralId | None = None
    decided: Decided | None = None
    hop: int = 0
    told: int = 0

    @property
    def has_opened(self) -> bool:
        return self.opened_at is not None

    @property
    def speaks_in(self) -> ReferralId | None:
        """The open referral in whose stream facts about this call stand: its own, or the one it joined."""
        if self.has_opened:
            return self.referral_id
        return self.linked_to

    @property
    def is_cleared(self) -> bool:
        """A person has read this very version and found that it may leave the police, whatever the rules found."""
        return self.errand in (Errand.REFER, Errand.LINK) and self.errand_version == self.version

    def allowed_acts(self) -> tuple[Act, ...]:
        return tuple(act for state, act in TRANSITIONS if state is self.state)

    def next_state(self, act: Act) -> CallState:
        target = TRANSITIONS.get((self.state, act))
        if target is None:
            raise TransitionRefused(self.state, act, self.allowed_acts())
        if target is CAME_FROM:
            if self.came_from is None:
                raise TransitionRefused(self.state, act, self.allowed_acts())
            return self.came_from
        return CallState(target)

    def hold(self, screening: Screening, *, at: datetime) -> "Call":
        """Keep the call where people decide: with the police when the rules are sure, else with a screener."""
        act = Act.RETAIN if screening.outcome is Outcome.RETAINED_BY_POLICE else Act.HOLD_FOR_SCREENER
        return replace(self, state=self.next_state(act), screening=screening, screened_at=at).without_errand()

    def refer(self, screening: Screening, *, at: datetime) -> "Call":
        """The call opens the referral that was reserved for it when it was accepted."""
        state = self.next_state(Act.REFER)
        return replace(self, state=state, screening=screening, screened_at=at, opened_at=at).without_errand()

    def link(self, referral_id: ReferralId, kind: LinkKind, screening: Screening, *, at: datetime) -> "Call":
        """The call joins another call's referral and keeps its own unopened."""
        state = self.next_state(Act.LINK)
        linked = replace(self, state=state, linked_to=referral_id, link_kind=kind)
        return replace(linked, screening=screening, screened_at=at).without_errand()

    def without_errand(self) -> "Call":
        return replace(self, errand=None, errand_version=None, errand_link_to=None)

    def to_be_rechecked(self, version: int) -> "Call":
        """Facts have changed under an open referral: what must not be mediated is looked for anew (DOMAIN §1.8)."""
        checked = replace(self, errand=Errand.RECHECK, errand_version=version, errand_link_to=self.linked_to)
        return checked.changed_by_people()

    def changed_by_people(self) -> "Call":
        """Whoever has an older form of this call open is told so (412); background events do not count."""
        return replace(self, people_version=self.people_version + 1)
