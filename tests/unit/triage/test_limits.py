"""How long each step may take, and who acts meanwhile (DOMAIN §4.2, CONTRACTS §4)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree

import pytest
from triage_svc.domain.errors import RuleDataError
from triage_svc.domain.states import DUTIES, ENDED, TRANSITIONS, Clock, State
from triage_svc.rules.loading import SHIPPED_RULES, load_rulebook
from triage_svc.use_cases.grade_referral import GradeReferral, grade_referral
from triage_svc.use_cases.sign_referral import SignReferral, sign_referral
from unit.triage.working import REFERRAL, SUPERVISOR, THURSDAY, a_referral, holding, names, now_of

# noon on Thursday 2026-03-05 in Shanghai → when each clock has run out, by hand
DUE = {
    ("sign_for", "red"): "2026-03-05T04:30:00Z",
    ("sign_for", "orange"): "2026-03-05T06:00:00Z",
    ("sign_for", "yellow"): "2026-03-05T08:00:00Z",
    ("sign_for", "blue"): "2026-03-06T02:00:00Z",
    ("first_contact", "red"): "2026-03-05T06:00:00Z",
    ("first_contact", "orange"): "2026-03-05T12:00:00Z",
    ("first_contact", "yellow"): "2026-03-06T04:00:00Z",
    ("first_contact", "blue"): "2026-03-07T04:00:00Z",
    ("settle", "yellow"): "2026-03-12T16:00:00Z",
    ("settle", "red"): "2026-03-12T16:00:00Z",
}


@pytest.mark.parametrize(("clock", "grade"), list(DUE))
def test_each_clock_of_an_office_runs_out_when_the_domain_says(clock: str, grade: str) -> None:
    timer = holding(a_referral(State.DISPATCHED, grade=grade)).find_clock(REFERRAL, clock, "1")
    assert timer is not None
    assert timer.due_at == datetime.fromisoformat(DUE[clock, grade])
    assert timer.rule.startswith("clocks-")


def test_the_answer_to_a_return_has_four_working_hours() -> None:
    timer = holding(a_referral(State.RETURN_REQUESTED)).find_clock(REFERRAL, "return_answer", "1")
    assert timer is not None
    assert timer.due_at == datetime(2026, 3, 5, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raised_after", "due"),
    [
        (timedelta(hours=1), "2026-03-05T05:30:00Z"),  # half an hour from the raising
        (timedelta(hours=3, minutes=29), "2026-03-05T07:59:00Z"),
        (timedelta(hours=3, minutes=30), "2026-03-05T08:00:00Z"),  # no later than it was due anyway
        (timedelta(hours=3, minutes=31), "2026-03-05T08:00:00Z"),
    ],
)
def test_a_graver_grade_leaves_the_office_the_shorter_limit_from_then_on(raised_after: timedelta, due: str) -> None:
    work = holding(a_referral(State.DISPATCHED, grade="yellow"), at=THURSDAY + raised_after)
    grade_referral(GradeReferral(REFERRAL, SUPERVISOR, "red", "weapon_seen"), work)
    timer = work.find_clock(REFERRAL, "sign_for", "1")
    assert timer is not None
    assert timer.due_at == datetime.fromisoformat(due)


def test_a_clock_met_before_is_not_set_again_by_a_graver_grade() -> None:
    work = holding(a_referral(State.DISPATCHED))
    sign_referral(SignReferral(REFERRAL), work)
    grade_referral(GradeReferral(REFERRAL, SUPERVISOR, "red", "weapon_seen"), work)
    timer = work.find_clock(REFERRAL, "sign_for", "1")
    assert timer is not None
    assert timer.state == "met"
    assert names(work)[-2:] == ["GradeChanged", "DeadlineSet"]
    assert now_of(work).version == 3


# Typed by hand from CONTRACTS §4 and DOMAIN §1.3: who acts next in each state, and by which clock.
WAITS_FOR = {
    "opened": ("dispatcher", "dispatch"),
    "under_review": ("dispatcher", "dispatch"),
    "blocked": ("police_officer", "dispatch"),
    "dispatched": ("office_clerk", "sign_for"),
    "signed": ("office_clerk", "first_contact"),
    "contacted": ("office_clerk", "settle"),
    "return_requested": ("dispatcher", "return_answer"),
    "handed_to_mediation": ("committee_head", "settle"),
    "no_consent": ("visitor", None),
    "self_resolved": ("visitor", None),
    "back_to_police": ("police_officer", None),
    "to_other_body": ("visitor", None),
}


@pytest.mark.parametrize("state", State)
def test_every_state_has_somebody_who_acts_a_clock_or_another_service_s_and_a_way_out(state: State) -> None:
    duty = DUTIES[state]
    assert (duty.role, duty.clock) == WAITS_FOR[state]
    assert any(at is state for at, _ in TRANSITIONS)
    if duty.clock is None:
        assert state in ENDED


@pytest.mark.parametrize("state", [state for state in State if DUTIES[state].clock is not None])
def test_the_clock_that_a_state_names_is_there_while_it_stands_so(state: State) -> None:
    clock = DUTIES[state].clock
    clocks = {timer.clock: timer.state for timer in holding(a_referral(state)).clocks_of(REFERRAL)}
    assert clock is not None
    assert clocks[clock] == "running"


FAULTS = [
    ("clocks", "sign_for:", "sign_fro:", "sign_fro"),
    ("clocks", "{default: 5min}", "{usual: 5min}", "default"),
    ("clocks", "red: 30min", "red: half an hour", "half an hour"),
    ("returns", "{code: too_hard,", "{code: safety,", "safety"),
    ("returns", "most: 2", "most: -1", "most"),
]


@pytest.mark.parametrize(("file", "good", "bad", "named"), FAULTS)
def test_rules_that_cannot_be_used_are_refused_by_name_before_anything_runs(
    file: str, good: str, bad: str, named: str, tmp_path: Path
) -> None:
    folder = copytree(SHIPPED_RULES, tmp_path / "rules")
    path = folder / f"{file}.yaml"
    path.write_text(path.read_text().replace(good, bad))
    with pytest.raises(RuleDataError, match=named):
        load_rulebook(folder)


def test_every_clock_has_a_limit_for_every_grade_and_category() -> None:
    limits = load_rulebook().limits
    for clock in Clock:
        for grade in ("red", "orange", "yellow", "blue"):
            for category in ("family", "neighbour", "medical", "marital", "other"):
                assert limits.span(clock, grade=grade, category=category)
