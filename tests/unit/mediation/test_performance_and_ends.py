"""What is owed, and how a case ends (PML 25–27, 31, 33): both sides of each guard."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mediation_svc.domain import ending, performing
from mediation_svc.domain.agreement import Obligation, ObligationState, Standing
from mediation_svc.domain.case import MediationCase, Report
from mediation_svc.domain.errors import GuardRefused, ObligationUnknown, TransitionRefused
from mediation_svc.domain.states import CaseState
from support.mediation import ANNA, CHORE, DEBT, EARLIER, NOW, a_case, an_agreement, around

OPEN = (Obligation(DEBT, "payment", date(2026, 4, 1)), Obligation(CHORE, "repair"))


def owing(state: CaseState = CaseState.EFFECTIVE, *obligations: Obligation) -> MediationCase:
    return a_case(state, agreement=an_agreement(*(obligations or OPEN)))


def test_performance_is_complete_with_the_last_obligation() -> None:
    half, first = performing.perform(owing(), DEBT, None, around())
    whole, second = performing.perform(half, CHORE, None, around())
    assert (half.state, first.all_performed) == (CaseState.PERFORMING, False)
    assert (whole.state, second.all_performed) == (CaseState.PERFORMED, True)
    assert performing.perform(owing(CaseState.EFFECTIVE, OPEN[0]), DEBT, None, around())[0].state is CaseState.PERFORMED


def test_nothing_is_performed_twice_and_nothing_that_nobody_owes() -> None:
    half, _ = performing.perform(owing(), DEBT, None, around())
    with pytest.raises(GuardRefused, match="performed_already"):
        performing.perform(half, DEBT, None, around())
    with pytest.raises(ObligationUnknown):
        performing.perform(half, ANNA, None, around())


def test_a_breach_is_recorded_once_until_urging_helps() -> None:
    breached, fact = performing.find_breach(owing(), DEBT, "party", around())
    assert (breached.state, fact.obligation_ids, fact.found_by) == (CaseState.BREACHED, (DEBT,), "party")
    with pytest.raises(GuardRefused, match="breached_already"):
        performing.find_breach(breached, DEBT, "visit", around())
    urged = performing.resume_performance(breached, around())
    assert urged.state is CaseState.PERFORMING
    assert performing.find_breach(urged, DEBT, "visit", around())[0].state is CaseState.BREACHED


def test_late_performance_ends_the_breach_only_with_the_last_one_breached() -> None:
    both = owing()
    for one in (DEBT, CHORE):
        both, _ = performing.find_breach(both, one, "party", around())
    half, _ = performing.perform(both, DEBT, None, around())
    whole, _ = performing.perform(half, CHORE, None, around())
    assert (half.state, whole.state) == (CaseState.BREACHED, CaseState.PERFORMED)


def test_a_day_that_goes_by_is_a_breach_found_by_the_clock_and_stays_overdue_until_performed() -> None:
    overdue, fact = performing.run_out(owing(), DEBT, at=NOW)
    assert fact is not None
    assert (overdue.state, fact.found_by, overdue.is_overdue) == (CaseState.BREACHED, "clock", True)
    assert performing.resume_performance(overdue, around()).is_overdue
    assert not performing.perform(overdue, DEBT, None, around())[0].is_overdue


def test_a_clock_never_breaches_what_was_performed_or_ended() -> None:
    paid, _ = performing.perform(owing(), DEBT, None, around())
    assert performing.run_out(paid, DEBT, at=NOW) == (paid, None)
    told = owing(CaseState.BREACHED_TOLD)
    assert performing.run_out(told, DEBT, at=NOW) == (told, None)


def test_a_clock_says_nothing_new_of_a_breach_that_is_known_but_marks_it_overdue() -> None:
    known, _ = performing.find_breach(owing(), DEBT, "party", around())
    overdue, fact = performing.run_out(known, DEBT, at=NOW)
    assert (overdue.is_overdue, fact) == (True, None)


def test_remedies_are_told_of_all_that_is_owed_and_end_overdue() -> None:
    overdue, _ = performing.run_out(owing(), DEBT, at=NOW)
    told, fact = performing.tell_remedies(overdue, NOW, around())
    assert (told.state, set(fact.obligation_ids)) == (CaseState.BREACHED_TOLD, {DEBT, CHORE})
    assert not told.is_overdue
    with pytest.raises(TransitionRefused):
        performing.tell_remedies(owing(), NOW, around())


@pytest.mark.parametrize(
    ("at", "code"), [(NOW + timedelta(minutes=2), "in_the_future"), (EARLIER - timedelta(minutes=2), "too_early")]
)
def test_remedies_are_told_between_the_effect_and_now(at: object, code: str) -> None:
    breached, _ = performing.find_breach(owing(), DEBT, "party", around())
    with pytest.raises(GuardRefused, match=code):
        performing.tell_remedies(breached, at, around())  # type: ignore[arg-type]
    with pytest.raises(GuardRefused, match=code):
        ending.terminate(a_case(), "no_agreement", at, around())  # type: ignore[arg-type]
    assert performing.tell_remedies(breached, EARLIER, around())


def test_paying_after_the_remedies_were_told_is_recorded_and_moves_nothing() -> None:
    told = owing(CaseState.BREACHED_TOLD)
    paid, fact = performing.perform(told, DEBT, None, around())
    assert (paid.state, fact.all_performed) == (CaseState.BREACHED_TOLD, False)


@given(st.permutations(range(3)))
def test_the_latest_visit_s_word_on_an_obligation_stands_in_any_order(order: list[int]) -> None:
    case = owing()
    for place in order:
        case = performing.see_at_visit(case, DEBT, f"seen_{place}", visited_at=NOW + timedelta(days=place))
    obligation = case.obligation(DEBT)
    assert (obligation.seen, obligation.state) == ("seen_2", ObligationState.OPEN)


def test_a_halted_case_can_be_ended_but_neither_reopened_nor_filed() -> None:
    halted = around(blocks=("X_DV",), is_closed=True)
    assert ending.terminate(a_case(), "excluded_matter", NOW, halted)[0].state is CaseState.TERMINATED
    with pytest.raises(GuardRefused, match="halted"):
        ending.reopen(a_case(CaseState.TERMINATED), "dispute_revived", around(blocks=("X_DV",)))
    with pytest.raises(GuardRefused, match="halted"):
        ending.file_away(a_case(CaseState.TERMINATED), halted)


def test_only_a_closed_referral_is_filed_and_only_an_open_one_reopened_by_hand() -> None:
    ended = a_case(CaseState.TERMINATED)
    with pytest.raises(GuardRefused, match="not_closed"):
        ending.file_away(ended, around())
    filed, fact = ending.file_away(ended, around(is_closed=True))
    assert (filed.state, fact.volume) == (CaseState.FILED, 1)
    with pytest.raises(GuardRefused, match="referral_closed"):
        ending.reopen(ended, "dispute_revived", around(is_closed=True))
    assert ending.reopen(ended, "dispute_revived", around())[0].state is CaseState.CONSENT_PENDING


def test_what_was_never_accepted_has_no_file_to_put_away() -> None:
    with pytest.raises(GuardRefused, match="never_accepted"):
        ending.file_away(a_case(CaseState.TERMINATED, file=None), around(is_closed=True))


def test_a_new_round_asks_anew_and_keeps_the_old_text() -> None:
    begun, fact = ending.hold_invalid(owing(), "court_annulled", around())
    assert (begun.state, begun.cycle, fact.cycle, begun.agreement) == (CaseState.CONSENT_PENDING, 2, 2, None)
    assert [one.standing for one in begun.past_agreements] == [Standing.HELD_INVALID]
    assert {party.will for party in begun.parties} == {None}
    with pytest.raises(GuardRefused, match="referral_closed"):
        ending.hold_invalid(owing(), "court_annulled", around(is_closed=True))


def test_a_filed_case_gets_a_new_volume_with_a_new_round() -> None:
    filed = a_case(CaseState.FILED, filed_at=EARLIER)
    begun, _ = ending.reopen_with_watch(filed, "agreement_breached", watch_cycle=2)
    assert (begun.volume, begun.cycle, begun.watch_cycle) == (2, 2, 2)


def test_followup_s_reopening_counts_once_and_leaves_alone_what_is_under_way() -> None:
    begun, _ = ending.reopen_with_watch(a_case(CaseState.TERMINATED), "late_breach", watch_cycle=2)
    assert ending.reopen_with_watch(begun, "late_breach", watch_cycle=2) == (begun, None)
    meeting, fact = ending.reopen_with_watch(a_case(CaseState.IN_MEDIATION), "late_breach", watch_cycle=2)
    assert (meeting.state, fact) == (CaseState.IN_MEDIATION, None)


@pytest.mark.parametrize("state", list(CaseState))
def test_the_police_can_be_told_in_every_state(state: CaseState) -> None:
    case = a_case(state, suspended_from=CaseState.ACCEPTED if state is CaseState.SUSPENDED else None)
    told, fact = ending.report_to_police(case, Report("R-1", "signs_of_violence", NOW), around())
    assert (told.state, fact.receipt, len(told.reports)) == (state, "R-1", 1)


BEFORE_EFFECT = {"accepted", "assigned", "informed", "in_mediation", "suspended", "agreed_oral", "agreed_written"}


@pytest.mark.parametrize("state", list(CaseState))
def test_a_medical_limit_that_runs_out_fails_what_has_no_effect_yet_and_nothing_else(state: CaseState) -> None:
    """DOMAIN §8.4 (Med-Reg 38)."""
    case = a_case(state, suspended_from=CaseState.ACCEPTED if state is CaseState.SUSPENDED else None)
    failed, fact = ending.deem_failed(case, at=NOW)
    if state.value in BEFORE_EFFECT:
        assert fact is not None
        assert (failed.state, fact.reason) == (CaseState.TERMINATED, "deemed_failed")
    else:
        assert (failed, fact) == (case, None)
