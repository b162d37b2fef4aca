"""Visit plans: their dates against a calendar typed by hand, and what holds of every plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from chassis.ids import new_id
from chassis.workdays import CHINA, load_calendar
from followup_svc.domain.grade import GRAVITY, GradeHistory
from followup_svc.domain.obligation import Obligation
from followup_svc.domain.plan import Owing, Wanted, dropped, replan, visits_owed
from followup_svc.domain.visit import ReturnVisit, VisitAct, VisitId, VisitState
from followup_svc.domain.watch import Anchor, AnchorKind
from followup_svc.rules.loading import SHIPPED_RULES, RuleFileRefused, load_rulebook
from hypothesis import given
from hypothesis import strategies as st

RULES, DEMO, CALENDAR = load_rulebook().plan, load_rulebook(demo=True).plan, load_calendar()
AT = datetime(2026, 1, 6, 8, 30, tzinfo=UTC)
REFERRAL = UUID("01980000-0000-7000-8000-000000000001")
ENDS = {AnchorKind.AGREEMENT: "agreed", AnchorKind.TERMINATION: "terminated", AnchorKind.ENDED: "no_consent"}


def owing(
    grade: str = "yellow", *, at: datetime = AT, kind: AnchorKind = AnchorKind.AGREEMENT, category: str = "neighbour",
    obligations: tuple[Obligation, ...] = (), outcome: str | None = None,
) -> Owing:  # fmt: skip
    anchor = Anchor(kind, at, at, outcome or ENDS[kind])
    return Owing(anchor, GradeHistory(((at - timedelta(days=1), grade),)), category, obligations)


def days(wanted: list[Wanted]) -> list[str]:
    return [one.due.at.astimezone(CHINA).strftime("%m-%d %H:%M") for one in wanted]


# 2026-01-06 is a Tuesday. 02-05 is a Thursday; 04-06 a holiday (Qingming), so day 90 moves to the 7th.
BY_HAND = {
    "blue": ["02-05 09:00"],
    "yellow": ["01-13 09:00", "02-05 09:00"],
    "orange": ["01-09 09:00", "01-13 09:00", "02-05 09:00", "04-07 09:00"],
}


@pytest.mark.parametrize("grade", BY_HAND)
def test_a_grade_has_the_days_of_its_row(grade: str) -> None:
    assert days(visits_owed(owing(grade), RULES, CALENDAR)) == BY_HAND[grade]


def test_red_is_visited_at_once_then_weekly_and_for_half_a_year() -> None:
    planned = visits_owed(owing("red"), RULES, CALENDAR)
    assert days(planned)[:4] == ["01-07 09:00", "01-09 09:00", "01-13 09:00", "01-20 09:00"]
    assert len(planned) == 6 + 24
    assert {one.channel for one in planned} == {"in_person_with_police"}


@pytest.mark.parametrize(
    ("kind", "grade", "category", "outcome", "slots"),
    [
        (AnchorKind.TERMINATION, "blue", "neighbour", None, ["ended_default:7d@09:00", "ended_default:30d@09:00"]),
        (AnchorKind.ENDED, "yellow", "neighbour", "back_to_police", ["ended_back_to_police:7d@09:00"]),
        (AnchorKind.AGREEMENT, "blue", "medical", None, ["medical:30d@09:00", "medical:90d@09:00"]),
        (AnchorKind.TERMINATION, "orange", "medical", None, [f"orange:{n}d@09:00" for n in (3, 7, 30, 90)]),
    ],
)
def test_the_row_is_chosen_by_grade_then_category_then_end(
    kind: AnchorKind, grade: str, category: str, outcome: str | None, slots: list[str]
) -> None:
    planned = visits_owed(owing(grade, kind=kind, category=category, outcome=outcome), RULES, CALENDAR)
    assert [":".join(one.slot.split(":")[:3]) for one in planned] == slots


@pytest.mark.parametrize(("category", "channel"), [("family", "in_person"), ("neighbour", "phone")])
def test_one_visit_of_a_family_is_made_in_person(category: str, channel: str) -> None:
    assert [one.channel for one in visits_owed(owing(category=category), RULES, CALENDAR)] == ["phone", channel]


# DOMAIN §4.5: one working day after *each* due date; 2026-02-13 is the last Friday before nine days of holiday.
@pytest.mark.parametrize(
    ("due_on", "visited"),
    [
        (date(2026, 2, 12), "02-13 09:00"),
        (date(2026, 2, 13), "02-14 09:00"),  # a Saturday on which people work
        (date(2026, 2, 14), "02-24 09:00"),
        (date(2026, 9, 30), "10-08 09:00"),
    ],
)
def test_what_is_promised_is_looked_at_one_working_day_after_its_day(due_on: date, visited: str) -> None:
    promise = Obligation(new_id(), REFERRAL, 1, "payment", due_on)
    planned = visits_owed(owing("blue", obligations=(promise,)), RULES, CALENDAR)
    (proof,) = [one for one in planned if one.slot == f"obligation:{promise.obligation_id}"]
    assert (days([proof])[0], proof.channel) == (visited, "phone_and_proof")


def test_a_promise_without_a_day_has_no_visit_of_its_own() -> None:
    promise = Obligation(new_id(), REFERRAL, 1, "apology", None)
    assert len(visits_owed(owing("blue", obligations=(promise,)), RULES, CALENDAR)) == 1


@given(
    st.integers(0, 900).map(lambda day: datetime(2024, 1, 1, 3, tzinfo=UTC) + timedelta(days=day)),
    st.sampled_from(GRAVITY),
    st.sampled_from(AnchorKind),
    st.sampled_from(["family", "medical", "other"]),
    st.lists(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=3),
)
def test_every_plan_is_in_order_on_working_days_after_its_anchor_and_mandatory(
    at: datetime, grade: str, kind: AnchorKind, category: str, dues: list[date]
) -> None:
    promises = tuple(Obligation(new_id(), REFERRAL, 1, "payment", due) for due in dues)
    planned = visits_owed(owing(grade, at=at, kind=kind, category=category, obligations=promises), RULES, CALENDAR)
    instants = [one.due.at for one in planned]
    assert planned
    assert instants == sorted(instants)
    assert len({one.slot for one in planned}) == len(planned)
    for one in planned:
        assert one.mandatory
        assert CALENDAR.is_workday(one.due.at.astimezone(CHINA).date())
        assert one.slot.startswith("obligation:") or one.due.at > at


@given(st.permutations(["yellow", "orange", "red", "yellow", "blue"]), st.integers(0, 4))
def test_a_plan_follows_the_gravest_grade_since_the_anchor(order: list[str], before: int) -> None:
    """Grades that stood before the anchor do not count, however grave."""
    entries = tuple((AT + timedelta(days=place - before), grade) for place, grade in enumerate(order))
    history = GradeHistory(entries)
    standing = [grade for at, grade in entries if at <= AT][-1:] + [grade for at, grade in entries if at > AT]
    gravest = max(standing, key=GRAVITY.index)
    planned = visits_owed(Owing(Anchor(AnchorKind.AGREEMENT, AT, AT, "agreed"), history, "other", ()), RULES, CALENDAR)
    assert {one.slot.partition(":")[0] for one in planned} == {gravest}
    weekly = any(one.slot.startswith("red:14d@09:00:") for one in planned)
    assert weekly == (gravest == "red" and history.present == "red")


def as_visits(wanted: list[Wanted], state: VisitState = VisitState.PLANNED) -> list[ReturnVisit]:
    return [ReturnVisit(VisitId(new_id()), state, REFERRAL, slot=one.slot, due_at=one.due.at) for one in wanted]


@given(st.sampled_from(GRAVITY), st.sampled_from(GRAVITY))
def test_planning_again_changes_only_what_is_owed_otherwise(one: str, other: str) -> None:
    before, after = visits_owed(owing(one), RULES, CALENDAR), visits_owed(owing(other), RULES, CALENDAR)
    assert not replan(before, as_visits(before))
    changed = replan(after, as_visits(before))
    assert bool(changed) == (one != other)
    assert {visit.state for visit in changed.cancelled} <= {VisitState.CANCELLED}


def test_what_fell_due_is_not_planned_away() -> None:
    standing = as_visits(visits_owed(owing("yellow"), RULES, CALENDAR), VisitState.DUE)
    assert replan(visits_owed(owing("blue"), RULES, CALENDAR), standing).cancelled == ()


def test_an_extension_survives_planning_again() -> None:
    standing = [ReturnVisit(VisitId(new_id()), slot=slot) for slot in ("extension:x", "obligation:y", "yellow:7d")]
    assert [visit.slot for visit in replan([], standing).cancelled] == ["obligation:y", "yellow:7d"]


def test_work_that_begins_anew_leaves_no_visit_that_bars_a_closing() -> None:
    states = [VisitState.PLANNED, VisitState.DUE, VisitState.UNREACHABLE, VisitState.DONE, VisitState.WAIVED]
    left = {visit.state: visit.mandatory for visit in dropped(ReturnVisit(VisitId(new_id()), one) for one in states)}
    assert left == {VisitState.CANCELLED: True, VisitState.DUE: False, VisitState.UNREACHABLE: False}
    assert VisitAct.CANCEL in ReturnVisit(VisitId(new_id())).allowed()


def test_a_demonstration_waits_for_seconds_and_not_for_a_due_date() -> None:
    promise = Obligation(new_id(), REFERRAL, 1, "payment", date(2026, 12, 1))
    planned = visits_owed(owing("yellow", obligations=(promise,)), DEMO, CALENDAR)
    assert [one.due.at - AT for one in planned] == [timedelta(seconds=n) for n in (1, 2, 3)]


def test_an_unjudged_referral_has_a_plan_too() -> None:
    assert visits_owed(replace(owing(), grades=GradeHistory()), RULES, CALENDAR)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("tries: 3", "tries: 0", "tries"),
        ("after: 30d@09:00, channel: phone}", "after: soon, channel: phone}", "soon"),
        ("next_try_after: 1d", "next_try_after: 3s", "3s"),
        ("  default:", "  other:", "default"),
        ("  blue:", "  azure:", "grades"),
        ("extension:", "extensions:", "extension"),
    ],
)
def test_a_rule_file_that_is_wrong_says_where(tmp_path: Path, old: str, new: str, place: str) -> None:
    for name in ("visit_plans.yaml", "conduct.yaml"):
        (tmp_path / name).write_bytes((SHIPPED_RULES / name).read_bytes())
    text = (tmp_path / "visit_plans.yaml").read_text()
    assert old in text
    (tmp_path / "visit_plans.yaml").write_text(text.replace(old, new))
    with pytest.raises(RuleFileRefused, match=place):
        load_rulebook(folder=tmp_path)


def test_an_edit_shows_in_the_version(tmp_path: Path) -> None:
    for name in ("visit_plans.yaml", "conduct.yaml"):
        (tmp_path / name).write_bytes((SHIPPED_RULES / name).read_bytes())
    assert load_rulebook(folder=tmp_path).plan.version == RULES.version
    with (tmp_path / "visit_plans.yaml").open("a") as file:
        file.write("# a word more\n")
    assert load_rulebook(folder=tmp_path).plan.version != RULES.version
