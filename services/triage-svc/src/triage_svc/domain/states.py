"""Everything that may happen to a referral (分流单), and what each state waits for: CONTRACTS §3 and §4."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from triage_svc.domain.errors import TransitionRefused


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

# What ended here: followup closes it. Only a reopening or the police set it going again.
ENDED = frozenset(
    {
        State.HANDED_TO_MEDIATION,
        State.NO_CONSENT,
        State.SELF_RESOLVED,
        State.BACK_TO_POLICE,
        State.TO_OTHER_BODY,
    }
)


class Clock(StrEnum):
    DISPATCH = "dispatch"
    SIGN_FOR = "sign_for"
    FIRST_CONTACT = "first_contact"
    SETTLE = "settle"
    RETURN_ANSWER = "return_answer"


@dataclass(frozen=True, slots=True)
class Duty:
    """Who acts next, and which clock runs meanwhile; None where the clock belongs to another service."""

    role: str
    clock: Clock | None


DUTIES: Mapping[State, Duty] = {
    State.OPENED: Duty("dispatcher", Clock.DISPATCH),
    State.UNDER_REVIEW: Duty("dispatcher", Clock.DISPATCH),
    State.BLOCKED: Duty("police_officer", Clock.DISPATCH),
    State.DISPATCHED: Duty("office_clerk", Clock.SIGN_FOR),
    State.SIGNED: Duty("office_clerk", Clock.FIRST_CONTACT),
    State.CONTACTED: Duty("office_clerk", Clock.SETTLE),
    State.RETURN_REQUESTED: Duty("dispatcher", Clock.RETURN_ANSWER),
    State.HANDED_TO_MEDIATION: Duty("committee_head", Clock.SETTLE),
    State.NO_CONSENT: Duty("visitor", None),
    State.SELF_RESOLVED: Duty("visitor", None),
    State.BACK_TO_POLICE: Duty("police_officer", None),
    State.TO_OTHER_BODY: Duty("visitor", None),
}


def allowed_acts(state: State) -> tuple[Act, ...]:
    return tuple(act for at, act in TRANSITIONS if at is state)


def next_state(state: State, act: Act, *, came_from: State | None = None) -> State:
    """Whatever the table does not name is refused."""
    if (state, act) not in TRANSITIONS:
        raise TransitionRefused(state, act, allowed_acts(state))
    target = TRANSITIONS[state, act] or came_from
    if target is None:
        raise ValueError(f"{state} does not say which state it came from")
    return target
