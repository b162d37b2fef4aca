"""The referral (分流单) and everything that may happen to it: CONTRACTS §3."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from triage_svc.domain.errors import TransitionRefused

ReferralId = NewType("ReferralId", UUID)


class State(StrEnum):
    OPENED = "opened"
    UNDER_REVIEW = "under_review"
    BLOCKED = "blocked"
    DISPATCHED = "dispatched"
    SIGNED = "signed"
    CONTACTED = "contacted"
    RETURN_REQUESTED = "return_requested"
    HANDED_TO_MEDIATION = "handed_to_mediation"
    NO_CONSENT = "no_consent"
    SELF_RESOLVED = "self_resolved"
    BACK_TO_POLICE = "back_to_police"
    TO_OTHER_BODY = "to_other_body"


class Act(StrEnum):
    DISPATCH = "dispatch"
    PUT_UNDER_REVIEW = "put_under_review"
    BLOCK = "block"
    LIFT_BLOCK = "lift_block"
    SIGN = "sign"
    CONTACT = "contact"
    HAND_TO_MEDIATION = "hand_to_mediation"
    RECORD_NO_CONSENT = "record_no_consent"
    RECORD_SELF_RESOLVED = "record_self_resolved"
    REQUEST_RETURN = "request_return"
    REFUSE_RETURN = "refuse_return"
    SEND_BACK_TO_POLICE = "send_back_to_police"
    SEND_TO_OTHER_BODY = "send_to_other_body"
    CONFIRM_RECALL = "confirm_recall"


# None: the state that the return was requested from.
TRANSITIONS: Mapping[tuple[State, Act], State | None] = {
    (State.OPENED, Act.DISPATCH): State.DISPATCHED,
    (State.OPENED, Act.PUT_UNDER_REVIEW): State.UNDER_REVIEW,
    (State.OPENED, Act.BLOCK): State.BLOCKED,
    (State.UNDER_REVIEW, Act.DISPATCH): State.DISPATCHED,
    (State.UNDER_REVIEW, Act.BLOCK): State.BLOCKED,
    (State.UNDER_REVIEW, Act.SEND_BACK_TO_POLICE): State.BACK_TO_POLICE,
    (State.UNDER_REVIEW, Act.CONFIRM_RECALL): State.BACK_TO_POLICE,
    (State.UNDER_REVIEW, Act.SEND_TO_OTHER_BODY): State.TO_OTHER_BODY,
    (State.BLOCKED, Act.LIFT_BLOCK): State.OPENED,
    (State.BLOCKED, Act.SEND_BACK_TO_POLICE): State.BACK_TO_POLICE,
    (State.BLOCKED, Act.CONFIRM_RECALL): State.BACK_TO_POLICE,
    (State.DISPATCHED, Act.SIGN): State.SIGNED,
    (State.DISPATCHED, Act.REQUEST_RETURN): State.RETURN_REQUESTED,
    (State.DISPATCHED, Act.DISPATCH): State.DISPATCHED,
    (State.DISPATCHED, Act.CONFIRM_RECALL): State.BACK_TO_POLICE,
    (State.SIGNED, Act.CONTACT): State.CONTACTED,
    (State.SIGNED, Act.REQUEST_RETURN): State.RETURN_REQUESTED,
    (State.SIGNED, Act.CONFIRM_RECALL): State.BACK_TO_POLICE,
    (State.CONTACTED, Act.HAND_TO_MEDIATION): State.HANDED_TO_MEDIATION,
    (State.CONTACTED, Act.RECORD_NO_CONSENT): State.NO_CONSENT,
    (State.CONTACTED, Act.RECORD_SELF_RESOLVED): State.SELF_RESOLVED,
    (State.CONTACTED, Act.REQUEST_RETURN): State.RETURN_REQUESTED,
    (State.CONTACTED, Act.CONFIRM_RECALL): State.BACK_TO_POLICE,
    (State.RETURN_REQUESTED, Act.REFUSE_RETURN): None,
    (State.RETURN_REQUESTED, Act.DISPATCH): State.DISPATCHED,
    (State.RETURN_REQUESTED, Act.SEND_BACK_TO_POLICE): State.BACK_TO_POLICE,
    (State.RETURN_REQUESTED, Act.CONFIRM_RECALL): State.BACK_TO_POLICE,
    (State.RETURN_REQUESTED, Act.SEND_TO_OTHER_BODY): State.TO_OTHER_BODY,
    (State.HANDED_TO_MEDIATION, Act.CONFIRM_RECALL): State.BACK_TO_POLICE,
    (State.HANDED_TO_MEDIATION, Act.DISPATCH): State.DISPATCHED,
    (State.NO_CONSENT, Act.DISPATCH): State.DISPATCHED,
    (State.SELF_RESOLVED, Act.DISPATCH): State.DISPATCHED,
    (State.BACK_TO_POLICE, Act.DISPATCH): State.DISPATCHED,
    (State.TO_OTHER_BODY, Act.DISPATCH): State.DISPATCHED,
}


@dataclass(frozen=True, slots=True)
class Counters:
    """How often people called about this dispute, as intake counts them."""

    calls: int = 1
    duplicates: int = 0
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the machine holds of the dispute when it opens."""

    category: str
    grade: str
    needs_review: bool


@dataclass(frozen=True, slots=True)
class Referral:
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

    @classmethod
    def open(cls, referral_id: ReferralId, verdict: Verdict, *, responsible_code: str, at: datetime) -> "Referral":
        if not responsible_code:
            raise ValueError("a referral always has one responsible unit")
        return cls(referral_id, State.OPENED, verdict, responsible_code, at)

    def dispatch(self, office_code: str, *, at: datetime) -> "Referral":
        """Each dispatch is one more hop. The responsible unit stays: only a signature moves it."""
        return replace(
            self._moved(Act.DISPATCH),
            office_code=office_code,
            hop=self.hop + 1,
            dispatched_at=at,
            review_reason=None,
        )

    def put_under_review(self, reason: str) -> "Referral":
        return replace(self._moved(Act.PUT_UNDER_REVIEW), review_reason=reason)

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

    def _moved(self, act: Act) -> "Referral":
        state = next_state(self.state, act, came_from=self.came_from)
        came_from = self.state if act is Act.REQUEST_RETURN else None
        return replace(self, state=state, came_from=came_from)


def next_state(state: State, act: Act, *, came_from: State | None = None) -> State:
    """Whatever the table does not name is refused."""
    if (state, act) not in TRANSITIONS:
        raise TransitionRefused(state, act, tuple(known for at, known in TRANSITIONS if at is state))
    target = TRANSITIONS[state, act] or came_from
    if target is None:
        raise ValueError(f"{state} does not say which state it came from")
    return target
