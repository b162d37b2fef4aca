"""The office takes the work item (签收): from here on it answers for the dispute (首接负责)."""

from dataclasses import dataclass

from triage_svc.domain.facts import ReferralSigned
from triage_svc.domain.referral import Referral, ReferralId
from triage_svc.domain.states import Clock
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.clocks import finish_clocks, keep


@dataclass(frozen=True, slots=True)
class SignReferral:
    referral_id: ReferralId


def sign_referral(command: SignReferral, work: TriageWork) -> Referral:
    signed = work.referrals.get(command.referral_id).sign(at=work.now)
    work.state(signed.referral_id, ReferralSigned(signed.responsible_code, signed.hop, work.now))
    return keep(finish_clocks(signed, work, Clock.SIGN_FOR).changed_by_person(), work)
