"""What people decide on a call: every decision in every state, by whom, and what is left to the worker."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from uuid import uuid4

import pytest
from intake_svc.domain.blocks import Block, BlockId, SetBy
from intake_svc.domain.call import Call, CallId, CallState, Decided, Errand, ReferralId
from intake_svc.domain.decisions import (
    Decision,
    ReturnDecision,
    came_back,
    deciding_role,
    refuse_joining,
    return_decided,
    screened,
    withdrawn,
)
from intake_svc.domain.errors import GuardRefused, OfAnother, TransitionRefused
from intake_svc.rules.loading import load_desk

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
OPENED = {"referred", "returned", "recalled"}

# state: {decision: (state at once, errand)}; typed from CONTRACTS §3
SCREENED: dict[str, dict[str, tuple[str, str | None]]] = {
    "received": {
        "refer": ("received", "refer"),
        "link": ("received", "link"),
        "retain": ("retained_by_police", "warn"),
        "to_other_body": ("to_other_body", None),
        "invalid": ("invalid", None),
    },
    "awaiting_screener": {
        "refer": ("awaiting_screener", "refer"),
        "link": ("awaiting_screener", "link"),
        "retain": ("retained_by_police", "warn"),
        "to_other_body": ("to_other_body", None),
        "invalid": ("invalid", None),
    },
    "retained_by_police": {"refer": ("retained_by_police", "refer"), "invalid": ("invalid", None)},
    "linked": {"invalid": ("invalid", None)},
}
RETURNED = {
    "refer_again": ("referred", 2),
    "retain": ("retained_by_police", 1),
    "to_other_body": ("to_other_body", 1),
}
WITHDRAWN = {"awaiting_screener", "retained_by_police", "referred", "linked"}


def a_call(state: str = "awaiting_screener", **changes: object) -> Call:
    values = {
        "call_id": CallId(uuid4()),
        "source": "hongkou-110",
        "call_no": "1",
        "referral_id": ReferralId(uuid4()),
        "tracking_code": "LD-00000-00000-1",
        "state": CallState(state),
        "version": 3,
        "reported_at": AT,
        "received_at": AT,
        "opened_at": AT if state in OPENED else None,
        "hop": 1,
    }
    return Call(**(values | changes))  # type: ignore[arg-type]


def decided(what: str) -> Decided:
    return Decided(what, "some_reason", "p-1", "screener", AT)


@pytest.mark.parametrize(("state", "decision"), list(product(CallState, Decision)))
def test_every_decision_in_every_state_does_what_the_contract_says(state: CallState, decision: Decision) -> None:
    expected = SCREENED.get(state.value, {}).get(decision.value)
    call = a_call(state.value)
    if expected is None:
        with pytest.raises(TransitionRefused):
            screened(call, decided(decision))
        return
    after = screened(call, decided(decision))
    assert (after.state.value, after.errand and after.errand.value) == expected
    assert (after.people_version, after.decided) == (2, decided(decision))


@pytest.mark.parametrize(("state", "decision"), list(product(CallState, ReturnDecision)))
def test_only_what_came_back_is_answered(state: CallState, decision: ReturnDecision) -> None:
    call = a_call(state.value)
    if state is not CallState.RETURNED:
        with pytest.raises(TransitionRefused):
            return_decided(call, decided(decision))
        return
    after = return_decided(call, decided(decision))
    assert (after.state.value, after.hop) == RETURNED[decision.value]


@pytest.mark.parametrize("state", list(CallState))
def test_a_call_is_withdrawn_where_the_contract_lets_it(state: CallState) -> None:
    call = a_call(state.value, errand=Errand.REFER, errand_version=3)
    if state.value in WITHDRAWN:
        after = withdrawn(call, decided("withdraw"))
        assert (after.state, after.errand) == (CallState.WITHDRAWN, None)
    else:
        with pytest.raises(TransitionRefused):
            withdrawn(call, decided("withdraw"))


def test_what_was_referred_before_is_referred_again_at_once() -> None:
    kept = a_call("retained_by_police", opened_at=AT, hop=2)
    after = screened(kept, decided("refer"))
    assert (after.state, after.hop, after.errand) == (CallState.REFERRED, 3, None)


def test_a_clearance_holds_for_the_version_that_was_read() -> None:
    cleared = screened(a_call(version=3), decided("refer"))
    assert cleared.is_cleared
    newer = a_call(version=4, errand=cleared.errand, errand_version=cleared.errand_version)
    assert not newer.is_cleared
    assert not screened(a_call(), decided("retain")).is_cleared


def test_another_decision_takes_the_place_of_one_that_was_not_carried_out_yet() -> None:
    cleared = screened(a_call(), decided("refer"))
    assert screened(cleared, decided("invalid")).errand is None


@pytest.mark.parametrize(
    ("state", "roles", "role"),
    [
        ("received", {"screener"}, "screener"),
        ("awaiting_screener", {"screener", "police_officer"}, "screener"),
        ("awaiting_screener", {"police_officer"}, None),
        ("retained_by_police", {"screener"}, None),
        ("retained_by_police", {"screener", "police_officer"}, "police_officer"),
    ],
)
def test_what_the_police_keep_the_police_decide(state: str, roles: set[str], role: str | None) -> None:
    if role is None:
        with pytest.raises(OfAnother):
            deciding_role(a_call(state), frozenset(roles))
    else:
        assert deciding_role(a_call(state), frozenset(roles)) == role


@pytest.mark.parametrize("state", list(CallState))
def test_an_ending_with_the_police_brings_back_what_is_still_referred(state: CallState) -> None:
    after = came_back(a_call(state.value), 2)
    assert after.state is (CallState.RETURNED if state is CallState.REFERRED else state)
    assert (after.hop, after.people_version) == (2, 1)


def test_an_older_ending_does_not_take_the_hop_back() -> None:
    assert came_back(a_call("referred", hop=3), 2).hop == 3


@pytest.mark.parametrize("state", list(CallState))
@pytest.mark.parametrize("opened", [True, False])
def test_only_an_open_referral_whose_first_call_is_referred_can_be_joined(state: CallState, opened: bool) -> None:
    target = a_call(state.value, opened_at=AT if opened else None)
    if opened and state is CallState.REFERRED:
        refuse_joining(target)
    else:
        with pytest.raises(GuardRefused):
            refuse_joining(target)


@pytest.mark.parametrize("lifted", [True, False])
def test_a_block_that_stands_keeps_a_call_with_the_police(lifted: bool) -> None:
    block = Block(BlockId(uuid4()), CallId(uuid4()), "X_DV", SetBy.RULE, AT)
    rules = load_desk().blocks
    if lifted:
        rules.refuse_what_stands([block.lifted("police_officer", "checked_unfounded", at=AT)])
        return
    with pytest.raises(GuardRefused) as refused:
        rules.refuse_what_stands([block])
    assert (refused.value.code, refused.value.concerns) == ("block_stands", ("X_DV",))
    assert "反家庭暴力法" in refused.value.basis


# What a call in this state waits for: whose desk, which clock. "" means that others handle it or nobody has to.
DESKS = {
    "received": "the worker",
    "awaiting_screener": "screener",
    "retained_by_police": "police_officer",
    "returned": "police_officer",
    "recalled": "police_officer",
    "referred": "the referral",
    "linked": "the referral it joined",
    "to_other_body": "",
    "invalid": "",
    "withdrawn": "",
}


@pytest.mark.parametrize("state", list(CallState))
def test_what_is_not_final_has_somebody_to_act_and_a_way_out(state: CallState) -> None:
    assert bool(DESKS[state.value]) == bool(a_call(state.value).allowed_acts())
