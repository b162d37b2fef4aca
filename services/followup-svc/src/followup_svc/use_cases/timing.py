"""What happens when one of followup's own clocks runs out, or is moved by another calendar."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from chassis.timers import Timer
from referral_schemas.followup import DeadlineBreached

from followup_svc.domain.visit import ReturnVisit, VisitAct
from followup_svc.store.work import FollowupWork
from followup_svc.use_cases.clocks import (
    CLOSING,
    ESCALATION,
    NEXT_TRY,
    SUPERVISION,
    VISIT,
    VISIT_DUE,
    start,
    tell_set,
)
from followup_svc.use_cases.planning import move_visits
from followup_svc.use_cases.pressing import escalate_reminder, remind


def on_timer(timer: Timer, work: FollowupWork) -> None:
    _ON[timer.clock](timer, work)


def on_moved(moved: Sequence[Timer], work: FollowupWork) -> None:
    """Another calendar: limits are said anew, and visits fall due when their clocks do."""
    referral_id = moved[0].referral_id
    tell_set(work, referral_id, moved)
    move_visits(work, referral_id, [(_visit(one, work), one.due_at) for one in moved if one.clock == VISIT_DUE])


def _fall_due(timer: Timer, work: FollowupWork) -> None:
    """From now on somebody must make it, within the limit of the plan."""
    visit = _visit(timer, work)
    if VisitAct.FALL_DUE not in visit.allowed():
        return
    work.visits.put(visit.move(VisitAct.FALL_DUE))
    plan = work.rules.plan
    limit = start(
        work, timer.referral_id, VISIT, plan.recorded_within, rule=plan.version, key=timer.key, since=work.now
    )
    tell_set(work, timer.referral_id, [limit])


def _try_again(timer: Timer, work: FollowupWork) -> None:
    visit = _visit(timer, work)
    if VisitAct.TRY_AGAIN in visit.allowed():
        work.visits.put(visit.move(VisitAct.TRY_AGAIN))


def _breach(timer: Timer, work: FollowupWork) -> None:
    """The own breach needs no way over a topic to become a reminder."""
    breach = work.record(
        timer.referral_id,
        DeadlineBreached(
            clock=timer.clock, key=timer.key or None, due_at=timer.due_at, rule=timer.rule, calendar=timer.calendar
        ),
    )
    if timer.ended_at is None:  # else it was met, though too late
        remind(
            work, timer.referral_id, "followup", clock=timer.clock, key=timer.key, due_at=timer.due_at, breach=breach
        )


def _escalate(timer: Timer, work: FollowupWork) -> None:
    escalate_reminder(work, timer.referral_id, timer.key)


def _visit(timer: Timer, work: FollowupWork) -> ReturnVisit:
    visit = work.visits.find(timer.referral_id, UUID(timer.key))
    assert visit is not None, "a visit's clock without its visit"
    return visit


_ON: Mapping[str, Callable[[Timer, FollowupWork], None]] = {
    VISIT_DUE: _fall_due,
    NEXT_TRY: _try_again,
    VISIT: _breach,
    SUPERVISION: _breach,
    CLOSING: _breach,
    ESCALATION: _escalate,
}
