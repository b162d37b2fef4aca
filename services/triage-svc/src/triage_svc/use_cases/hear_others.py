"""What the other services state of a referral. Each fact writes its own fields, so any order gives one outcome."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from triage_svc.domain.facts import DeadlineBreached, RunningClock
from triage_svc.domain.grading import Grading
from triage_svc.domain.referral import Counters, Referral
from triage_svc.domain.states import ENDED
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.clocks import keep, meet_target
from triage_svc.use_cases.dispatch_referral import send_again
from triage_svc.use_cases.grade_referral import raise_grade


def hear_call(referral_id: UUID, counters: Counters, narrative: str | None, work: TriageWork) -> None:
    """A further call raises the grade by what it says and by being one more of the same dispute (DOMAIN §4.3)."""
    referral = work.referrals.get(referral_id).count(counters)
    said = work.rules.grades.grade(work.rules.vocabulary.read(narrative or ""), referral.verdict.category)
    by_count = work.rules.grades.grade_of_calls(counters.repeats, said)
    grade = work.rules.grades.graver(said.grade, by_count.grade) if by_count else said.grade
    evidence = {"repeats": counters.repeats, "rule": by_count.code if by_count else None, "factors": _factors(said)}
    keep(raise_grade(referral, grade, cause="calls", evidence=evidence, work=work), work)


def hear_visit(referral_id: UUID, visit_id: UUID, at: datetime, proposed: str | None, work: TriageWork) -> None:
    referral = work.referrals.get(referral_id)
    told = replace(referral.told, visited_at=_later(referral.told.visited_at, at))
    visited = replace(referral, told=told)
    if proposed is not None:
        evidence = {"visit_id": str(visit_id)}
        visited = raise_grade(visited, proposed, cause="visit", evidence=evidence, work=work)
    keep(visited, work)


def hear_correction(referral_id: UUID, work: TriageWork) -> None:
    referral = work.referrals.get(referral_id)
    keep(replace(referral, told=replace(referral.told, corrections=referral.told.corrections + 1)), work)


def hear_withdrawal(referral_id: UUID, work: TriageWork) -> None:
    """Never ends anything by itself: the office asks the parties."""
    referral = work.referrals.get(referral_id)
    keep(replace(referral, told=replace(referral.told, withdrawn_at=work.stated_at)), work)


def hear_police_decision(referral_id: UUID, decision: str, work: TriageWork) -> None:
    """What the police do with what came back. Referring again is a fact of its own and moves the state."""
    referral = work.referrals.get(referral_id)
    keep(replace(referral, told=replace(referral.told, police_decision=decision)), work)


def refer_again(referral_id: UUID, work: TriageWork) -> None:
    """Where it is under way already, a reopening was quicker: there is nothing to send again."""
    referral = work.referrals.get(referral_id)
    keep(_set_going(referral, "referred_again", work), work)


def reopen(referral_id: UUID, cycle: int, target: str, work: TriageWork) -> None:
    """For triage it goes to its office again; for mediation the case is taken up there and nothing moves here."""
    referral = work.referrals.get(referral_id).begin_cycle(cycle)
    keep(_set_going(referral, "reopened", work) if target == "triage" else referral, work)


def close(referral_id: UUID, outcome: str, at: datetime, work: TriageWork) -> None:
    keep(work.referrals.get(referral_id).close(outcome, at=at), work)


def settle(referral_id: UUID, at: datetime, work: TriageWork) -> None:
    """By the agreement's effect or by an end, at mediation: it meets the target of the dispatch that it belongs to."""
    keep(meet_target(work.referrals.get(referral_id), at, work), work)


def hear_breach(referral_id: UUID, work: TriageWork) -> None:
    referral = work.referrals.get(referral_id)
    breached_at = _later(referral.told.breached_at, work.stated_at)
    keep(replace(referral, told=replace(referral.told, breached_at=breached_at)), work)


def hear_escalation(referral_id: UUID, level: int, work: TriageWork) -> None:
    referral = work.referrals.get(referral_id)
    told = replace(referral.told, escalation_level=max(level, referral.told.escalation_level))
    keep(replace(referral, told=told), work)


def hear_supervision(referral_id: UUID, work: TriageWork) -> None:
    referral = work.referrals.get(referral_id)
    supervised_at = _later(referral.told.supervised_at, work.stated_at)
    keep(replace(referral, told=replace(referral.told, supervised_at=supervised_at)), work)


def run_out(referral_id: UUID, clock: RunningClock, work: TriageWork, *, is_met: bool) -> None:
    """Stated, no more: followup alone makes something of it. What was met too late is overdue no longer."""
    referral = work.referrals.get(referral_id)
    work.state(referral_id, DeadlineBreached(clock))
    keep(referral if is_met else replace(referral, overdue=referral.overdue | {clock.clock}), work)


def _set_going(referral: Referral, reason: str, work: TriageWork) -> Referral:
    if referral.state not in ENDED or referral.awaits_dispatch:
        return referral
    return send_again(referral, reason=reason, work=work)


def _later(held: datetime | None, told: datetime) -> datetime:
    return told if held is None else max(held, told)


def _factors(said: Grading) -> list[dict[str, Any]]:
    return [{"code": one.code, "grade": one.grade, "matched": list(one.matched)} for one in said.fired]
