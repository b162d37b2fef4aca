"""Which visits a watch owes, from its anchor, its grades and its obligations (DOMAIN §4.5). Pure: asked again, it
answers the same, whatever order the facts came in."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chassis.workdays import Calendar, Due, Span, due

from followup_svc.domain.grade import BARS_CLOSING, GradeHistory
from followup_svc.domain.obligation import Obligation
from followup_svc.domain.visit import ReturnVisit, VisitAct, VisitState
from followup_svc.domain.watch import Anchor, AnchorKind

MEDICAL = "medical"
_DAY = timedelta(days=1)
NO_GRADE = "yellow"  # judged by nobody yet: neither the lightest plan nor the gravest


@dataclass(frozen=True, slots=True)
class VisitRule:
    """One line of a plan: `channels` by category, where it differs from `channel`."""

    after: Span
    channel: str
    channels: Mapping[str, str]
    mandatory: bool = True

    def channel_of(self, category: str | None) -> str:
        return self.channels.get(category or "", self.channel)


@dataclass(frozen=True, slots=True)
class Row:
    """`while_grade` are visits that are owed only as long as the present grade is as grave as the row's."""

    visits: tuple[VisitRule, ...]
    while_grade: tuple[VisitRule, ...] = ()


@dataclass(frozen=True, slots=True)
class ObligationRule:
    visit: VisitRule
    counted_from_anchor: bool  # in a demonstration nobody waits for the due date


@dataclass(frozen=True, slots=True)
class PlanRules:
    version: str
    grades: Mapping[str, Row]
    medical: Row
    ended: Mapping[str, Row]  # by outcome; "default" for the others
    obligations: ObligationRule
    extension: VisitRule
    recorded_within: Span
    next_try_after: Span
    tries: int

    def row(self, anchor: Anchor, grade: str, category: str | None) -> tuple[str, Row]:
        """Grave grades keep their row whatever ended; then medical; then the ends; else the grade's own."""
        if grade in BARS_CLOSING:
            return grade, self.grades[grade]
        if category == MEDICAL:
            return MEDICAL, self.medical
        if anchor.kind is not AnchorKind.AGREEMENT:
            name = anchor.outcome if anchor.outcome in self.ended else "default"
            return f"ended_{name}", self.ended[name]
        return grade, self.grades[grade]


@dataclass(frozen=True, slots=True)
class Wanted:
    """`span` from `start` is what its clock will run."""

    slot: str
    span: Span
    start: datetime
    due: Due
    channel: str
    mandatory: bool


@dataclass(frozen=True, slots=True)
class Owing:
    """All that a plan depends on."""

    anchor: Anchor
    grades: GradeHistory
    category: str | None
    obligations: Sequence[Obligation]


def visits_owed(owing: Owing, rules: PlanRules, calendar: Calendar) -> list[Wanted]:
    """In the order of their dates. A grade raised later begins its own row on the day it rose."""
    begins, grade = owing.grades.gravest_since(owing.anchor.at) or (owing.anchor.at, NO_GRADE)
    name, row = rules.row(owing.anchor, grade, owing.category)
    stands = owing.grades.present == grade
    lines = [*row.visits, *(row.while_grade if stands else ())]
    wanted = [_owed(f"{name}:{line.after}:{begins.isoformat()}", line, begins, owing, calendar) for line in lines]
    wanted += _after_obligations(owing, rules.obligations, calendar)
    return sorted(wanted, key=lambda one: one.due.at)


def extension(of: ReturnVisit, rules: PlanRules, *, now: datetime, calendar: Calendar) -> Wanted:
    """One more visit, because this one found that it is not over."""
    line = rules.extension
    return Wanted(
        f"extension:{of.visit_id}", line.after, now, due(line.after, now, calendar), of.channel, line.mandatory
    )


def _after_obligations(owing: Owing, rule: ObligationRule, calendar: Calendar) -> Iterator[Wanted]:
    for obligation in owing.obligations:
        if obligation.due_at is not None:
            start = owing.anchor.at if rule.counted_from_anchor else _within(obligation)
            yield _owed(f"obligation:{obligation.obligation_id}", rule.visit, start, owing, calendar)


def _owed(slot: str, line: VisitRule, start: datetime, owing: Owing, calendar: Calendar) -> Wanted:
    channel = line.channel_of(owing.category)
    return Wanted(slot, line.after, start, due(line.after, start, calendar), channel, line.mandatory)


def _within(obligation: Obligation) -> datetime:
    """An instant of the due day itself: the day that a span starts on is not counted."""
    assert obligation.due_at is not None
    return obligation.due_at.replace(hour=12) - _DAY


@dataclass(frozen=True, slots=True)
class Replanned:
    """What planning again comes to: `added` have no visit yet, `cancelled` are owed no more."""

    added: tuple[Wanted, ...]
    cancelled: tuple[ReturnVisit, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.cancelled)


def replan(wanted: Iterable[Wanted], standing: Iterable[ReturnVisit]) -> Replanned:
    """Only what is still planned can be cancelled: what fell due is done or waived.

    An extension belongs to the visit that asked for it.
    """
    by_slot = {visit.slot: visit for visit in standing if visit.state is not VisitState.CANCELLED}
    owed = {one.slot: one for one in wanted}
    added = tuple(one for slot, one in owed.items() if slot not in by_slot)
    gone = tuple(
        visit.move(VisitAct.CANCEL)
        for slot, visit in by_slot.items()
        if visit.state is VisitState.PLANNED and slot not in owed and not slot.startswith("extension:")
    )
    return Replanned(added, gone)


def dropped(standing: Iterable[ReturnVisit]) -> Iterator[ReturnVisit]:
    """The work begins anew: what was only planned is cancelled, and what fell due bars nothing any more."""
    for visit in standing:
        if visit.state is VisitState.PLANNED:
            yield visit.move(VisitAct.CANCEL)
        elif visit.is_open and visit.mandatory:
            yield replace(visit, mandatory=False)
