"""The clocks of triage (CONTRACTS §4): which run, which are met, which stand still while nobody may or need act."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from chassis.timers import Timer, TimerState

from triage_svc.domain.facts import ClockMet, DeadlineMet, DeadlineSet, RunningClock
from triage_svc.domain.referral import Referral
from triage_svc.domain.states import Clock, State
from triage_svc.store.work import TriageWork

OF_OFFICE = (Clock.SIGN_FOR, Clock.FIRST_CONTACT, Clock.SETTLE)
OF_DISTRICT = (Clock.DISPATCH, Clock.RETURN_ANSWER)
HALTED, ASKED_BACK = "halted", "return_requested"


def keep(referral: Referral, work: TriageWork) -> Referral:
    """Every change of a referral ends here: its clocks stand still or run, as its state and halts have it."""
    work.referrals.put(referral.referral_id, referral)
    _hold(referral, HALTED, (*OF_OFFICE, *OF_DISTRICT), work, is_so=bool(work.standing_halts(referral.referral_id)))
    _hold(referral, ASKED_BACK, OF_OFFICE, work, is_so=referral.state is State.RETURN_REQUESTED)
    return referral


def start_office_clocks(sent: Referral, work: TriageWork) -> tuple[RunningClock, ...]:
    """Anew at each dispatch. They travel in referral_dispatched and are not stated twice."""
    return tuple(_running(_start(sent, clock, str(sent.hop), work)) for clock in OF_OFFICE)


def wait_for_dispatcher(waiting: Referral, work: TriageWork) -> Referral:
    """Only what waits for a person has this clock: the machine's own way takes no time worth a limit."""
    number = 1
    while work.find_clock(waiting.referral_id, Clock.DISPATCH, str(number)) is not None:
        number += 1
    _state_set(waiting, _start(waiting, Clock.DISPATCH, str(number), work), work)
    return waiting


def wait_for_answer(asked: Referral, work: TriageWork) -> Referral:
    _state_set(asked, _start(asked, Clock.RETURN_ANSWER, str(asked.returned.count), work), work)
    return asked


def hasten_clocks(raised: Referral, work: TriageWork) -> None:
    """A graver dispute leaves its office less time: the graver limits run from now on, where they end sooner."""
    standing = [timer for clock in OF_OFFICE for timer in _present(raised, clock, work)]
    sooner = [timer for timer in (_sooner(raised, timer, work) for timer in standing) if timer is not None]
    if sooner:
        work.state(raised.referral_id, DeadlineSet(tuple(map(_running, sooner))))


def tell_moved(moved: Sequence[Timer], work: TriageWork) -> None:
    """Another calendar: those of one referral, said anew."""
    work.state(moved[0].referral_id, DeadlineSet(tuple(map(_running, moved))))


def finish_clocks(
    referral: Referral, work: TriageWork, *clocks: Clock, drop_others: bool = False, at: datetime | None = None
) -> Referral:
    """Those named are met where they run or ran out; with `drop_others` the rest of them no longer matters."""
    met = [timer for clock in clocks for timer in _present(referral, clock, work)]
    others = [clock for clock in (*OF_OFFICE, *OF_DISTRICT) if clock not in clocks] if drop_others else []
    for timer in met:
        work.meet(timer.referral_id, timer.clock, timer.key, at=at)
    for timer in (timer for clock in others for timer in _present(referral, clock, work)):
        work.cancel(timer.referral_id, timer.clock, timer.key)
    if met:
        told = tuple(ClockMet(timer.clock, timer.key, at or work.now) for timer in met)
        work.state(referral.referral_id, DeadlineMet(told))
    return replace(referral, overdue=referral.overdue - {*clocks, *others})


def meet_target(referral: Referral, at: datetime, work: TriageWork) -> Referral:
    """The settling target that ran at that instant, also where a later dispatch has cancelled it meanwhile: which of
    the two was heard of first makes no difference."""
    targets = (work.find_clock(referral.referral_id, Clock.SETTLE, str(hop)) for hop in range(1, referral.hop + 1))
    running = [timer for timer in targets if timer is not None and timer.started_at <= at]
    if not running:
        return referral
    timer = running[-1]
    if timer.state is TimerState.CANCELLED:
        work.put_timer(timer._replace(state=TimerState.MET, ended_at=at))
    elif work.meet(timer.referral_id, timer.clock, timer.key, at=at) is None:
        return referral
    work.state(referral.referral_id, DeadlineMet((ClockMet(timer.clock, timer.key, at),)))
    is_present = timer.key == str(referral.hop)
    return replace(referral, overdue=referral.overdue - {Clock.SETTLE}) if is_present else referral


def _present(referral: Referral, clock: Clock, work: TriageWork) -> list[Timer]:
    """The clock as it stands for this hop or this request; nothing where it is over."""
    timer = work.find_clock(referral.referral_id, clock, _key(referral, clock, work))
    return [timer] if timer is not None and timer.is_open and timer.ended_at is None else []


def _key(referral: Referral, clock: Clock, work: TriageWork) -> str:
    if clock is Clock.RETURN_ANSWER:
        return str(referral.returned.count)
    if clock in OF_OFFICE:
        return str(referral.hop)
    number = 1
    while work.find_clock(referral.referral_id, clock, str(number + 1)) is not None:
        number += 1
    return str(number)


def _start(referral: Referral, clock: Clock, key: str, work: TriageWork) -> Timer:
    """All that start in one transaction start at one instant: a span is counted once for a whole batch."""
    limits, verdict = work.rules.limits, referral.verdict
    span = limits.span(clock, grade=verdict.grade, category=verdict.category)
    counted = work.counted.get((clock, span))
    if counted is None:
        counted = work.start_clock(referral.referral_id, clock, span, rule=limits.rule, key=key)
        work.counted[clock, span] = counted
    return work.put_timer(counted._replace(referral_id=referral.referral_id, key=key))


def _sooner(raised: Referral, timer: Timer, work: TriageWork) -> Timer | None:
    """One that stands still has not used up its time: it is set anew whenever its limit is another."""
    if timer.state is not TimerState.PAUSED and timer.due_at <= work.now:
        return None
    before, after = timer, _start(raised, Clock(timer.clock), timer.key, work)
    if after.span != before.span and (before.state is TimerState.PAUSED or after.due_at < before.due_at):
        return after
    work.put_timer(before)
    return None


def _hold(referral: Referral, reason: str, clocks: tuple[Clock, ...], work: TriageWork, *, is_so: bool) -> None:
    if is_so:
        work.pause(referral.referral_id, reason, clocks=clocks)
    else:
        work.resume(referral.referral_id, reason)


def _state_set(referral: Referral, timer: Timer, work: TriageWork) -> None:
    work.state(referral.referral_id, DeadlineSet((_running(timer),)))


def _running(timer: Timer) -> RunningClock:
    return RunningClock(timer.clock, timer.key, timer.due_at, timer.rule, timer.calendar)
