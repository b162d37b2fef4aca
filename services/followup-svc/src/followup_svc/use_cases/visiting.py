"""What people do about a return visit: make it, miss it, have it made by a neighbourhood worker, waive it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from referral_schemas.followup import (
    PerformanceSeen,
    PerformanceState,
    VisitOutcome,
    VisitRecorded,
    VisitWaived,
)
from referral_schemas.vocabulary import Grade

from followup_svc.domain.errors import ActRefused
from followup_svc.domain.grade import GRAVITY, graver
from followup_svc.domain.plan import extension
from followup_svc.domain.visit import Outcome, ReturnVisit, VisitReport, Waiver
from followup_svc.domain.watch import Watch, WatchState
from followup_svc.store.work import FollowupWork
from followup_svc.use_cases.clocks import NEXT_TRY, VISIT, VISIT_DUE, start
from followup_svc.use_cases.planning import add_visits, state_plan, time_closing
from followup_svc.use_cases.pressing import escalate, meet_own


@dataclass(frozen=True, slots=True)
class RecordVisit:
    visited_at: datetime
    channel: str
    outcome: str
    by: str
    satisfaction: int | None
    proposed_grade: str | None
    reached: tuple[UUID, ...]
    performance: tuple[tuple[UUID, str], ...]
    note: str | None

    def report(self, note_id: UUID | None) -> VisitReport:
        return VisitReport(
            self.visited_at, self.channel, self.outcome, self.by, self.satisfaction, self.proposed_grade,
            self.reached, self.performance, note_id=note_id,
        )  # fmt: skip


def record_visit(command: RecordVisit, work: FollowupWork, watch: Watch, visit: ReturnVisit) -> ReturnVisit:
    demand_not_halted(work, watch)
    _demand_round(watch, visit)
    _demand_past(command, work, visit)
    done = visit.recorded(command.report(work.keep_text("visit_note", command.note)))
    return _recorded(work, watch, done)


def record_by_neighbour_worker(
    command: RecordVisit, work: FollowupWork, watch: Watch, visit: ReturnVisit
) -> ReturnVisit:
    demand_not_halted(work, watch)
    _demand_round(watch, visit)
    _demand_past(command, work, visit)
    report = command.report(work.keep_text("visit_note", command.note))
    return _recorded(work, watch, visit.recorded_by_neighbour_worker(report, needs_tries=work.rules.plan.tries))


def miss_visit(work: FollowupWork, watch: Watch, visit: ReturnVisit, *, note: str | None) -> ReturnVisit:
    """Nobody was reached. The next try is timed until every one has failed; then another way is open."""
    demand_not_halted(work, watch)
    _demand_round(watch, visit)
    missed = visit.missed()
    work.visits.put(missed)
    work.keep_text("visit_try", note)
    plan = work.rules.plan
    if missed.tries < plan.tries:
        start(work, watch.referral_id, NEXT_TRY, plan.next_try_after, rule=plan.version, key=str(visit.visit_id))
    return missed


def waive_visit(
    work: FollowupWork, watch: Watch, visit: ReturnVisit, *, reason: str, by: str, note: str | None
) -> ReturnVisit:
    _demand_round(watch, visit)
    needed = work.rules.conduct.tries_needed(reason, work.rules.plan.tries)
    waived = visit.waived(Waiver(reason, by, work.keep_text("waiver_note", note)), needs_tries=needed)
    work.visits.put(waived)
    _stop(work, waived)
    work.record(watch.referral_id, VisitWaived(visit_id=visit.visit_id, reason=reason, by=by))
    meet_own(work, watch.referral_id, VISIT, [str(visit.visit_id)])
    time_closing(work, watch.referral_id)
    return waived


def _recorded(work: FollowupWork, watch: Watch, done: ReturnVisit) -> ReturnVisit:
    report = done.report
    assert report is not None
    work.visits.put(done)
    _stop(work, done)
    work.record(watch.referral_id, _fact(done.visit_id, report))
    meet_own(work, watch.referral_id, VISIT, [str(done.visit_id)])
    _propose(work, watch, report.proposed_grade)
    _follow(work, watch, done, Outcome(report.outcome))
    time_closing(work, watch.referral_id)
    return done


def _propose(work: FollowupWork, watch: Watch, grade: str | None) -> None:
    """A graver grade counts for the gate at once: triage may need a moment to answer, and nothing closes meanwhile."""
    present = graver(work.noted_of(watch.referral_id).grade, watch.proposed_grade)
    if grade is not None and (present is None or GRAVITY.index(grade) > GRAVITY.index(present)):
        work.watches.put(watch.referral_id, work.watches.get(watch.referral_id).proposing(grade))


def _follow(work: FollowupWork, watch: Watch, done: ReturnVisit, outcome: Outcome) -> None:
    """Settled: nothing more. Otherwise one more visit is owed, and where the visitor cannot help it goes up a level."""
    if outcome is Outcome.SETTLED:
        return
    wanted = extension(done, work.rules.plan, now=work.now, calendar=work.calendar)
    add_visits(work, work.watches.get(watch.referral_id), [wanted])
    state_plan(work, work.watches.get(watch.referral_id), reason=f"visit_{outcome.value}")
    present = work.watches.get(watch.referral_id)
    if outcome is not Outcome.CONTINUES and present.escalation < work.rules.conduct.top_level:
        escalate(work, present, reason=f"visit_{outcome.value}")


def _fact(visit_id: UUID, report: VisitReport) -> VisitRecorded:
    return VisitRecorded(
        visit_id=visit_id,
        visited_at=report.visited_at,
        channel=report.channel,
        reached=report.reached,
        performance=tuple(
            PerformanceSeen(obligation_id=obligation_id, state=PerformanceState(state))
            for obligation_id, state in report.performance
        ),
        satisfaction=report.satisfaction,
        proposed_grade=Grade(report.proposed_grade) if report.proposed_grade else None,
        outcome=VisitOutcome(report.outcome),
    )


def _stop(work: FollowupWork, visit: ReturnVisit) -> None:
    for clock in (VISIT_DUE, NEXT_TRY):
        work.cancel(visit.referral_id, clock, str(visit.visit_id))


def demand_not_halted(work: FollowupWork, watch: Watch) -> None:
    if work.is_halted(watch.referral_id):
        raise ActRefused(
            "halted",
            "该分流单已被中止：在解除前不得联系、回访或结案。",
            "The referral is halted: no contact, visit or closing until the block is lifted.",
            "CONTRACTS §3; DOMAIN §1.8",
        )


def _demand_round(watch: Watch, visit: ReturnVisit) -> None:
    """What was left open when its round ended is history: it bars nothing, and nothing follows from it."""
    if watch.state is WatchState.CLOSED or visit.cycle != watch.cycle:
        raise ActRefused(
            "round_over",
            "该回访所属的一轮跟踪已结束。",
            "The round that this visit belongs to is over.",
            "CONTRACTS §3",
        )


def _demand_past(command: RecordVisit, work: FollowupWork, visit: ReturnVisit) -> None:
    if command.visited_at > work.now:
        raise ActRefused(
            "visited_in_future",
            "回访时间不能晚于现在。",
            "A visit cannot be recorded before it is made.",
            "DOMAIN §4.5",
        )
