"""Everything that may happen to a call, over the whole product of states and acts, against CONTRACTS §3 by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from uuid import uuid4

import pytest
from intake_svc.domain.call import Act, Call, CallId, CallState, LinkKind, ReferralId
from intake_svc.domain.errors import TransitionRefused
from intake_svc.domain.screening import Outcome, Screening

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)

# state: {act: next state}; "*" is the state it came from
TABLE = {
    "received": {
        "hold_for_screener": "awaiting_screener",
        "retain": "retained_by_police",
        "refer": "referred",
        "send_to_other_body": "to_other_body",
        "link": "linked",
        "invalidate": "invalid",
    },
    "awaiting_screener": {
        "retain": "retained_by_police",
        "refer": "referred",
        "send_to_other_body": "to_other_body",
        "link": "linked",
        "invalidate": "invalid",
        "withdraw": "withdrawn",
    },
    "retained_by_police": {"refer": "referred", "withdraw": "withdrawn", "invalidate": "invalid"},
    "referred": {"recall": "recalled", "return": "returned", "withdraw": "withdrawn"},
    "linked": {"unlink": "referred", "recall": "recalled", "withdraw": "withdrawn", "invalidate": "invalid"},
    "recalled": {"lift_recall": "*", "confirm_recall": "retained_by_police"},
    "returned": {"refer_again": "referred", "retain": "retained_by_police", "send_to_other_body": "to_other_body"},
    "to_other_body": {},
    "invalid": {},
    "withdrawn": {},
}
CAME_FROM = [CallState.REFERRED, CallState.LINKED]


def a_call(state: CallState = CallState.RECEIVED, *, came_from: CallState | None = None) -> Call:
    return Call(
        call_id=CallId(uuid4()),
        source="hongkou-110",
        call_no="1",
        referral_id=ReferralId(uuid4()),
        tracking_code="LD-00000-00000-1",
        state=state,
        version=1,
        reported_at=AT,
        received_at=AT,
        came_from=came_from,
    )


def test_the_table_by_hand_names_every_state() -> None:
    assert set(TABLE) == {state.value for state in CallState}


@pytest.mark.parametrize(("state", "act"), list(product(CallState, Act)))
def test_every_act_in_every_state_is_allowed_or_refused_as_the_contract_says(state: CallState, act: Act) -> None:
    expected = TABLE[state.value].get(act.value)
    for came_from in CAME_FROM:
        call = a_call(state, came_from=came_from)
        if expected is None:
            with pytest.raises(TransitionRefused) as refused:
                call.next_state(act)
            assert set(refused.value.allowed) == set(TABLE[state.value])
        else:
            assert call.next_state(act) == (came_from if expected == "*" else expected)


def test_a_recall_that_came_from_nowhere_cannot_be_lifted() -> None:
    with pytest.raises(TransitionRefused):
        a_call(CallState.RECALLED).next_state(Act.LIFT_RECALL)


@pytest.mark.parametrize("outcome", [Outcome.AWAITING_SCREENER, Outcome.RETAINED_BY_POLICE])
def test_what_is_held_stands_where_the_screening_says_and_opens_nothing(outcome: Outcome) -> None:
    held = a_call().hold(Screening(outcome, "v"), at=AT)
    assert (held.state.value, held.screened_at, held.has_opened) == (outcome.value, AT, False)


def test_a_referred_call_has_opened_and_can_never_be_linked() -> None:
    referred = a_call().refer(Screening(Outcome.REFER, "v"), at=AT)
    assert (referred.state, referred.opened_at) == (CallState.REFERRED, AT)
    with pytest.raises(TransitionRefused):
        referred.link(ReferralId(uuid4()), LinkKind.DUPLICATE, Screening(Outcome.REFER, "v"), at=AT)


def test_a_linked_call_names_what_it_joined_and_keeps_its_own_unopened() -> None:
    joined = ReferralId(uuid4())
    call = a_call()
    linked = call.link(joined, LinkKind.DUPLICATE, Screening(Outcome.REFER, "v"), at=AT)
    assert (linked.linked_to, linked.link_kind, linked.has_opened) == (joined, LinkKind.DUPLICATE, False)
    assert linked.referral_id == call.referral_id
