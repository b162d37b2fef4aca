"""Every state with every act, against a table typed by hand from CONTRACTS §3 (never against the code's own)."""

from itertools import product

import pytest
from mediation_svc.domain.case import MediationCase
from mediation_svc.domain.errors import TransitionRefused
from mediation_svc.domain.states import Act, CaseState, Deed
from support.mediation import a_case as built

# state: act>next state …; RESUME leads back to where the case was suspended and is tested apart.
BY_HAND = """
applied          ask_consent>consent_pending accept>accepted terminate>terminated
consent_pending  accept>accepted terminate>terminated
accepted         assign>assigned suspend>suspended terminate>terminated
assigned         assign>assigned inform>informed suspend>suspended terminate>terminated
informed         begin>in_mediation suspend>suspended terminate>terminated
in_mediation     agree_orally>agreed_oral agree_in_writing>agreed_written suspend>suspended terminate>terminated
agreed_oral      take_effect>effective suspend>suspended terminate>terminated
agreed_written   seal>effective withdraw>in_mediation suspend>suspended terminate>terminated
effective        start_performance>performing confirm_performance>performed hold_invalid>reopened
performing       confirm_performance>performed report_breach>breached
breached         resume_performance>performing tell_remedies>breached_told reopen>reopened
suspended        terminate>terminated
performed        file>filed reopen>reopened
breached_told    file>filed reopen>reopened
terminated       file>filed reopen>reopened
filed            reopen>reopened
reopened         ask_consent>consent_pending
"""
EXPECTED = {
    (state, act): target
    for state, *moves in (line.split() for line in BY_HAND.strip().splitlines())
    for act, target in (move.split(">") for move in moves)
}
STATES = [line.split()[0] for line in BY_HAND.strip().splitlines()]
ACTS = sorted({act for _, act in EXPECTED} | {"resume"})
MAY_BE_SUSPENDED = ["accepted", "assigned", "informed", "in_mediation", "agreed_oral", "agreed_written"]


# What leaves the case where it is, by hand from DOMAIN §1.4, §1.5 and §1.7.
IN_PLACE_BY_HAND = """
record_consent  applied consent_pending accepted assigned informed in_mediation suspended agreed_oral agreed_written
meet_again      in_mediation
sign            agreed_written
perform         effective performing breached breached_told
find_breach     effective performing breached
extend          accepted assigned informed in_mediation suspended agreed_oral agreed_written
"""
IN_PLACE = {
    (state, deed)
    for deed, *states in (line.split() for line in IN_PLACE_BY_HAND.strip().splitlines())
    for state in states
}


def a_case(state: str, suspended_from: str | None = None) -> MediationCase:
    origin = suspended_from or ("in_mediation" if state == "suspended" else None)
    return built(CaseState(state), suspended_from=CaseState(origin) if origin else None)


def test_the_hand_typed_table_names_every_state_and_act_of_the_code() -> None:
    assert sorted(STATES) == sorted(state.value for state in CaseState)
    assert sorted(act.value for act in Act) == ACTS


@pytest.mark.parametrize(("state", "act"), [pair for pair in product(STATES, ACTS) if pair != ("suspended", "resume")])
def test_an_act_leads_where_the_contract_says_or_is_refused(state: str, act: str) -> None:
    case = a_case(state)
    if (state, act) in EXPECTED:
        assert case.move(Act(act)).state.value == EXPECTED[state, act]
    else:
        with pytest.raises(TransitionRefused):
            case.move(Act(act))


@pytest.mark.parametrize(("state", "deed"), list(product(STATES, Deed)))
def test_a_deed_is_done_where_the_law_lets_it_or_is_refused(state: str, deed: Deed) -> None:
    case = a_case(state)
    assert (deed.value in case.allowed()) == ((state, deed.value) in IN_PLACE)
    if (state, deed.value) in IN_PLACE:
        case.stay(deed)
    else:
        with pytest.raises(TransitionRefused):
            case.stay(deed)


@pytest.mark.parametrize("origin", MAY_BE_SUSPENDED)
def test_a_suspended_case_resumes_in_the_state_it_came_from(origin: str) -> None:
    suspended = a_case(origin).move(Act.SUSPEND)
    assert suspended == a_case("suspended", origin)
    assert suspended.move(Act.RESUME) == a_case(origin)


def test_a_case_terminated_out_of_suspension_forgets_where_it_came_from() -> None:
    assert a_case("suspended", "assigned").move(Act.TERMINATE) == a_case("terminated")


def test_a_refusal_names_the_allowed_acts_and_changes_nothing() -> None:
    case = a_case("consent_pending")
    with pytest.raises(TransitionRefused) as refused:
        case.move(Act.SEAL)
    assert refused.value.allowed == ("accept", "record_consent", "terminate")
    assert case == a_case("consent_pending")


def test_only_a_suspended_case_may_know_an_origin() -> None:
    with pytest.raises(ValueError, match="suspended"):
        built(CaseState.SUSPENDED)
    with pytest.raises(ValueError, match="suspended"):
        built(CaseState.ASSIGNED, suspended_from=CaseState.ACCEPTED)


def test_every_state_has_a_way_out() -> None:
    assert {state for state in STATES if a_case(state).allowed()} == set(STATES)
