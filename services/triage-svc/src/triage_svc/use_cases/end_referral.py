"""A referral ends in triage; followup closes it by its own short plan."""

from dataclasses import dataclass
from datetime import datetime

from triage_svc.domain.decision import DecisionKind
from triage_svc.domain.facts import ReferralEnded
from triage_svc.domain.guards import refuse_future
from triage_svc.domain.halts import refuse_while_halted
from triage_svc.domain.person import Person
from triage_svc.domain.referral import Referral, ReferralId
from triage_svc.domain.states import Act, Clock, next_state
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.clocks import finish_clocks, keep
from triage_svc.use_cases.deciding import decide


@dataclass(frozen=True, slots=True)
class RecordNoConsent:
    """PML art. 17: nobody is mediated against a clear refusal; art. 26: then the other routes must have been told."""

    referral_id: ReferralId
    remedies_informed_at: datetime


@dataclass(frozen=True, slots=True)
class RecordSelfResolved:
    referral_id: ReferralId
    note: str | None = None


@dataclass(frozen=True, slots=True)
class SendBack:
    referral_id: ReferralId
    by: Person
    reason: str


@dataclass(frozen=True, slots=True)
class SendToOtherBody:
    referral_id: ReferralId
    by: Person
    body_code: str
    reason: str


def record_no_consent(command: RecordNoConsent, work: TriageWork) -> Referral:
    referral = work.referrals.get(command.referral_id)
    next_state(referral.state, Act.RECORD_NO_CONSENT)
    refuse_while_halted(work.standing_halts(referral.referral_id), doing="ending")
    refuse_future(command.remedies_informed_at, work.now, field="remedies_informed_at", basis="PML 26")
    return _end(referral, Act.RECORD_NO_CONSENT, work, remedies_informed_at=command.remedies_informed_at)


def record_self_resolved(command: RecordSelfResolved, work: TriageWork) -> Referral:
    referral = work.referrals.get(command.referral_id)
    next_state(referral.state, Act.RECORD_SELF_RESOLVED)
    refuse_while_halted(work.standing_halts(referral.referral_id), doing="ending")
    work.keep_text("self_resolved_note", command.note, referral_id=referral.referral_id)
    return _end(referral, Act.RECORD_SELF_RESOLVED, work)


def send_back(command: SendBack, work: TriageWork) -> Referral:
    referral = work.referrals.get(command.referral_id)
    _check_return(referral, command.by, work)
    return end_referral(referral, Act.SEND_BACK_TO_POLICE, work, reason=command.reason, by=command.by)


def send_to_other_body(command: SendToOtherBody, work: TriageWork) -> Referral:
    referral = work.referrals.get(command.referral_id)
    _check_return(referral, command.by, work)
    return end_referral(
        referral, Act.SEND_TO_OTHER_BODY, work, reason=command.reason, by=command.by, body_code=command.body_code
    )


def end_referral(
    referral: Referral, act: Act, work: TriageWork, *, reason: str, by: Person, body_code: str | None = None
) -> Referral:
    """By a dispatcher's decision, which is kept with its reason."""
    ended = next_state(referral.state, act)
    evidence = {"reason": reason, "body_code": body_code, "by": by.staff_id}
    decide(referral, DecisionKind.ROUTE, ended, evidence, work)
    return _end(referral, act, work, body_code=body_code)


def _end(
    referral: Referral,
    act: Act,
    work: TriageWork,
    *,
    body_code: str | None = None,
    remedies_informed_at: datetime | None = None,
) -> Referral:
    ended = referral.end(act)
    fact = ReferralEnded(ended.state, ended.hop, body_code, remedies_informed_at)
    work.state(ended.referral_id, fact)
    waited_for = (Clock.DISPATCH, Clock.RETURN_ANSWER, Clock.SETTLE)
    finished = finish_clocks(ended, work, *waited_for, drop_others=True)
    return keep(finished.changed_by_person(), work)


def _check_return(referral: Referral, by: Person, work: TriageWork) -> None:
    if referral.came_from is not None:
        work.rules.returns.check_decider(by.roles, asked=referral.returned.count)
