"""What a source is told of its call, milestone by milestone, and how far the telling has come (DESIGN §2)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from intake_svc.domain.call import CallId
from intake_svc.domain.errors import TransitionRefused


class Milestone(StrEnum):
    SIGNED = "signed"
    ACCEPTED = "accepted"
    RESULT = "result"
    CLOSED = "closed"


class Confirms(StrEnum):
    """How a source says that it has a milestone: by a call of our API, by a record on its topic, or not at all."""

    CALL = "call"
    TOPIC = "topic"
    NONE = "none"


class FeedbackState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"
    WAIVED = "waived"


class FeedbackAct(StrEnum):
    DELIVER = "deliver"
    FAIL = "fail"
    ACKNOWLEDGE = "acknowledge"
    WAIVE = "waive"


FEEDBACK_TRANSITIONS: Mapping[tuple[FeedbackState, FeedbackAct], FeedbackState] = {
    (FeedbackState.PENDING, FeedbackAct.DELIVER): FeedbackState.DELIVERED,
    (FeedbackState.PENDING, FeedbackAct.FAIL): FeedbackState.FAILED,
    (FeedbackState.PENDING, FeedbackAct.WAIVE): FeedbackState.WAIVED,
    (FeedbackState.FAILED, FeedbackAct.DELIVER): FeedbackState.DELIVERED,
    (FeedbackState.FAILED, FeedbackAct.WAIVE): FeedbackState.WAIVED,
    (FeedbackState.DELIVERED, FeedbackAct.ACKNOWLEDGE): FeedbackState.ACKNOWLEDGED,
    (FeedbackState.DELIVERED, FeedbackAct.WAIVE): FeedbackState.WAIVED,
}


@dataclass(frozen=True, slots=True)
class Feedback:
    """One milestone of one fact, told once. `version` orders what a source is told of one call."""

    call_id: CallId
    milestone: Milestone
    fact_id: UUID
    outcome: str | None
    at: datetime
    version: int
    awaits_acknowledgement: bool
    notice_id: UUID | None = None
    state: FeedbackState = FeedbackState.PENDING
    delivered_at: datetime | None = None
    settled_at: datetime | None = None
    waived_by: str | None = None
    reason: str | None = None
    note_id: UUID | None = None

    @property
    def is_settled(self) -> bool:
        """Nobody is waited for: acknowledged, waived, or delivered to a source that never acknowledges."""
        if self.state is FeedbackState.DELIVERED:
            return not self.awaits_acknowledgement
        return self.state in (FeedbackState.ACKNOWLEDGED, FeedbackState.WAIVED)

    def allowed_acts(self) -> tuple[FeedbackAct, ...]:
        if self.is_settled:
            return ()
        return tuple(act for state, act in FEEDBACK_TRANSITIONS if state is self.state)

    def delivered(self, *, at: datetime) -> "Feedback":
        state = self._next(FeedbackAct.DELIVER)
        return replace(self, state=state, delivered_at=at, settled_at=None if self.awaits_acknowledgement else at)

    def failed(self, reason: str) -> "Feedback":
        return replace(self, state=self._next(FeedbackAct.FAIL), reason=reason)

    def acknowledged(self, *, at: datetime) -> "Feedback":
        return replace(self, state=self._next(FeedbackAct.ACKNOWLEDGE), settled_at=at)

    def waived(self, by: str, reason: str, *, at: datetime, note_id: UUID | None = None) -> "Feedback":
        state = self._next(FeedbackAct.WAIVE)
        return replace(self, state=state, settled_at=at, waived_by=by, reason=reason, note_id=note_id)

    def _next(self, act: FeedbackAct) -> FeedbackState:
        if act not in self.allowed_acts():
            raise TransitionRefused(self.state, act, self.allowed_acts())
        return FEEDBACK_TRANSITIONS[self.state, act]


@dataclass(frozen=True, slots=True)
class SourceProfiles:
    """How each source confirms; whoever is not listed is told and not asked."""

    version: str
    by_source: Mapping[str, Confirms]
    default: Confirms

    def confirms(self, source: str) -> Confirms:
        return self.by_source.get(source, self.default)

    def awaits_acknowledgement(self, source: str) -> bool:
        return self.confirms(source) is not Confirms.NONE


def clock_key(feedback: Feedback) -> str:
    """The feedback clock of one telling, among those of its call: the same in whatever order facts arrive."""
    return str(feedback.fact_id)
