"""The closing gate (结案门): every condition, judged on what the closing transaction holds.

The same conditions stand once more as a deferred trigger in the database (`store.closing_gate`); this one explains.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from followup_svc.domain.grade import BARS_CLOSING, graver
from followup_svc.domain.milestone import MilestoneTold
from followup_svc.domain.obligation import Obligation
from followup_svc.domain.obstacles import Obstacle, Rule, Wait
from followup_svc.domain.visit import ReturnVisit
from followup_svc.domain.watch import Watch

PRODUCERS = ("intake", "triage", "mediation")
OLDEST_CHECK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class HeadAsked:
    """What a producer answered for this referral, before the transaction opened."""

    producer: str
    head: int
    event_id: UUID | None
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Reached:
    """Where this service stands in a producer's stream of this referral."""

    last: int = 0
    event_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """What the rules of the gate look at; visits, obligations of the present cycle, milestones of all."""

    watch: Watch
    grade: str | None
    visits: Sequence[ReturnVisit]
    obligations: Sequence[Obligation]
    milestones: Sequence[MilestoneTold]
    is_halted: bool


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What delivery knows: is anything said about this referral that has not been applied here?"""

    asked: Mapping[str, HeadAsked]
    reached: Mapping[str, Reached]
    held_up: Sequence[str]
    waiting: Sequence[str]
    missing: Sequence[str]
    distrusted: Sequence[str]


def broken_rules(course: Course, *, now: datetime) -> list[Obstacle]:
    """Every rule not met, in a fixed order."""
    found = (
        (Rule.OUTCOME_UNKNOWN, () if course.watch.outcome else (course.watch.state.value,)),
        (Rule.VISIT_OPEN, [str(v.visit_id) for v in course.visits if v.mandatory and v.is_open]),
        (Rule.OBLIGATION_OVERDUE, [str(o.obligation_id) for o in course.obligations if o.is_overdue(now)]),
        (Rule.GRADE_TOO_HIGH, _too_high(course)),
        (Rule.HALTED, ("halted",) if course.is_halted else ()),
        (Rule.MILESTONE_UNTOLD, [f"{m.milestone}:{m.fact_id}" for m in course.milestones if m.bars_closing]),
    )
    return [Obstacle(rule, tuple(subjects)) for rule, subjects in found if subjects]


def _too_high(course: Course) -> Iterable[str]:
    """A grade proposed by a visit counts until triage has answered it."""
    grade = graver(course.grade, course.watch.proposed_grade)
    return (grade,) if grade in BARS_CLOSING else ()


def held_up(arrivals: Arrivals) -> list[Obstacle]:
    return [Obstacle(Rule.EVENT_HELD_UP, tuple(arrivals.held_up))] if arrivals.held_up else []


def waited_for(arrivals: Arrivals, *, now: datetime) -> list[Obstacle]:
    """What time alone will cure, and so the closing waits for."""
    found = (
        (Wait.PRODUCER_SILENT, [name for name in PRODUCERS if not _is_fresh(arrivals.asked.get(name), now)]),
        (Wait.PRODUCER_DISTRUSTED, list(arrivals.distrusted)),
        (Wait.POSITION_BEHIND, list(_behind(arrivals))),
        (Wait.EVENT_WAITING, list(arrivals.waiting)),
        (Wait.EVENT_MISSING, list(arrivals.missing)),
    )
    return [Obstacle(wait, tuple(subjects)) for wait, subjects in found if subjects]


def _is_fresh(asked: HeadAsked | None, now: datetime) -> bool:
    return asked is not None and now - asked.asked_at <= OLDEST_CHECK


def _behind(arrivals: Arrivals) -> Iterator[str]:
    """Below the head, or at its number with another event: then one of the two was restored."""
    for name, asked in sorted(arrivals.asked.items()):
        at = arrivals.reached.get(name, Reached())
        if at.last < asked.head or (at.last == asked.head > 0 and at.event_id != asked.event_id):
            yield f"{name}:{at.last}/{asked.head}"


def closing_outcome(watch: Watch, obligations: Sequence[Obligation]) -> str:
    """Under what the ledger counts it: an agreement that was not kept is another end than one that was."""
    assert watch.outcome is not None
    if watch.outcome == "agreed" and any(obligation.state == "told" for obligation in obligations):
        return "agreed_not_kept"
    return watch.outcome
