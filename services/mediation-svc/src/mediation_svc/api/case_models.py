"""What mediation shows of a case. Texts are named by id and read under `/v1/texts`."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field

from mediation_svc.api.models import EXAMPLE_ID
from mediation_svc.domain.agreement import Agreement, Form, Obligation, ObligationState, Signature, Signer, Standing
from mediation_svc.domain.case import MediationCase, Meeting
from mediation_svc.domain.mirror import Mirror
from mediation_svc.domain.parties import Party, Will
from mediation_svc.domain.states import CaseState

EXAMPLE_AT = "2026-01-05T06:00:00Z"
EXAMPLE_PARTY = "01997b3c-6a10-7c4e-9f21-0b8d4f6a2e01"
EXAMPLE_OBLIGATION = "01997c11-2a40-7e31-8b5c-9d0e1f2a3b41"
EXAMPLE_NO = "（2026）虹曲人调字第0001号"
ReferralInPath = Annotated[UUID, Path(description="分流单编号。Referral id.", examples=[EXAMPLE_ID])]
ObligationInPath = Annotated[UUID, Path(description="义务编号。Obligation id.", examples=[EXAMPLE_OBLIGATION])]


class PartyOut(BaseModel):
    """A party and the last word on consent. 当事人及其意愿。"""

    party_id: UUID = Field(description="当事人编号。Party id.", examples=[EXAMPLE_PARTY])
    role: str = Field(description="身份。Part played in the dispute.", examples=["applicant"])
    consent: Will | None = Field(description="意愿，未表示为空。Consent; null: nothing said.", examples=["given"])
    consent_at: datetime | None = Field(description="表示时间。When it was said.", examples=[EXAMPLE_AT])

    @classmethod
    def of(cls, party: Party) -> Self:
        last = party.consents[-1] if party.consents else None
        return cls(party_id=party.party_id, role=party.role, consent=party.will, consent_at=last.at if last else None)


class MeetingOut(BaseModel):
    """A meeting that was held. 调解会。"""

    number: int = Field(description="第几次。Which one.", examples=[1])
    held_at: datetime = Field(description="召开时间。When.", examples=[EXAMPLE_AT])
    present: list[UUID] = Field(description="到场当事人。Parties present.", examples=[[EXAMPLE_PARTY]])
    note_id: UUID | None = Field(description="记录的文本编号。Text id of the record.", examples=[EXAMPLE_ID])

    @classmethod
    def of(cls, meeting: Meeting) -> Self:
        return cls(
            number=meeting.number, held_at=meeting.held_at, present=list(meeting.present), note_id=meeting.note_id
        )


class ObligationOut(BaseModel):
    """What is owed, and how it stands. 义务及履行情况。"""

    obligation_id: UUID = Field(description="义务编号。Obligation id.", examples=[EXAMPLE_OBLIGATION])
    kind: str = Field(description="种类代码。Kind.", examples=["payment"])
    due_on: date | None = Field(description="履行期限。Day it is due.", examples=["2026-02-06"])
    state: ObligationState = Field(
        description="未履行 open、已履行 performed、违约 breached。Open, performed, or breached.", examples=["open"]
    )
    overdue: bool = Field(description="是否逾期。Whether its day went by.", examples=[False])
    performed_at: datetime | None = Field(description="履行时间。When performed.", examples=[EXAMPLE_AT])
    breached_at: datetime | None = Field(description="发现未履行的时间。When found breached.", examples=[EXAMPLE_AT])
    urged_at: datetime | None = Field(description="督促见效的时间。When urging helped.", examples=[EXAMPLE_AT])
    seen_at_visit: str | None = Field(description="最近回访所见。What the last visit found.", examples=["partly"])
    note_id: UUID | None = Field(description="内容的文本编号。Text id of what it is.", examples=[EXAMPLE_ID])
    proof_id: UUID | None = Field(description="凭证的文本编号。Text id of the proof.", examples=[EXAMPLE_ID])

    @classmethod
    def of(cls, one: Obligation) -> Self:
        return cls(
            obligation_id=one.obligation_id, kind=one.kind, due_on=one.due_on, state=one.state,
            overdue=one.is_overdue, performed_at=one.performed_at, breached_at=one.breached_at,
            urged_at=one.urged_at, seen_at_visit=one.seen, note_id=one.note_id, proof_id=one.proof_id,
        )  # fmt: skip


class SignatureOut(BaseModel):
    """A signature on the agreement. 签名。"""

    signer: Signer = Field(description="当事人或调解员。A party or the mediator.", examples=["party"])
    party_id: UUID | None = Field(description="当事人编号。The party.", examples=[EXAMPLE_PARTY])
    at: datetime = Field(description="签名时间。When.", examples=[EXAMPLE_AT])

    @classmethod
    def of(cls, signature: Signature) -> Self:
        return cls(signer=signature.signer, party_id=signature.party_id, at=signature.at)


class AgreementOut(BaseModel):
    """An agreement: never edited once it has effect. 调解协议。"""

    agreement_no: str = Field(description="协议编号。Number.", examples=["（2026）虹曲人调协字第0001号"])
    form: Form = Field(description="口头或书面。Oral or written.", examples=["written"])
    standing: Standing = Field(
        description="草拟、有效、撤回、无效、搁置。Draft, in force, withdrawn, held invalid, left.",
        examples=["in_force"],
    )
    drafted_at: datetime = Field(description="制作时间。When drawn up.", examples=[EXAMPLE_AT])
    signatures: list[SignatureOut] = Field(description="签名。Signatures.")
    sealed_at: datetime | None = Field(description="盖章时间。When sealed.", examples=[EXAMPLE_AT])
    effective_at: datetime | None = Field(description="生效时间。When it took effect.", examples=[EXAMPLE_AT])
    confirmation_deadline: date | None = Field(
        description="司法确认最后一日。Last day to ask the court for confirmation.", examples=["2026-02-05"]
    )
    remedies_informed_at: datetime | None = Field(
        description="告知违约救济的时间。When remedies for the breach were told.", examples=[EXAMPLE_AT]
    )
    content_id: UUID | None = Field(description="正文的文本编号。Text id of the content.", examples=[EXAMPLE_ID])

    @classmethod
    def of(cls, agreement: Agreement) -> Self:
        return cls(
            agreement_no=agreement.agreement_no, form=agreement.form, standing=agreement.standing,
            drafted_at=agreement.drafted_at, signatures=[SignatureOut.of(one) for one in agreement.signatures],
            sealed_at=agreement.sealed_at, effective_at=agreement.effective_at,
            confirmation_deadline=agreement.confirmation_deadline,
            remedies_informed_at=agreement.remedies_informed_at, content_id=agreement.content_id,
        )  # fmt: skip


class CaseListed(BaseModel):
    """A case as the work list shows it. 清单中的案件。"""

    referral_id: UUID = Field(description="分流单编号。Referral id.", examples=[EXAMPLE_ID])
    state: CaseState = Field(description="状态。State.", examples=["in_mediation"])
    committee_code: str = Field(description="调委会代码。Committee.", examples=["310109010-PMC"])
    mediators: list[str] = Field(description="调解员代码。Mediators.", examples=[["M-001"]])
    file_no: str | None = Field(description="卷宗编号。File number.", examples=[EXAMPLE_NO])
    cycle: int = Field(description="第几次调解。Which round.", examples=[1])
    opened_at: datetime = Field(description="立案时间。When it was opened.", examples=[EXAMPLE_AT])
    accepted_at: datetime | None = Field(description="受理时间。When accepted.", examples=[EXAMPLE_AT])
    overdue: bool = Field(description="是否超期。Whether anything is overdue.", examples=[False])
    halted: bool = Field(description="是否暂停。Whether a block holds it.", examples=[False])

    @classmethod
    def of(cls, case: MediationCase, *, halted: bool) -> Self:
        return cls(
            referral_id=case.referral_id, state=case.state, committee_code=case.committee.code,
            mediators=list(case.mediators), file_no=case.file_no, cycle=case.cycle, opened_at=case.opened_at,
            accepted_at=case.accepted_at, overdue=case.is_overdue, halted=halted,
        )  # fmt: skip


class CaseChanged(BaseModel):
    """How the case stands after a command. 办理后的案件。"""

    referral_id: UUID = Field(description="分流单编号。Referral id.", examples=[EXAMPLE_ID])
    state: CaseState = Field(description="状态。State.", examples=["accepted"])
    version: int = Field(description="版本，同 ETag。Version, the same as the ETag.", examples=[3])
    cycle: int = Field(description="第几次调解。Which round.", examples=[1])
    file_no: str | None = Field(description="卷宗编号。File number.", examples=[EXAMPLE_NO])
    parties: list[PartyOut] = Field(description="当事人。Parties.")
    agreement: AgreementOut | None = Field(description="本轮协议。The agreement of this round.")
    obligations: list[ObligationOut] = Field(description="现行协议的义务。Obligations under the agreement in force.")
    allowed: list[str] = Field(description="可办理事项。Acts that may follow.", examples=[["assign", "terminate"]])

    @classmethod
    def of(cls, case: MediationCase) -> Self:
        return cls(
            referral_id=case.referral_id, state=case.state, version=case.version, cycle=case.cycle,
            file_no=case.file_no, parties=[PartyOut.of(party) for party in case.parties],
            agreement=AgreementOut.of(case.agreement) if case.agreement else None,
            obligations=[ObligationOut.of(one) for one in case.obligations], allowed=sorted(case.allowed()),
        )  # fmt: skip


class CaseOut(CaseChanged):
    """One case, whole. 案件详情。"""

    committee_code: str = Field(description="调委会代码。Committee.", examples=["310109010-PMC"])
    committee_name: str = Field(description="调委会名称。Its name.", examples=["曲阳路街道人民调解委员会"])
    room_code: str | None = Field(description="调解室代码。Mediation room.", examples=["310109010-TJS1"])
    category: str | None = Field(description="纠纷类别。Category.", examples=["neighbour"])
    grade: str | None = Field(description="风险等级。Risk grade.", examples=["yellow"])
    mediators: list[str] = Field(description="调解员代码。Mediators.", examples=[["M-001"]])
    chosen_by: str | None = Field(description="由谁确定。Who chose them.", examples=["committee"])
    volume: int = Field(description="第几卷。Volume.", examples=[1])
    opened_at: datetime = Field(description="立案时间。When opened.", examples=[EXAMPLE_AT])
    accepted_at: datetime | None = Field(description="受理时间。When accepted.", examples=[EXAMPLE_AT])
    informed_at: datetime | None = Field(description="权利义务告知时间。When rights were told.", examples=[EXAMPLE_AT])
    meetings: list[MeetingOut] = Field(description="调解会。Meetings.")
    past_agreements: list[AgreementOut] = Field(description="以往的协议。Earlier agreements.")
    suspended_for: str | None = Field(description="中止原因。Why suspended.", examples=["appraisal_running"])
    terminated_for: str | None = Field(description="终止原因。Why terminated.", examples=["no_agreement"])
    remedies_informed_at: datetime | None = Field(description="告知救济时间。When told.", examples=[EXAMPLE_AT])
    filed_at: datetime | None = Field(description="归档时间。When filed.", examples=[EXAMPLE_AT])
    closed_at: datetime | None = Field(description="办结时间。When followup closed it.", examples=[EXAMPLE_AT])
    overdue: bool = Field(description="是否超期。Whether anything is overdue.", examples=[False])
    blocks: list[str] = Field(description="禁止调解事由。Blocks that hold it.", examples=[["X_DV"]])
    police_receipts: list[str] = Field(description="公安回执。Receipts of the police.", examples=[[]])
    flags: list[str] = Field(
        description="提示：警情更正、撤销、督办。Call corrected or withdrawn, supervised.",
        examples=[["call_corrected"]],
    )

    @classmethod
    def shown(cls, case: MediationCase, mirror: Mirror | None, blocks: list[str]) -> Self:
        return cls(
            **CaseChanged.of(case).model_dump(),
            committee_code=case.committee.code,
            committee_name=case.committee.name,
            room_code=case.room_code,
            category=mirror.category if mirror else None,
            grade=mirror.grade if mirror else None,
            mediators=list(case.mediators),
            chosen_by=case.chosen_by,
            volume=case.volume,
            opened_at=case.opened_at,
            accepted_at=case.accepted_at,
            informed_at=case.informed_at,
            meetings=[MeetingOut.of(meeting) for meeting in case.meetings],
            past_agreements=[AgreementOut.of(one) for one in case.past_agreements],
            suspended_for=case.suspended_for,
            terminated_for=case.terminated_for,
            remedies_informed_at=case.remedies_informed_at,
            filed_at=case.filed_at,
            closed_at=mirror.closed_at if mirror else None,
            overdue=case.is_overdue,
            blocks=blocks,
            police_receipts=[report.receipt for report in case.reports],
            flags=sorted(mirror.flags) if mirror else [],
        )
