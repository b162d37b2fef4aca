"""The clocks of mediation (CONTRACTS §4): which facts start, meet and drop them, and what is said of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from chassis.timers import Timer

from mediation_svc.domain import facts
from mediation_svc.domain.agreement import Obligation
from mediation_svc.domain.case import MediationCase
from mediation_svc.domain.facts import ClockMet, DeadlineMet, DeadlineSet, Fact, RunningClock
from mediation_svc.domain.limits import LIMITS_OF_THE_LAW, RESPONSE_CLOCKS, Clock
from mediation_svc.domain.reasons import Why
from mediation_svc.store.work import MediationWork

HALTED = "halted"


@dataclass
class Heard:
    """What one act did to the clocks, told in one event of each kind: an act states a type once."""

    met: list[ClockMet] = field(default_factory=list)
    started: list[RunningClock] = field(default_factory=list)

    def state(self, referral_id: UUID, work: MediationWork) -> None:
        if self.met:
            work.state(referral_id, DeadlineMet(tuple(self.met)))
        if self.started:
            work.state(referral_id, DeadlineSet(tuple(self.started)))


def running(timer: Timer) -> RunningClock:
    return RunningClock(timer.clock, timer.key, timer.due_at, timer.rule, timer.calendar)


def tell(case: MediationCase, stated: tuple[Fact, ...], work: MediationWork) -> MediationCase:
    """The facts go out in their order, then what they did to the clocks. Returns the case as its clocks leave it."""
    heard = Heard()
    for fact in stated:
        work.state(case.referral_id, _follow(case, fact, heard, work))
    heard.state(case.referral_id, work)
    met = {one.clock for one in heard.met}
    return replace(case, overdue_clocks=tuple(clock for clock in case.overdue_clocks if clock not in met))


def _follow(case: MediationCase, fact: Fact, heard: Heard, work: MediationWork) -> Fact:
    """The fact as it goes out: an acceptance carries the limit that it starts."""
    match fact:
        case facts.CaseAccepted():
            meet(case, (Clock.ACCEPT_OR_DECLINE,), heard, work)
            return replace(fact, clocks=(running(_start_limit(case, work)),))
        case facts.AgreementEffective(effective_at=at, agreement_no=number, obligations=owed):
            meet(case, LIMITS_OF_THE_LAW, heard, work, at=at)
            heard.started += _start_performance(case, owed, number, at, work)
        case facts.ObligationPerformed(obligation_id=obligation_id, performed_at=at):
            meet_one(case.referral_id, Clock.PERFORMANCE, str(obligation_id), heard, work, at=at)
        case facts.BreachTold():
            drop(case.referral_id, (Clock.PERFORMANCE,), work)
        case facts.CaseTerminated():
            meet(case, (Clock.ACCEPT_OR_DECLINE, *LIMITS_OF_THE_LAW), heard, work)
        case facts.CaseReopened() | facts.CaseOpened():
            drop(case.referral_id, (*LIMITS_OF_THE_LAW, Clock.PERFORMANCE, Clock.CONFIRMATION_WINDOW), work)
        case facts.CaseSuspended(reason=reason):
            pauses = work.rules.reasons.find(Why.SUSPEND, reason).pauses
            work.pause(case.referral_id, reason, clocks=pauses)
        case facts.CaseResumed():
            _go_on(case.referral_id, work)
    return fact


def tell_moved(moved: Sequence[Timer], work: MediationWork) -> None:
    """Another calendar: those of one referral that others watch, said anew."""
    if told := tuple(running(timer) for timer in moved if not timer.silent):
        work.state(moved[0].referral_id, DeadlineSet(told))


def start_accept_or_decline(referral_id: UUID, *, hop: int, contacted_at: datetime, work: MediationWork) -> None:
    """From the first contact, before there is a case: the committee may not let the office wait."""
    limits = work.rules.limits
    timer = work.start_clock(
        referral_id,
        Clock.ACCEPT_OR_DECLINE,
        limits.spans[Clock.ACCEPT_OR_DECLINE],
        rule=limits.rule,
        key=str(hop),
        start=contacted_at,
    )
    work.state(referral_id, DeadlineSet((running(timer),)))
    hold_response_clocks(referral_id, work)


def hold_response_clocks(referral_id: UUID, work: MediationWork) -> None:
    """Halted: nobody may act, so nobody is late. Limits of the law run on."""
    if work.standing_halts(referral_id):
        work.pause(referral_id, HALTED, clocks=RESPONSE_CLOCKS)
    else:
        work.resume(referral_id, HALTED)


def meet_response_clocks(referral_id: UUID, work: MediationWork) -> None:
    """Ended by triage: declined, before anybody accepted."""
    heard = Heard()
    for timer in _open(referral_id, RESPONSE_CLOCKS, work):
        meet_one(referral_id, timer.clock, timer.key, heard, work)
    heard.state(referral_id, work)


def extend_limit(case: MediationCase, days: int, work: MediationWork) -> None:
    """Counted from the end of the limit that it extends; a new clock, so that the old one shows what it was."""
    for timer in _open(case.referral_id, LIMITS_OF_THE_LAW, work):
        work.cancel(timer.referral_id, timer.clock, timer.key)
        unit = "wd" if timer.clock == Clock.MEDICAL_LIMIT else "d"
        key = f"{case.cycle}+{case.extensions}"
        longer = work.start_clock(
            case.referral_id, timer.clock, f"{days}{unit}", rule=timer.rule, key=key, start=timer.due_at
        )
        work.state(case.referral_id, DeadlineSet((running(longer),)))


def meet(
    case: MediationCase, clocks: tuple[Clock, ...], heard: Heard, work: MediationWork, *, at: datetime | None = None
) -> None:
    for timer in _open(case.referral_id, clocks, work):
        meet_one(case.referral_id, timer.clock, timer.key, heard, work, at=at)


def meet_one(
    referral_id: UUID, clock: str, key: str, heard: Heard, work: MediationWork, *, at: datetime | None = None
) -> None:
    if (timer := work.meet(referral_id, clock, key, at=at)) is not None:
        heard.met.append(ClockMet(clock, key, timer.ended_at or work.now))


def drop(referral_id: UUID, clocks: tuple[Clock, ...], work: MediationWork) -> None:
    for timer in _open(referral_id, clocks, work):
        work.cancel(referral_id, timer.clock, timer.key)


def _start_limit(case: MediationCase, work: MediationWork) -> Timer:
    limits = work.rules.limits
    clock = limits.limit_of(work.around(case.referral_id).category)
    return work.start_clock(
        case.referral_id, clock, limits.spans[clock], rule=limits.rule, key=str(case.cycle), start=case.accepted_at
    )


def _start_performance(
    case: MediationCase, owed: tuple[Obligation, ...], agreement_no: str, at: datetime, work: MediationWork
) -> list[RunningClock]:
    """Each obligation's own day. The confirmation window is silent: nobody must ask the court."""
    limits = work.rules.limits
    work.start_clock(
        case.referral_id,
        Clock.CONFIRMATION_WINDOW,
        limits.spans[Clock.CONFIRMATION_WINDOW],
        rule=limits.rule,
        key=agreement_no,
        start=at,
        silent=True,
    )
    return [
        running(
            work.start_clock(
                case.referral_id,
                Clock.PERFORMANCE,
                one.due_on,
                rule=agreement_no,
                key=str(one.obligation_id),
                start=at,
            )
        )
        for one in owed
        if one.due_on is not None
    ]


def _go_on(referral_id: UUID, work: MediationWork) -> None:
    for reason in {
        pause.reason for timer in work.clocks_of(referral_id) for pause in timer.pauses if pause.until is None
    } - {HALTED}:
        work.resume(referral_id, reason)


def _open(referral_id: UUID, clocks: tuple[Clock, ...], work: MediationWork) -> list[Timer]:
    return [timer for timer in work.clocks_of(referral_id) if timer.clock in clocks and timer.is_open]
