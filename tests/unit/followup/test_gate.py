"""The closing gate in the domain: each condition with both of its sides."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from chassis.ids import new_id
from followup_svc.domain.gate import (
    OLDEST_CHECK,
    Arrivals,
    Course,
    HeadAsked,
    Reached,
    broken_rules,
    closing_outcome,
    held_up,
    waited_for,
)
from followup_svc.domain.milestone import MilestoneState, MilestoneTold
from followup_svc.domain.obligation import Obligation, ObligationState
from followup_svc.domain.obstacles import Obstacle, Rule, Wait
from followup_svc.domain.visit import ReturnVisit, VisitId, VisitState
from followup_svc.domain.watch import Anchor, AnchorKind, ReferralId, Watch, WatchState

NOW = datetime(2026, 3, 6, 2, tzinfo=UTC)
ID = UUID("01980000-0000-7000-8000-000000000001")
EVENT, OTHER = new_id(), new_id()
WATCH = Watch(
    ReferralId(ID), NOW, WatchState.ANCHORED, anchor=Anchor(AnchorKind.AGREEMENT, NOW, NOW, "agreed"), outcome="agreed"
)
READY = Course(WATCH, "yellow", (), (), (), is_halted=False)


def codes(found: list[Obstacle]) -> list[str]:
    return [str(one.code) for one in found]


def rules(**changed: object) -> list[str]:
    return codes(broken_rules(replace(READY, **changed), now=NOW))  # type: ignore[arg-type]


def test_a_course_with_nothing_in_its_way_passes() -> None:
    assert rules() == []


def test_every_condition_has_words_in_both_languages_and_a_basis() -> None:
    for code in (*Rule, *Wait):
        one = Obstacle(code)
        assert one.zh
        assert one.en
        assert one.basis


def test_without_an_outcome_nothing_closes() -> None:
    assert rules(watch=WATCH._replace(outcome=None)) == ["outcome_unknown"]


BARRING_VISITS = {"planned": True, "due": True, "unreachable": True, "done": False, "waived": False, "cancelled": False}


@pytest.mark.parametrize("state", BARRING_VISITS)
def test_a_mandatory_visit_bars_until_it_is_done_or_waived(state: str) -> None:
    visit = ReturnVisit(VisitId(ID), VisitState(state))
    assert rules(visits=[visit]) == (["visit_open"] if BARRING_VISITS[state] else [])
    assert rules(visits=[replace(visit, mandatory=False)]) == []


# 2026-03-06 02:00 UTC is 10:00 in China: what was due on the 5th is overdue, what is due on the 6th is not.
@pytest.mark.parametrize(
    ("state", "due_on", "bars"),
    [
        ("open", date(2026, 3, 5), True),
        ("open", date(2026, 3, 6), False),
        ("open", None, False),
        ("breached", None, True),
        ("breached", date(2027, 1, 1), True),
        ("performed", date(2026, 3, 1), False),
        ("told", date(2026, 3, 1), False),
        ("superseded", date(2026, 3, 1), False),
    ],
)
def test_a_promise_bars_while_it_is_overdue(state: str, due_on: date | None, bars: bool) -> None:
    promise = Obligation(ID, ID, 1, "payment", due_on, ObligationState(state))
    assert rules(obligations=[promise]) == (["obligation_overdue"] if bars else [])


def test_a_day_ends_at_midnight_in_china() -> None:
    promise = Obligation(ID, ID, 1, "payment", date(2026, 3, 5))
    midnight = datetime(2026, 3, 5, 16, tzinfo=UTC)
    assert not promise.is_overdue(midnight - timedelta(seconds=1))
    assert promise.is_overdue(midnight)


@pytest.mark.parametrize(("grade", "bars"), [("red", True), ("orange", True), ("yellow", False), ("blue", False)])
def test_red_and_orange_bar_whether_judged_or_only_proposed(grade: str, bars: bool) -> None:
    expected = ["grade_too_high"] if bars else []
    assert rules(grade=grade) == expected
    assert rules(watch=WATCH._replace(proposed_grade=grade)) == expected


def test_a_halted_referral_is_not_closed() -> None:
    assert rules(is_halted=True) == ["halted"]


@pytest.mark.parametrize(
    ("state", "awaits", "bars"),
    [
        ("expected", True, True),
        ("expected", False, True),
        ("delivered", True, True),
        ("delivered", False, False),
        ("acknowledged", True, False),
        ("failed", True, True),
        ("failed", False, True),
        ("waived", True, False),
    ],
)
def test_a_milestone_bars_until_the_source_has_it_as_its_profile_says(state: str, awaits: bool, bars: bool) -> None:
    told = MilestoneTold(ID, ID, "result", MilestoneState(state), awaits)
    assert rules(milestones=[told]) == (["milestone_untold"] if bars else [])
    assert rules(milestones=[replace(told, milestone="closed")]) == []


ASKED = {name: HeadAsked(name, 3, EVENT, NOW) for name in ("intake", "triage", "mediation")}
REACHED = {name: Reached(3, EVENT) for name in ASKED}
QUIET = Arrivals(ASKED, REACHED, (), (), (), ())


def waits(**changed: object) -> list[str]:
    return codes(waited_for(replace(QUIET, **changed), now=NOW))  # type: ignore[arg-type]


def test_where_everything_has_arrived_nothing_is_waited_for() -> None:
    assert waits() == []
    assert held_up(QUIET) == []


@pytest.mark.parametrize("producer", ASKED)
def test_every_producer_must_have_answered(producer: str) -> None:
    assert waits(asked={name: one for name, one in ASKED.items() if name != producer}) == ["producer_silent"]


@pytest.mark.parametrize(("age", "is_old"), [(OLDEST_CHECK, False), (OLDEST_CHECK + timedelta(microseconds=1), True)])
def test_an_answer_is_good_for_five_minutes(age: timedelta, is_old: bool) -> None:
    asked = ASKED | {"triage": HeadAsked("triage", 3, EVENT, NOW - age)}
    assert waits(asked=asked) == (["producer_silent"] if is_old else [])


@pytest.mark.parametrize(
    ("reached", "behind"),
    [
        (Reached(2, EVENT), True),
        (Reached(3, EVENT), False),
        (Reached(4, OTHER), False),
        (Reached(3, OTHER), True),
        (Reached(), True),
    ],
)
def test_the_position_must_have_reached_the_head_under_its_own_id(reached: Reached, behind: bool) -> None:
    assert waits(reached=REACHED | {"mediation": reached}) == (["position_behind"] if behind else [])


def test_a_producer_that_has_stated_nothing_needs_no_position() -> None:
    asked = ASKED | {"mediation": HeadAsked("mediation", 0, None, NOW)}
    assert waits(asked=asked, reached={name: one for name, one in REACHED.items() if name != "mediation"}) == []


def test_what_waits_or_is_missing_or_distrusted_is_waited_for_and_what_failed_is_not() -> None:
    assert waits(waiting=["triage:4"]) == ["event_waiting"]
    assert waits(missing=["triage:4"]) == ["event_missing"]
    assert waits(distrusted=["triage"]) == ["producer_distrusted"]
    assert codes(held_up(replace(QUIET, held_up=["triage:4"]))) == ["event_held_up"]


@pytest.mark.parametrize(
    ("outcome", "states", "closed_as"),
    [
        ("agreed", ["performed"], "agreed"),
        ("agreed", ["performed", "told"], "agreed_not_kept"),
        ("agreed", ["superseded"], "agreed"),
        ("terminated", ["told"], "terminated"),
    ],
)
def test_an_agreement_that_was_not_kept_is_counted_apart(outcome: str, states: list[str], closed_as: str) -> None:
    promises = [Obligation(ID, ID, 1, "payment", None, ObligationState(state)) for state in states]
    assert closing_outcome(WATCH._replace(outcome=outcome), promises) == closed_as
