"""intake's clocks. What is not opened has no stream to speak in: its breach shows in the work list and as an alarm."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from chassis.timers import Timer

from intake_svc.domain.call import Call, CallState, Errand
from intake_svc.domain.facts import Deadline, DeadlineBreached, DeadlineMet, DeadlineSet
from intake_svc.store.work import IntakeWork

SCREEN, RETAINED, RETURN_ANSWER, FEEDBACK = "screen", "retained", "return_answer", "feedback"
_log = structlog.get_logger(__name__)


def start_told(work: IntakeWork, referral_id: UUID, clocks: Sequence[tuple[str, str, datetime]]) -> None:
    """Clocks of an opened referral, (clock, key, since) each; one event for all of them."""
    _tell_set([work.start(referral_id, clock, key=key, since=since) for clock, key, since in clocks], work)


def tell_moved(moved: Sequence[Timer], work: IntakeWork) -> None:
    """Another calendar: those of one referral that others watch, said anew."""
    _tell_set([timer for timer in moved if not timer.silent], work)


def meet_told(
    work: IntakeWork, referral_id: UUID, clocks: Sequence[tuple[str, str]], *, causation_id: UUID | None = None
) -> None:
    """What was waited for is done, in time or late; one event for all that ran."""
    met = [timer for clock, key in clocks if (timer := work.meet(referral_id, clock, key)) is not None]
    if met:
        fact = DeadlineMet(tuple((timer.clock, timer.key) for timer in met), work.now)
        work.tell(referral_id, fact, causation_id=causation_id)


def keep_desk_clocks(work: IntakeWork, before: Call, after: Call) -> None:
    """A call that comes to people's desks has a clock there; one that leaves them has met it. Silent: no stream yet."""
    for state, clock in ((CallState.AWAITING_SCREENER, SCREEN), (CallState.RETAINED_BY_POLICE, RETAINED)):
        waited, waits = _waits(before, state), _waits(after, state)
        if waits and not waited:
            since = before.received_at if before.state is CallState.RECEIVED else work.now
            work.start(after.referral_id, clock, since=since, silent=True)
        elif waited and not waits:
            work.meet(after.referral_id, clock)


def _waits(call: Call, state: CallState) -> bool:
    """What people have referred or linked waits for nobody but the worker."""
    return call.state is state and call.errand in (None, Errand.WARN)


def on_timer(timer: Timer, work: IntakeWork) -> None:
    call = work.call_of(timer.referral_id)
    if call is None:
        return
    if timer.silent:
        _log.error("call_overdue", call_id=str(call.call_id), clock=timer.clock, state=call.state.value)
    else:
        work.tell(timer.referral_id, DeadlineBreached(_deadline(timer)))


def _tell_set(timers: Sequence[Timer], work: IntakeWork) -> None:
    if timers:
        work.tell(timers[0].referral_id, DeadlineSet(tuple(map(_deadline, timers))))


def _deadline(timer: Timer) -> Deadline:
    return Deadline(timer.clock, timer.key, timer.due_at, timer.rule, timer.calendar)
