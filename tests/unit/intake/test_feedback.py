"""How far a telling has come, over the whole product of states and acts; and who is waited for."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from uuid import uuid4

import pytest
from intake_svc.domain.call import CallId
from intake_svc.domain.desk_data import source_profiles
from intake_svc.domain.errors import RuleDataError, TransitionRefused
from intake_svc.domain.feedback import Confirms, Feedback, FeedbackAct, FeedbackState, Milestone, clock_key
from intake_svc.rules.loading import load_desk

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)

# (state, awaits an acknowledgement): {act: next}
TABLE = {
    ("pending", True): {"deliver": "delivered", "fail": "failed", "waive": "waived"},
    ("pending", False): {"deliver": "delivered", "fail": "failed", "waive": "waived"},
    ("failed", True): {"deliver": "delivered", "waive": "waived"},
    ("failed", False): {"deliver": "delivered", "waive": "waived"},
    ("delivered", True): {"acknowledge": "acknowledged", "waive": "waived"},
    ("delivered", False): {},
    ("acknowledged", True): {},
    ("acknowledged", False): {},
    ("waived", True): {},
    ("waived", False): {},
}


def told(state: str = "pending", *, awaits: bool = True) -> Feedback:
    return Feedback(
        CallId(uuid4()), Milestone.SIGNED, uuid4(), None, AT, 2, awaits, notice_id=uuid4(), state=FeedbackState(state)
    )


def do(feedback: Feedback, act: FeedbackAct) -> Feedback:
    match act:
        case FeedbackAct.DELIVER:
            return feedback.delivered(at=AT)
        case FeedbackAct.FAIL:
            return feedback.failed("unsendable")
        case FeedbackAct.ACKNOWLEDGE:
            return feedback.acknowledged(at=AT)
        case FeedbackAct.WAIVE:
            return feedback.waived("s-1", "source_silent", at=AT)


@pytest.mark.parametrize(("state", "awaits", "act"), list(product(FeedbackState, [True, False], FeedbackAct)))
def test_every_act_in_every_state_is_allowed_or_refused(state: FeedbackState, awaits: bool, act: FeedbackAct) -> None:
    feedback, expected = told(state.value, awaits=awaits), TABLE[state.value, awaits].get(act.value)
    if expected is None:
        with pytest.raises(TransitionRefused) as refused:
            do(feedback, act)
        assert set(refused.value.allowed) == set(TABLE[state.value, awaits])
    else:
        assert do(feedback, act).state.value == expected


@pytest.mark.parametrize("awaits", [True, False])
def test_a_source_that_does_not_acknowledge_has_been_told_once_it_is_delivered(awaits: bool) -> None:
    delivered = told(awaits=awaits).delivered(at=AT)
    assert (delivered.is_settled, delivered.settled_at) == (not awaits, None if awaits else AT)


def test_a_telling_that_failed_is_not_settled_and_names_its_reason() -> None:
    failed = told().failed("unsendable")
    assert (failed.is_settled, failed.reason) == (False, "unsendable")


def test_the_clock_of_a_telling_is_its_own() -> None:
    one, other = told(), told()
    assert clock_key(one) == clock_key(one.delivered(at=AT)) != clock_key(other)


def test_a_source_that_is_not_listed_confirms_as_the_default_says() -> None:
    profiles = source_profiles({"version": "v", "default": "none", "sources": {"a": {"confirms": "call"}}})
    assert [profiles.confirms(source) for source in ("a", "b")] == [Confirms.CALL, Confirms.NONE]
    assert [profiles.awaits_acknowledgement(source) for source in ("a", "b")] == [True, False]


@pytest.mark.parametrize(
    "data",
    [
        {"version": "v", "default": "maybe", "sources": {}},
        {"version": "v", "default": "none", "sources": {"a": {"confirms": "maybe"}}},
        {"version": "v", "default": "none", "sources": {"a": "call"}},
        {"version": "v", "default": "none", "sources": {"a": {"confirms": "call", "by": "fax"}}},
        {"version": "v", "sources": {}},
        {"default": "none", "sources": {}},
    ],
)
def test_a_profile_that_cannot_be_used_is_named(data: dict[str, object]) -> None:
    with pytest.raises(RuleDataError, match="sources"):
        source_profiles(data)


def test_the_shipped_rules_of_the_desk_can_be_used() -> None:
    desk = load_desk()
    assert desk.blocks.kinds["X_DV"].police_only
    assert desk.decisions.reasons_for("refer")
    assert desk.clocks.rule("screen") == f"intake.screen@{desk.clocks.version}"
