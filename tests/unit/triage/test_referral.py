"""The referral's table against CONTRACTS §3, typed by hand from that page."""

from datetime import UTC, datetime
from itertools import product
from uuid import UUID

import pytest
from triage_svc.domain.errors import TransitionRefused
from triage_svc.domain.referral import Counters, Referral, ReferralId, Verdict
from triage_svc.domain.states import Act, State, next_state

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
A_REFERRAL = ReferralId(UUID("01997b3c-6c80-7b1d-a2c3-d4e5f6071829"))

# state → every state that CONTRACTS §3 allows to follow it
ALLOWED = """
opened: dispatched, under_review, blocked
under_review: dispatched, blocked, back_to_police, to_other_body
blocked: opened, back_to_police
dispatched: signed, return_requested, dispatched, back_to_police
signed: contacted, return_requested, back_to_police
contacted: handed_to_mediation, no_consent, self_resolved, return_requested, back_to_police
return_requested: dispatched, signed, contacted, back_to_police, to_other_body
handed_to_mediation: back_to_police, dispatched
no_consent: dispatched
self_resolved: dispatched
back_to_police: dispatched
to_other_body: dispatched
"""

# (state, act) → state; whatever is absent must be refused
MOVES = """
opened dispatch dispatched
opened put_under_review under_review
opened block blocked
under_review dispatch dispatched
under_review block blocked
under_review send_back_to_police back_to_police
under_review confirm_recall back_to_police
under_review send_to_other_body to_other_body
blocked lift_block opened
blocked send_back_to_police back_to_police
blocked confirm_recall back_to_police
dispatched sign signed
dispatched request_return return_requested
dispatched dispatch dispatched
dispatched confirm_recall back_to_police
signed contact contacted
signed request_return return_requested
signed confirm_recall back_to_police
contacted hand_to_mediation handed_to_mediation
contacted record_no_consent no_consent
contacted record_self_resolved self_resolved
contacted request_return return_requested
contacted confirm_recall back_to_police
return_requested dispatch dispatched
return_requested send_back_to_police back_to_police
return_requested confirm_recall back_to_police
return_requested send_to_other_body to_other_body
handed_to_mediation confirm_recall back_to_police
handed_to_mediation dispatch dispatched
no_consent dispatch dispatched
self_resolved dispatch dispatched
back_to_police dispatch dispatched
to_other_body dispatch dispatched
"""

moves = {(state, act): target for state, act, target in (line.split() for line in MOVES.strip().splitlines())}
followers = {
    state: set(after.strip().split(", ")) for state, after in (line.split(":") for line in ALLOWED.strip().splitlines())
}
CAME_FROM = ("dispatched", "signed", "contacted")


@pytest.mark.parametrize(("state", "act"), list(product(State, Act)))
def test_every_move_is_the_contract_s_or_refused(state: State, act: Act) -> None:
    if (state, act) == (State.RETURN_REQUESTED, Act.REFUSE_RETURN):
        for origin in CAME_FROM:
            assert next_state(state, act, came_from=State(origin)) == origin
    elif (state, act) in moves:
        assert next_state(state, act) == moves[state, act]
    else:
        with pytest.raises(TransitionRefused) as refusal:
            next_state(state, act)
        assert act not in refusal.value.allowed


def test_together_the_moves_reach_exactly_the_states_that_the_contract_lists() -> None:
    reached: dict[str, set[str]] = {state: set() for state in State}
    for state, act in product(State, Act):
        for origin in CAME_FROM:
            try:
                reached[state].add(next_state(state, act, came_from=State(origin)))
            except TransitionRefused:
                break
    assert reached == followers


def opened() -> Referral:
    return Referral.open(A_REFERRAL, Verdict("neighbour", "blue", False), responsible_code="310109-ZHZX", at=NOON)


def test_a_dispatch_is_the_first_hop_and_leaves_the_sending_unit_responsible() -> None:
    referral = opened().dispatch("310109010-SFS", at=NOON)
    assert (referral.state, referral.hop, referral.office_code) == ("dispatched", 1, "310109010-SFS")
    assert referral.responsible_code == "310109-ZHZX"


def test_each_further_dispatch_counts_a_hop() -> None:
    assert opened().dispatch("310109010-SFS", at=NOON).dispatch("310109011-SFS", at=NOON).hop == 2


def test_a_referral_without_a_responsible_unit_cannot_begin() -> None:
    with pytest.raises(ValueError, match="responsible"):
        Referral.open(A_REFERRAL, Verdict("other", "blue", False), responsible_code="", at=NOON)


def test_a_referral_under_review_keeps_its_reason_until_it_is_dispatched() -> None:
    waiting = opened().put_under_review("no_office_for_place")
    assert (waiting.state, waiting.review_reason) == ("under_review", "no_office_for_place")
    assert waiting.dispatch("310109010-SFS", at=NOON).review_reason is None


def test_counters_come_to_the_same_in_any_order() -> None:
    earlier, later = Counters(calls=2, duplicates=1, repeats=0), Counters(calls=3, duplicates=1, repeats=1)
    assert opened().count(earlier).count(later) == opened().count(later).count(earlier)
    assert opened().count(earlier).count(later).counters == later
