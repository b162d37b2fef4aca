"""The clocks of triage (CONTRACTS §4): which run, which are met, which stand still while nobody may or need act."""

from dataclasses import replace
from datetime import datetime

from chassis.timers import Timer

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
    limits, verdict = work.rules.limits, referral.verdict
    span = limits.span(clock, grade=verdict.grade, category=verdict.category)
    return work.start_clock(referral.referral_id, clock, span, rule=limits.rule, key=key)


def _hold(referral: Referral, reason: str, clocks: tuple[Clock, ...], work: TriageWork, *, is_so: bool) -> None:
    if is_so:
        work.pause(referral.referral_id, reason, clocks=clocks)
    else:
        work.resume(referral.referral_id, reason)


def _state_set(referral: Referral, timer: Timer, work: TriageWork) -> None:
    work.state(referral.referral_id, DeadlineSet((_running(timer),)))


def _running(timer: Timer) -> RunningClock:
    return RunningClock(timer.clock, timer.key, timer.due_at, timer.rule, timer.calendar)
