"""What becomes of a referral at its office: signed, contacted, returned, ended, or handed to mediation."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from referral_schemas.envelope import Code, Instant, PublicEvent, says
from referral_schemas.vocabulary import Category, Committee, Grade, Hop, Parties


class Channel(StrEnum):
    PHONE = "phone"
    IN_PERSON = "in_person"
    OTHER = "other"


class Addressee(StrEnum):
    """Who answers a request to take the referral back."""

    DISTRICT = "district"
    POLICE = "police"


class End(StrEnum):
    """How a referral may end without mediation; only followup closes it."""

    NO_CONSENT = "no_consent"
    SELF_RESOLVED = "self_resolved"
    BACK_TO_POLICE = "back_to_police"
    TO_OTHER_BODY = "to_other_body"


class ReferralSigned(PublicEvent):
    """From now on this office is responsible (首接负责)."""

    TYPE: ClassVar[str] = "cn.liandong.triage.referral_signed.v1"
    MEANS: ClassVar[str] = "司法所已签收 · The office has signed for the referral"

    office_code: Annotated[str, says("司法所代码", "Code of the judicial office", "310109010-SFS")]
    hop: Hop
    signed_at: Annotated[Instant, says("签收时间", "When it signed", "2026-01-01T02:10:00Z")]


class PartyContacted(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.triage.party_contacted.v1"
    MEANS: ClassVar[str] = "已首次联系当事人 · The office has spoken to the parties"

    hop: Hop
    contacted_at: Annotated[Instant, says("联系时间", "When it spoke to them", "2026-01-01T03:10:00Z")]
    channel: Annotated[Channel, says("联系方式：电话、当面、其他", "How: by phone, in person, otherwise", "phone")]
    parties: Parties


class ReturnRequested(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.triage.return_requested.v1"
    MEANS: ClassVar[str] = "司法所申请退回 · The office asks to be relieved of the referral"

    hop: Hop
    reason: Annotated[Code, says("退回原因代码", "Why, from the list of reasons", "not_our_area")]
    addressee: Annotated[
        Addressee, says("向区级分流中心或公安申请", "Who decides: the district or the police", "district")
    ]


class ReturnRefused(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.triage.return_refused.v1"
    MEANS: ClassVar[str] = "退回申请未获同意 · The return was refused: the office keeps the referral"

    hop: Hop
    reason: Annotated[Code, says("不同意原因代码", "Why, from the list of reasons", "within_your_duties")]


class ReferralEnded(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.triage.referral_ended.v1"
    MEANS: ClassVar[str] = "未经调解而终结 · The referral ended without mediation"

    end: Annotated[
        End,
        says("终结方式：不同意、自行和解、退回公安、转其他部门", "How it ended", "no_consent"),
    ]
    body_code: Annotated[
        str | None, says("接收部门代码；仅转其他部门时有值", "Body that takes it over; else null", "12345")
    ] = None
    remedies_informed_at: Annotated[
        Instant | None,
        says(
            "告知救济途径的时间；无须告知时为空",
            "When other remedies were told; null where none are owed",
            "2026-01-06T03:00:00Z",
        ),
    ] = None
    hop: Annotated[
        int, says("终结于第几次派单；从未派单为 0", "The dispatch it ended at; 0 when no office ever had it", 1, ge=0)
    ]


class HandedToMediation(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.triage.handed_to_mediation.v1"
    MEANS: ClassVar[str] = "已移交调解 · The referral has been handed to a mediation committee"

    committee: Annotated[
        Committee,
        says("调解委员会", "Mediation committee", {"code": "310109010-TWH", "name": "曲阳路街道人民调解委员会"}),
    ]
    room_code: Annotated[
        str | None, says("驻所调解室代码", "Mediation room at the police station", "310109010-TJS1")
    ] = None
    mediator_code: Annotated[str | None, says("建议的调解员代码", "Mediator proposed", "310109010-TJY03")] = None
    category: Annotated[Category, says("纠纷类别", "Category of the dispute", "neighbour")]
    grade: Annotated[Grade, says("风险等级", "Risk grade", "yellow")]
    parties: Parties
    hop: Hop
