"""What mediation states about a referral: its case from opening to file. Agreements stand in a module of their own."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from referral_schemas.agreements import AgreementEffective as AgreementEffective
from referral_schemas.agreements import AgreementReached as AgreementReached
from referral_schemas.agreements import BreachTold as BreachTold
from referral_schemas.agreements import FoundBy as FoundBy
from referral_schemas.agreements import Obligation as Obligation
from referral_schemas.agreements import ObligationBreached as ObligationBreached
from referral_schemas.agreements import ObligationPerformed as ObligationPerformed
from referral_schemas.envelope import Code, Instant, PublicEvent, says
from referral_schemas.shared_facts import (
    BREACHED,
    HALTED,
    MET,
    SET,
    ClocksSet,
    DeadlinePassed,
    DeadlinesMet,
    DeadlinesSet,
    Halted,
)
from referral_schemas.shared_facts import ClockMet as ClockMet
from referral_schemas.shared_facts import ClockSet as ClockSet
from referral_schemas.vocabulary import AgreementForm as AgreementForm
from referral_schemas.vocabulary import RemediesInformedAt

CaseCycle = Annotated[int, says("第几次调解，自 1 起", "Which round of mediation, from 1", 1, ge=1)]
FileNo = Annotated[str, says("卷宗编号", "File number", "（2026）虹曲人调字第0001号")]


class ChosenBy(StrEnum):
    """PML art. 19: named by the committee, or chosen by the parties."""

    COMMITTEE = "committee"
    PARTIES = "parties"


class CaseOpened(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.mediation.case_opened.v1"
    MEANS: ClassVar[str] = "已建案，征求当事人同意 · The committee has opened a case and asks for consent"

    committee_code: Annotated[str, says("调解委员会代码", "Code of the mediation committee", "310109010-TWH")]
    cycle: CaseCycle


class CaseAccepted(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.mediation.case_accepted.v1"
    MEANS: ClassVar[str] = "调解委员会已受理 · The committee has accepted the case"

    file_no: FileNo
    accepted_at: Annotated[Instant, says("受理时间", "When it was accepted", "2026-01-02T01:00:00Z")]
    clocks: ClocksSet


class MediatorAssigned(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.mediation.mediator_assigned.v1"
    MEANS: ClassVar[str] = "已确定调解员 · The case has its mediators"

    mediator_codes: Annotated[
        tuple[str, ...], says("调解员代码", "Codes of the mediators", ["310109010-TJY03"], strict=False)
    ]
    chosen_by: Annotated[ChosenBy, says("由调委会指定或当事人选择", "Named by the committee or chosen", "committee")]


class MeetingHeld(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.mediation.meeting_held.v1"
    MEANS: ClassVar[str] = "已召开调解会 · The parties have met before a mediator"

    number: Annotated[int, says("第几次调解会，自 1 起", "Which meeting, from 1", 1, ge=1)]
    held_at: Annotated[Instant, says("召开时间", "When it was held", "2026-01-05T06:00:00Z")]


class CaseSuspended(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.mediation.case_suspended.v1"
    MEANS: ClassVar[str] = "调解中止 · Mediation is suspended"

    reason: Annotated[Code, says("中止原因代码", "Why, from the list of reasons", "appraisal_running")]


class CaseResumed(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.mediation.case_resumed.v1"
    MEANS: ClassVar[str] = "调解恢复 · Mediation goes on"


class CaseTerminated(PublicEvent):
    """PML art. 26: the parties are told of arbitration, administrative and court routes."""

    TYPE: ClassVar[str] = "cn.liandong.mediation.case_terminated.v1"
    MEANS: ClassVar[str] = "调解终止 · Mediation has ended without an agreement"

    reason: Annotated[Code, says("终止原因代码", "Why, from the list of reasons", "no_agreement_reachable")]
    remedies_informed_at: RemediesInformedAt


class CaseReopened(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.mediation.case_reopened.v1"
    MEANS: ClassVar[str] = "重启调解 · The case is mediated anew"

    reason: Annotated[Code, says("重启原因代码", "Why, from the list of reasons", "agreement_breached")]
    cycle: CaseCycle


class CaseFiled(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.mediation.case_filed.v1"
    MEANS: ClassVar[str] = "立卷归档 · The file is complete and put away"

    file_no: FileNo
    volume: Annotated[int, says("第几卷，自 1 起", "Volume, from 1", 1, ge=1)]


class EscalatedToPolice(PublicEvent):
    """PML art. 25: where a security or criminal case may follow it is reported in time."""

    TYPE: ClassVar[str] = "cn.liandong.mediation.escalated_to_police.v1"
    MEANS: ClassVar[str] = "已向公安报告 · The mediator has reported the matter to the police"

    receipt: Annotated[str, says("公安回执编号", "Number of the police's receipt", "310109202601050007")]
    reason: Annotated[Code, says("报告原因代码", "Why, from the list of reasons", "signs_of_violence")]
    at: Annotated[Instant, says("报告时间", "When it was reported", "2026-01-05T06:40:00Z")]


class ReferralHalted(Halted):
    TYPE: ClassVar[str] = "cn.liandong.mediation.referral_halted.v1"
    MEANS: ClassVar[str] = HALTED


class DeadlineSet(DeadlinesSet):
    TYPE: ClassVar[str] = "cn.liandong.mediation.deadline_set.v1"
    MEANS: ClassVar[str] = SET


class DeadlineMet(DeadlinesMet):
    TYPE: ClassVar[str] = "cn.liandong.mediation.deadline_met.v1"
    MEANS: ClassVar[str] = MET


class DeadlineBreached(DeadlinePassed):
    TYPE: ClassVar[str] = "cn.liandong.mediation.deadline_breached.v1"
    MEANS: ClassVar[str] = BREACHED
