"""The office hands the dispute to a people's mediation committee, which opens the case and asks for consent."""

from dataclasses import dataclass, replace

from triage_svc.domain.directory import Kind, Organisation
from triage_svc.domain.errors import ValueRefused
from triage_svc.domain.facts import HandedToMediation
from triage_svc.domain.halts import refuse_while_halted
from triage_svc.domain.referral import Referral, ReferralId
from triage_svc.domain.states import Act
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.clocks import keep
from triage_svc.use_cases.dispatch_referral import today


@dataclass(frozen=True, slots=True)
class HandOver:
    """Without a committee the directory's path for the category decides (DOMAIN §5.2)."""

    referral_id: ReferralId
    committee_code: str | None = None
    room_code: str | None = None
    mediator_code: str | None = None


def hand_over(command: HandOver, work: TriageWork) -> Referral:
    referral = work.referrals.get(command.referral_id)
    handed = referral.end(Act.HAND_TO_MEDIATION)
    refuse_while_halted(work.standing_halts(referral.referral_id), doing="the hand-over")
    committee = _committee(command, referral, work)
    if command.room_code is not None:
        _check_room(command.room_code, work)
    verdict = referral.verdict
    fact = HandedToMediation(
        committee, command.room_code, command.mediator_code, verdict.category, verdict.grade, referral.parties,
        referral.hop,
    )  # fmt: skip
    work.state(referral.referral_id, fact)
    return keep(replace(handed, committee_code=committee.code).changed_by_person(), work)


def _committee(command: HandOver, referral: Referral, work: TriageWork) -> Organisation:
    on = today(work)
    if command.committee_code is not None:
        found = work.directory.find(command.committee_code, Kind.PMC, on=on)
    else:
        second = work.directory.second_stage(referral.office_code or "", referral.verdict.category, on=on)
        found = second if second and second.kind is Kind.PMC else None
    if found is None:
        raise ValueRefused(
            "unknown_committee",
            field="committee_code",
            value=command.committee_code or "",
            zh="组织目录中没有这个在用的调解委员会，或本所未登记该类纠纷的承接委员会；请填写 committee_code。",
            en="The directory has no such committee in force, or no path for this category: name one.",
        )
    return found


def _check_room(code: str, work: TriageWork) -> None:
    if work.directory.find(code, Kind.MEDIATION_ROOM, on=today(work)) is None:
        raise ValueRefused(
            "unknown_room",
            field="room_code",
            value=code,
            zh="组织目录中没有这个在用的调解室；请核对代码。",
            en="The directory has no mediation room of this code in force: check the code.",
        )
