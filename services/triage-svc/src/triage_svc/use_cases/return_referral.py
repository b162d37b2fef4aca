"""An office hands back what is not its own (申请退回), and the district decides (DOMAIN §5.3)."""

from dataclasses import dataclass

from triage_svc.domain.decision import DecisionKind
from triage_svc.domain.errors import ValueRefused
from triage_svc.domain.facts import ReturnRefused, ReturnRequested
from triage_svc.domain.person import Person
from triage_svc.domain.referral import Referral, ReferralId
from triage_svc.domain.states import Act, Clock, next_state
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.clocks import finish_clocks, keep, wait_for_answer
from triage_svc.use_cases.deciding import decide
from triage_svc.use_cases.dispatch_referral import DispatchReferral, dispatch_referral
from triage_svc.use_cases.end_referral import end_referral


@dataclass(frozen=True, slots=True)
class RequestReturn:
    referral_id: ReferralId
    reason: str
    addressee: str
    note: str | None


@dataclass(frozen=True, slots=True)
class DecideReturn:
    """`decision`: refuse, redispatch, to_other_body or back_to_police."""

    referral_id: ReferralId
    by: Person
    decision: str
    reason: str
    office_code: str | None = None
    body_code: str | None = None


def request_return(command: RequestReturn, work: TriageWork) -> Referral:
    referral = work.referrals.get(command.referral_id)
    asked = referral.request_return(command.reason, command.addressee)
    work.rules.returns.check_reason(command.reason)
    work.rules.returns.check_addressee(command.addressee, asked_before=referral.returned.count)
    work.keep_text("return_note", command.note, referral_id=referral.referral_id)
    work.state(referral.referral_id, ReturnRequested(referral.hop, command.reason, command.addressee))
    return keep(wait_for_answer(asked, work).changed_by_person(), work)


def decide_return(command: DecideReturn, work: TriageWork) -> Referral:
    """The clock of the answer is met by any of the four; the office's own clocks run on when it keeps the referral."""
    referral = work.referrals.get(command.referral_id)
    next_state(referral.state, Act.REFUSE_RETURN, came_from=referral.came_from)
    work.rules.returns.check_decider(command.by.roles, asked=referral.returned.count)
    if command.decision == "refuse":
        return _refuse(referral, command, work)
    if command.decision == "redispatch":
        office_code = _needed(command.office_code, "office_code", command.decision)
        return dispatch_referral(DispatchReferral(referral.referral_id, command.by, office_code, command.reason), work)
    if command.decision == "to_other_body":
        body_code = _needed(command.body_code, "body_code", command.decision)
        return end_referral(referral, Act.SEND_TO_OTHER_BODY, work, reason=command.reason, by=command.by,
                            body_code=body_code)  # fmt: skip
    return end_referral(referral, Act.SEND_BACK_TO_POLICE, work, reason=command.reason, by=command.by)


def _refuse(referral: Referral, command: DecideReturn, work: TriageWork) -> Referral:
    evidence = {"reason": command.reason, "asked_for": referral.returned.reason, "by": command.by.staff_id}
    decide(referral, DecisionKind.ROUTE, "return_refused", evidence, work)
    work.state(referral.referral_id, ReturnRefused(referral.hop, command.reason))
    finished = finish_clocks(referral, work, Clock.RETURN_ANSWER)
    return keep(finished.refuse_return().changed_by_person(), work)


def _needed(value: str | None, field: str, decision: str) -> str:
    if value:
        return value
    raise ValueRefused(
        "field_needed",
        field=field,
        value="",
        zh=f"decision 为 {decision} 时必须填写 {field}。",
        en=f"`{field}` is needed with decision `{decision}`.",
    )
