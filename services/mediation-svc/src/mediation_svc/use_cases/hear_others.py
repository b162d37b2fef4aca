"""What other services state of a referral. Each fact writes its own fields, so any order gives one outcome; a fact
that comes too late for the case's state is noted and moves nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from chassis.timers import Timer

from mediation_svc.domain.case import MediationCase
from mediation_svc.domain.consenting import NOT_YET_ACCEPTED
from mediation_svc.domain.ending import deem_failed, end_with_referral, reopen_with_watch
from mediation_svc.domain.facts import DeadlineBreached, Fact, ReferralHalted
from mediation_svc.domain.halts import Halt
from mediation_svc.domain.limits import Clock
from mediation_svc.domain.performing import run_out, see_at_visit
from mediation_svc.store.work import MediationWork
from mediation_svc.use_cases.clocks import (
    hold_response_clocks,
    meet_response_clocks,
    running,
    start_accept_or_decline,
    tell,
)

MEDIATION = "mediation"


def hear_contact(referral_id: UUID, *, hop: int, contacted_at: datetime, work: MediationWork) -> None:
    work.mirrors.put(referral_id, work.mirror(referral_id).touched())
    start_accept_or_decline(referral_id, hop=hop, contacted_at=contacted_at, work=work)


def set_block(referral_id: UUID, *, event_id: UUID, seq: int, code: str, at: datetime, work: MediationWork) -> None:
    work.mirrors.put(referral_id, work.mirror(referral_id).touched())
    work.put_halt(Halt(referral_id, "intake", seq, code, at))
    work.state(referral_id, ReferralHalted(event_id, at))
    hold_response_clocks(referral_id, work)


def lift_blocks(referral_id: UUID, seqs: Sequence[int], work: MediationWork) -> None:
    for halt in work.standing_halts(referral_id):
        if halt.producer == "intake" and halt.seq in seqs:
            work.put_halt(replace(halt, is_lifted=True))
    hold_response_clocks(referral_id, work)


def hear_end(referral_id: UUID, end: str, work: MediationWork) -> None:
    """Ended before acceptance the case ends with it; one that was accepted is ended by its committee alone."""
    work.mirrors.put(referral_id, work.mirror(referral_id).ended_as(end))
    case = work.cases.find(referral_id)
    if case is None or case.state in NOT_YET_ACCEPTED:
        meet_response_clocks(referral_id, work)
    if case is not None:
        work.cases.put(referral_id, end_with_referral(case))


def hear_dispatch(referral_id: UUID, office_code: str, *, hop: int, at: datetime, work: MediationWork) -> None:
    """The next office begins anew: what the last one owed is owed no more, unless the case is under way."""
    mirror = work.mirror(referral_id)
    work.mirrors.put(referral_id, mirror.dispatched(office_code, hop=hop, at=at))
    if not mirror.has_people:
        return
    case = work.cases.find(referral_id)
    if case is None or case.state in NOT_YET_ACCEPTED:
        for timer in work.clocks_of(referral_id):
            if timer.clock == Clock.ACCEPT_OR_DECLINE and timer.key != str(hop):
                work.cancel(referral_id, timer.clock, timer.key)


def hear_reopening(referral_id: UUID, *, cycle: int, target: str, reason: str, work: MediationWork) -> None:
    """For triage nothing moves here: its hand-over will."""
    work.mirrors.put(referral_id, work.mirror(referral_id).reopened(cycle=cycle))
    case = work.cases.find(referral_id)
    if case is None:
        return
    if target != MEDIATION:
        work.cases.put(referral_id, replace(case, watch_cycle=max(case.watch_cycle, cycle)))
        return
    reopened, fact = reopen_with_watch(case, reason, watch_cycle=cycle)
    _put(reopened, fact, work)


def hear_closing(referral_id: UUID, *, cycle: int, at: datetime, work: MediationWork) -> None:
    work.mirrors.put(referral_id, work.mirror(referral_id).closed(cycle=cycle, at=at))


def hear_visit(
    referral_id: UUID, seen: Sequence[tuple[UUID, str]], *, visited_at: datetime, work: MediationWork
) -> None:
    case = work.cases.find(referral_id)
    if case is None:
        return
    for obligation_id, state in seen:
        case = see_at_visit(case, obligation_id, state, visited_at=visited_at)
    work.cases.put(referral_id, case)


def flag(referral_id: UUID, code: str, work: MediationWork) -> None:
    work.mirrors.put(referral_id, work.mirror(referral_id).flagged(code))


def unflag(referral_id: UUID, code: str, work: MediationWork) -> None:
    work.mirrors.put(referral_id, work.mirror(referral_id).unflagged(code))


def hear_clock(timer: Timer, work: MediationWork) -> None:
    """A clock has run out. A silent one says nothing: the confirmation window ends by itself."""
    if timer.silent:
        return
    work.state(timer.referral_id, DeadlineBreached(running(timer)))
    case = work.cases.find(timer.referral_id)
    if case is None or timer.ended_at is not None:
        return
    if timer.clock == Clock.PERFORMANCE:
        overdue, breach = run_out(case, UUID(timer.key), at=work.now)
        _put(overdue, breach, work)
        return
    late = replace(case, overdue_clocks=tuple(sorted({*case.overdue_clocks, timer.clock})))
    failed, end = deem_failed(late, at=work.now) if timer.clock == Clock.MEDICAL_LIMIT else (late, None)
    _put(failed, end, work)


def _put(case: MediationCase, fact: Fact | None, work: MediationWork) -> None:
    work.cases.put(case.referral_id, tell(case, (fact,) if fact else (), work))
