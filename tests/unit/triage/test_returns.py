"""Handing back: a closed list of reasons, so many times, and then the district decides (DOMAIN §5.3)."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from referral_schemas import triage as told
from triage_svc.domain.errors import GuardRefused, OfAnother, TransitionRefused, ValueRefused
from triage_svc.domain.referral import Referral, Return
from triage_svc.domain.states import State
from triage_svc.use_cases.return_referral import DecideReturn, RequestReturn, decide_return, request_return
from unit.triage.working import (
    DISPATCHER,
    OTHER_OFFICE,
    REFERRAL,
    SUPERVISOR,
    THURSDAY,
    a_referral,
    holding,
    names,
    rules,
    stated,
)

CLOSED_LIST = {
    "wrong_area",
    "wrong_class",
    "excluded_matter",
    "accepted_elsewhere",
    "party_refuses",
    "no_contact",
    "duplicate",
    "safety",
}
MOST = 2  # DOMAIN §4.2


def asking(**changes: Any) -> RequestReturn:
    return replace(RequestReturn(REFERRAL, "wrong_area", "district", "不在本辖区"), **changes)


def deciding(decision: str, **changes: Any) -> DecideReturn:
    return replace(DecideReturn(REFERRAL, DISPATCHER, decision, "checked"), **changes)


def asked_back(count: int = 1) -> Referral:
    return a_referral(State.RETURN_REQUESTED, returned=Return(count, "wrong_area", "district"))


def test_the_reasons_are_the_closed_list_and_the_number_is_the_domain_s() -> None:
    assert set(rules().returns.reasons) == CLOSED_LIST
    assert rules().returns.most == MOST


@pytest.mark.parametrize("state", [State.DISPATCHED, State.SIGNED, State.CONTACTED])
def test_an_office_asks_and_its_own_clocks_stand_still_while_the_answer_s_runs(state: State) -> None:
    work = holding(a_referral(state))
    asked = request_return(asking(), work)
    assert (asked.state, asked.came_from, asked.returned.count) == ("return_requested", state, 1)
    assert names(work) == ["ReturnRequested", "DeadlineSet"]
    clocks = {timer.clock: timer.state for timer in work.clocks_of(REFERRAL)}
    assert clocks == {
        "sign_for": "paused",
        "first_contact": "paused",
        "settle": "paused",
        "return_answer": "running",
    }
    assert [text.kind for text in work.texts] == ["return_note"]


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz_", min_size=1).filter(lambda code: code not in CLOSED_LIST))
def test_no_other_reason_is_taken(code: str) -> None:
    with pytest.raises(ValueRefused) as refusal:
        request_return(asking(reason=code), holding(a_referral(State.SIGNED)))
    assert (refusal.value.field, refusal.value.value) == ("reason", code)
    assert set(refusal.value.known) == CLOSED_LIST


@pytest.mark.parametrize("code", ["too_hard", "no_staff"])
def test_what_is_hard_or_has_no_staff_is_escalated_instead(code: str) -> None:
    with pytest.raises(ValueRefused, match="not_a_reason_to_return") as refusal:
        request_return(asking(reason=code), holding(a_referral(State.SIGNED)))
    assert "escalated" in refusal.value.en
    assert "升级" in refusal.value.zh


@pytest.mark.parametrize("before", range(MOST + 2))
def test_after_so_many_returns_only_the_district_is_asked(before: int) -> None:
    referral = a_referral(State.SIGNED, returned=Return(before))
    if before < MOST:
        assert request_return(asking(addressee="police"), holding(referral)).returned.count == before + 1
    else:
        with pytest.raises(GuardRefused, match="district_decides"):
            request_return(asking(addressee="police"), holding(referral))
    assert request_return(asking(addressee="district"), holding(referral)).returned.count == before + 1


@pytest.mark.parametrize("count", range(1, MOST + 3))
def test_a_return_beyond_the_limit_is_decided_by_a_supervisor(count: int) -> None:
    if count <= MOST:
        assert decide_return(deciding("refuse"), holding(asked_back(count))).state == "signed"
    else:
        with pytest.raises(OfAnother, match="district_decides"):
            decide_return(deciding("refuse"), holding(asked_back(count)))
    assert decide_return(deciding("refuse", by=SUPERVISOR), holding(asked_back(count))).state == "signed"


def test_a_refused_return_leaves_the_office_where_it_was_and_its_clocks_run_on() -> None:
    work = holding(asked_back())
    kept = decide_return(deciding("refuse"), work)
    assert (kept.state, kept.hop, kept.returned) == ("signed", 1, Return(1))
    assert names(work) == ["ReturnRefused", "DeadlineMet"]
    assert {timer.clock: timer.state for timer in work.clocks_of(REFERRAL)}["first_contact"] == "running"


def test_a_return_that_is_granted_goes_to_another_office_with_one_event_for_each_fact() -> None:
    work = holding(asked_back())
    sent = decide_return(deciding("redispatch", office_code=OTHER_OFFICE), work)
    assert (sent.state, sent.hop, sent.office_code, sent.returned) == ("dispatched", 2, OTHER_OFFICE, Return(1))
    assert names(work) == ["DeadlineMet", "ReferralDispatched"]


def test_it_may_go_to_the_police_or_to_another_body() -> None:
    assert decide_return(deciding("back_to_police"), holding(asked_back())).state == "back_to_police"
    work = holding(asked_back())
    assert decide_return(deciding("to_other_body", body_code="12345"), work).state == "to_other_body"
    ended = stated(work)[0]
    assert isinstance(ended, told.ReferralEnded)
    assert ended.body_code == "12345"


@pytest.mark.parametrize(("decision", "field"), [("redispatch", "office_code"), ("to_other_body", "body_code")])
def test_a_decision_says_what_it_lacks(decision: str, field: str) -> None:
    with pytest.raises(ValueRefused, match="field_needed") as refusal:
        decide_return(deciding(decision), holding(asked_back()))
    assert refusal.value.field == field


@pytest.mark.parametrize("decision", ["refuse", "redispatch", "to_other_body", "back_to_police"])
def test_nothing_is_decided_that_was_not_asked(decision: str) -> None:
    with pytest.raises(TransitionRefused):
        decide_return(
            deciding(decision, office_code=OTHER_OFFICE, body_code="12345"), holding(a_referral(State.SIGNED))
        )


def test_asking_again_after_a_refusal_starts_a_clock_of_its_own() -> None:
    work = holding(asked_back())
    decide_return(deciding("refuse"), work)
    request_return(asking(), work)
    answers = {timer.key: timer.state for timer in work.clocks_of(REFERRAL) if timer.clock == "return_answer"}
    assert answers == {"1": "met", "2": "running"}
    assert work.now == THURSDAY
