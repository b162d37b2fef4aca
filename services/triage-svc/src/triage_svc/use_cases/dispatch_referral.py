"""A referral goes to an office: by a dispatcher, after a return, or because it was set going again."""

from dataclasses import dataclass, replace
from datetime import date

from chassis.auth import covers
from chassis.workdays import day_in_china

from triage_svc.domain.decision import DecisionId, DecisionKind
from triage_svc.domain.directory import Kind, Organisation, area_path
from triage_svc.domain.errors import GuardRefused, OutOfScope, ValueRefused
from triage_svc.domain.facts import ReferralDispatched, ReferralReclassified
from triage_svc.domain.guards import refuse_dispatch_of_ended, refuse_lowering_without_approver
from triage_svc.domain.person import Person
from triage_svc.domain.referral import Referral, ReferralId
from triage_svc.domain.states import Act, Clock, State, next_state
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.clocks import finish_clocks, keep, start_office_clocks, wait_for_dispatcher
from triage_svc.use_cases.deciding import decide
from triage_svc.use_cases.grade_referral import state_grade

PLACED = frozenset({State.DISPATCHED, State.RETURN_REQUESTED})


@dataclass(frozen=True, slots=True)
class DispatchReferral:
    referral_id: ReferralId
    by: Person
    office_code: str
    reason: str
    category: str | None = None
    grade: str | None = None


def dispatch_referral(command: DispatchReferral, work: TriageWork) -> Referral:
    referral = work.referrals.get(command.referral_id)
    next_state(referral.state, Act.DISPATCH)
    refuse_dispatch_of_ended(referral)
    if referral.state is State.RETURN_REQUESTED:
        work.rules.returns.check_decider(command.by.roles, asked=referral.returned.count)
    office = office_named(command.office_code, referral, command.by, work)
    corrected = _corrected(referral, command, work)
    evidence = {"reason": command.reason, "office": _named(office), "by": command.by.staff_id}
    theirs = replace(corrected, scope_path=area_path(office.area_code))  # the office too may read why it has this
    decision_id = decide(theirs, DecisionKind.ROUTE, "assigned", evidence, work)
    return keep(send_to(corrected, office, decision_id, work).changed_by_person(), work)


def send_to(referral: Referral, office: Organisation, decision_id: DecisionId, work: TriageWork) -> Referral:
    """Whoever decided it: one more hop, with limits of its own for the office that has it now."""
    finished = finish_clocks(referral, work, Clock.DISPATCH, Clock.RETURN_ANSWER, drop_others=True)
    sent = finished.dispatch(office.code, at=work.now, scope_path=area_path(office.area_code))
    clocks = start_office_clocks(sent, work)
    work.state(sent.referral_id, ReferralDispatched(office, sent.hop, decision_id, clocks))
    return sent


def send_again(referral: Referral, *, reason: str, work: TriageWork) -> Referral:
    """To the office that had it last; where there was none, or it is gone, a dispatcher finds one."""
    office = _last_office(referral, work)
    if office is None:
        return wait_for_dispatcher(referral.await_dispatch("reopened"), work)
    evidence = {"reason": reason, "office": _named(office)}
    return send_to(referral, office, decide(referral, DecisionKind.ROUTE, "assigned", evidence, work), work)


def office_named(code: str, referral: Referral, by: Person, work: TriageWork) -> Organisation:
    """Raises ValueRefused, OutOfScope, GuardRefused: an office that works today, in the caller's area, another one."""
    office = work.directory.find(code, Kind.JUDICIAL_OFFICE, on=today(work))
    if office is None:
        raise ValueRefused(
            "unknown_office",
            field="office_code",
            value=code,
            zh="组织目录中没有这个在用的司法所；请核对代码。",
            en="The directory has no judicial office of this code in force: check the code.",
        )
    if not covers(by.scope_path, area_path(office.area_code)):
        raise OutOfScope
    if referral.state in PLACED and office.code == referral.office_code:
        raise GuardRefused(
            "same_office",
            zh="该分流单已在这个司法所；如不同意退回，请选择 refuse。",
            en="This office has it already: refuse the return instead, or name another office.",
            basis="DOMAIN §5.3",
        )
    return office


def today(work: TriageWork) -> date:
    return day_in_china(work.now)


def _last_office(referral: Referral, work: TriageWork) -> Organisation | None:
    if referral.office_code is None:
        return None
    return work.directory.find(referral.office_code, Kind.JUDICIAL_OFFICE, on=today(work))


def _corrected(referral: Referral, command: DispatchReferral, work: TriageWork) -> Referral:
    """What the dispatcher holds of category and grade; a person has looked at it in any case."""
    held = referral.verdict
    category, grade = command.category or held.category, command.grade or held.grade
    if grade != held.grade:
        refuse_lowering_without_approver(work.rules.grades, grade, held=held.grade, roles=command.by.roles)
    reviewed = referral.hold_of(category, grade, by_person=True)
    if category != held.category:
        evidence = {"reason": command.reason, "previous": held.category, "by": command.by.staff_id}
        decision_id = decide(reviewed, DecisionKind.CLASSIFY, category, evidence, work)
        told = ReferralReclassified(category, held.category, grade, decision_id, command.reason)
        work.state(referral.referral_id, told)
    if grade != held.grade:
        state_grade(reviewed, previous=held.grade, reason=command.reason, by=command.by, work=work)
    return reviewed


def _named(office: Organisation) -> dict[str, str]:
    return {"code": office.code, "name": office.name}
