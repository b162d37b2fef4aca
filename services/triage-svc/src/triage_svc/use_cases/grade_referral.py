"""The grade moves: further calls and visits raise it by themselves, only a named approver lowers it (DOMAIN §4.3)."""

from dataclasses import dataclass
from typing import Any

from triage_svc.domain.decision import DecisionKind
from triage_svc.domain.errors import GuardRefused
from triage_svc.domain.facts import GradeChanged
from triage_svc.domain.guards import refuse_change_of_closed, refuse_lowering_without_approver
from triage_svc.domain.person import Person
from triage_svc.domain.referral import Referral, ReferralId
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.clocks import hasten_clocks, keep
from triage_svc.use_cases.deciding import decide


@dataclass(frozen=True, slots=True)
class GradeReferral:
    referral_id: ReferralId
    by: Person
    grade: str
    reason: str


def grade_referral(command: GradeReferral, work: TriageWork) -> Referral:
    referral = work.referrals.get(command.referral_id)
    refuse_change_of_closed(referral)
    held = referral.verdict
    if command.grade == held.grade:
        if held.needs_review:
            return _confirm(referral, command, work)
        raise GuardRefused(
            "grade_unchanged", zh="风险等级未变。", en="That is the grade already.", concerns=(held.grade,)
        )
    refuse_lowering_without_approver(work.rules.grades, command.grade, held=held.grade, roles=command.by.roles)
    graded = referral.hold_of(held.category, command.grade, by_person=True)
    state_grade(graded, previous=held.grade, reason=command.reason, by=command.by, work=work)
    if work.rules.grades.is_graver(command.grade, held.grade):
        hasten_clocks(graded, work)
    return keep(graded.changed_by_person(), work)


def _confirm(referral: Referral, command: GradeReferral, work: TriageWork) -> Referral:
    """A person finds that the machine was right: no fact for others, but a decision with a name (DOMAIN §4.3)."""
    evidence = {"reason": command.reason, "confirmed": True, "by": command.by.staff_id}
    decide(referral, DecisionKind.GRADE, command.grade, evidence, work)
    confirmed = referral.hold_of(referral.verdict.category, command.grade, by_person=True)
    return keep(confirmed.changed_by_person(), work)


def state_grade(graded: Referral, *, previous: str, reason: str, by: Person, work: TriageWork) -> None:
    """Decision and fact of a grade that a person gave."""
    grade = graded.verdict.grade
    decide(graded, DecisionKind.GRADE, grade, {"reason": reason, "previous": previous, "by": by.staff_id}, work)
    is_lowered = work.rules.grades.is_graver(previous, grade)
    approver = by.staff_id if is_lowered else None
    work.state(graded.referral_id, GradeChanged(grade, previous, "person", approver))


def raise_grade(referral: Referral, grade: str, *, cause: str, evidence: dict[str, Any], work: TriageWork) -> Referral:
    """By the machine: up or not at all, so that calls and visits come to the same in any order."""
    held = referral.verdict
    if not work.rules.grades.is_graver(grade, held.grade):
        return referral
    raised = referral.hold_of(held.category, grade, by_person=False)
    decide(raised, DecisionKind.GRADE, grade, {"cause": cause, "previous": held.grade, **evidence}, work)
    work.state(referral.referral_id, GradeChanged(grade, held.grade, cause))
    hasten_clocks(raised, work)
    return raised
