"""Closing: asked of the producers first, judged in one transaction, judged again by the database as it commits."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from referral_schemas.followup import ReferralClosed

from followup_svc.domain.closing import ClosingRequest, ClosingState
from followup_svc.domain.errors import ActRefused, ClosingRefused
from followup_svc.domain.gate import PRODUCERS, Arrivals, Course, broken_rules, closing_outcome, held_up, waited_for
from followup_svc.domain.milestone import Milestone
from followup_svc.domain.obstacles import Obstacle
from followup_svc.domain.partner import Step
from followup_svc.domain.watch import Watch, WatchAct, WatchState
from followup_svc.store.work import FollowupWork
from followup_svc.use_cases.anchoring import expect_milestone
from followup_svc.use_cases.clocks import CLOSING
from followup_svc.use_cases.planning import stop_clocks
from followup_svc.use_cases.pressing import meet_own
from followup_svc.use_cases.telling import tell


@dataclass(frozen=True, slots=True)
class CloseWatch:
    """`outcome` is what the person believes; it must be what is known."""

    by: str
    outcome: str | None


def close_watch(command: CloseWatch, work: FollowupWork, watch: Watch, *, command_id: UUID) -> list[Obstacle]:
    """Nothing: it is closed. Else what the closing waits for. Raises ClosingRefused, TransitionRefused."""
    _demand_agreed_outcome(command, work, watch)
    broken, waiting = judge(work, watch)
    if broken:
        raise ClosingRefused(broken)
    if waiting:
        request = ClosingRequest(watch.referral_id, watch.cycle, command_id, command.by, work.now, work.now)
        work.requests.put(watch.referral_id, request.put_off(waiting, now=work.now, retry=_retry(work)))
        return waiting
    close(work, watch)
    return []


def try_again(work: FollowupWork, referral_id: UUID) -> ClosingState | None:
    """For the worker: what became of a closing that waits; None where none does."""
    request, watch = work.requests.find(referral_id), work.watches.find(referral_id)
    if request is None or watch is None or request.state is not ClosingState.WAITING:
        return None
    if watch.state is WatchState.CLOSED or watch.cycle != request.cycle:
        return _end(work, request, ClosingState.OVERTAKEN, [])
    broken, waiting = judge(work, watch)
    if broken:
        return _end(work, request, ClosingState.REFUSED, broken)
    if waiting:
        work.requests.put(referral_id, request.put_off(waiting, now=work.now, retry=_retry(work)))
        return ClosingState.WAITING
    work.begin_command(request.command_id)
    close(work, watch)
    return ClosingState.DONE


def judge(work: FollowupWork, watch: Watch) -> tuple[list[Obstacle], list[Obstacle]]:
    """What bars the closing, and what it must wait for."""
    arrivals = work.arrivals
    if arrivals is None:
        raise LookupError("a closing is judged in a unit of work that has asked the producers")
    if watch.state is WatchState.CLOSED:
        watch.move(WatchAct.CLOSE)  # raises: says what is allowed instead
    broken = broken_rules(course_of(work, watch), now=work.now) + held_up(arrivals)
    return broken, waited_for(arrivals, now=work.now)


def course_of(work: FollowupWork, watch: Watch) -> Course:
    referral_id = watch.referral_id
    return Course(
        watch,
        work.noted_of(referral_id).grade,
        work.visits_of_cycle(watch),
        work.obligations.of(referral_id),
        work.milestones.of(referral_id),
        work.is_halted(referral_id),
    )


def close(work: FollowupWork, watch: Watch) -> None:
    """The gate has been passed; the cause is the command that asked for it, however long ago."""
    arrivals = work.arrivals
    assert arrivals is not None
    outcome = closing_outcome(watch, work.obligations.of(watch.referral_id))
    work.watches.put(watch.referral_id, watch.closed(outcome, at=work.now))
    for visit in work.visits.of(watch.referral_id):
        stop_clocks(work, visit)
    meet_own(work, watch.referral_id, CLOSING, [""])
    request = work.requests.find(watch.referral_id)
    if request is not None:
        work.requests.put(watch.referral_id, request.ended(ClosingState.DONE))
    fact = work.record(
        watch.referral_id,
        ReferralClosed(cycle=watch.cycle, outcome=outcome, closed_at=work.now, positions=_positions(arrivals)),
    )
    expect_milestone(work, watch.referral_id, Milestone.CLOSED, fact_id=fact)
    tell(work, watch.referral_id, Step.CLOSED, at=work.now)


def _positions(arrivals: Arrivals) -> dict[str, int]:
    return {name: arrivals.reached[name].last if name in arrivals.reached else 0 for name in PRODUCERS}


def _end(
    work: FollowupWork, request: ClosingRequest, state: ClosingState, obstacles: Collection[Obstacle]
) -> ClosingState:
    work.requests.put(request.referral_id, request.ended(state, tuple(obstacles)))
    return state


def _retry(work: FollowupWork) -> timedelta:
    return timedelta(seconds=work.rules.conduct.retry_seconds)


def _demand_agreed_outcome(command: CloseWatch, work: FollowupWork, watch: Watch) -> None:
    if command.outcome is None or watch.outcome is None or watch.state is WatchState.CLOSED:
        return
    known = closing_outcome(watch, work.obligations.of(watch.referral_id))
    if command.outcome != known:
        raise ActRefused(
            "outcome_contradicts",
            f"所填结果与已知结果不符：现为 {known}。",
            f"The outcome given is not the one that is known: {known}.",
            "CONTRACTS §9",
        )
