"""Triage hands the dispute over: the committee opens a case, or begins another round of one."""

from uuid import UUID

from mediation_svc.domain.case import ReferralId
from mediation_svc.domain.consenting import HandOver, hand_over_again, open_case
from mediation_svc.store.work import MediationWork
from mediation_svc.use_cases.clocks import tell


def take_over(referral_id: UUID, handed: HandOver, work: MediationWork) -> None:
    mirror = work.mirror(referral_id)
    case = work.cases.find(referral_id)
    if case is None:
        opened, fact = open_case(ReferralId(referral_id), handed, at=work.now, watch_cycle=mirror.watch_cycle)
        work.mirrors.put(referral_id, mirror.touched())
    else:
        opened, again = hand_over_again(case, handed)
        if again is None:
            work.cases.put(referral_id, opened)
            return
        fact = again
    work.cases.put(referral_id, tell(opened, (fact,), work))
