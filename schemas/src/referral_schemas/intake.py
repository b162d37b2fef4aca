"""What intake states about a referral: opened, joined by calls. Police and feedback facts have modules of their own."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from referral_schemas.envelope import Code, Instant, Part, PublicEvent, says
from referral_schemas.feedback import FeedbackAcknowledged as FeedbackAcknowledged
from referral_schemas.feedback import FeedbackDelivered as FeedbackDelivered
from referral_schemas.feedback import FeedbackFailed as FeedbackFailed
from referral_schemas.feedback import FeedbackWaived as FeedbackWaived
from referral_schemas.police_decisions import BlockLifted as BlockLifted
from referral_schemas.police_decisions import BlockSet as BlockSet
from referral_schemas.police_decisions import ReferredAgain as ReferredAgain
from referral_schemas.police_decisions import ReturnDecided as ReturnDecided
from referral_schemas.police_decisions import ReturnDecision as ReturnDecision
from referral_schemas.police_decisions import SetBy as SetBy
from referral_schemas.shared_facts import BREACHED, MET, SET, DeadlinePassed, DeadlinesMet, DeadlinesSet
from referral_schemas.vocabulary import TRACKING_CODE, CallId, CallNo, Source


class LinkKind(StrEnum):
    """Why a call joined a referral; the thresholds are rule data of intake."""

    DUPLICATE = "duplicate"
    REPEAT = "repeat"
    MASS = "mass"


class PlaceCandidate(Part):
    area_code: Annotated[str, says("行政区划代码", "Area code", "310109009")]
    confidence: Annotated[float, says("可信度", "How sure, 0 to 1", 0.62, ge=0, le=1)]


class Place(Part):
    """Where it happened, down to the road; the full address travels sealed or not at all."""

    area_code: Annotated[
        str | None, says("行政区划代码，到街道为止", "Area code, at best of the sub-district", "310109010")
    ] = None
    street: Annotated[str | None, says("街道、镇", "Sub-district or town", "曲阳路街道")] = None
    community: Annotated[str | None, says("社区、村", "Residents' or villagers' committee", "玉田新村第一居委会")] = (
        None
    )
    road: Annotated[str | None, says("路名，不含门牌号", "Road, without the house number", "玉田路")] = None
    confidence: Annotated[float, says("地点解析的可信度", "How sure the parsing is, 0 to 1", 0.92, ge=0, le=1)]
    candidates: Annotated[
        tuple[PlaceCandidate, ...],
        says(
            "其他可能的区划，可能性大的在前",
            "Other areas it may be, likeliest first",
            [{"area_code": "310109009", "confidence": 0.62}],
            strict=False,
        ),
    ]
    sealed: Annotated[
        str | None,
        says(
            "加密的详细地址与坐标，仅受理与分流可解",
            "Full address and point, sealed for intake and triage; base64",
            "AWsxJ8mPq2c0vXo=",
        ),
    ] = None


class Flags(Part):
    dual_track: Annotated[bool, says("警务与调解并行", "Police and mediation work in parallel", False)]
    duty_unclear: Annotated[
        bool, says("职责不明，三方通话商定", "Whose duty it is was settled in a three-way call", False)
    ]
    confidential: Annotated[bool, says("报警人身份对警方以外保密", "Caller known to the police only", False)]
    is_drill: Annotated[bool, says("演练", "An exercise, not a real call", False)]


class Party(Part):
    """Someone the call speaks of, known by id alone; the person stands in intake's vault."""

    party_id: Annotated[UUID, says("当事人编号", "Party id", "01997b3c-6a10-7c4e-9f21-0b8d4f6a2e01")]
    role: Annotated[Code, says("在警情中的身份", "Part played in the call", "caller")]


class Screening(Part):
    rule_version: Annotated[str, says("筛查规则版本", "Version of the screening rules", "screening-2026.1")]
    outcome: Annotated[Code, says("筛查结论", "What the rules, or the screener, decided", "referred")]


class Counters(Part):
    """How the dispute stands after this call."""

    calls: Annotated[int, says("本纠纷累计警情数", "Calls of this dispute, the first included", 3, ge=0)]
    duplicates: Annotated[int, says("重复报警数（同一事件）", "Calls about one and the same event", 1, ge=0)]
    repeats: Annotated[int, says("再次报警数（同一纠纷）", "Later calls of the same dispute", 1, ge=0)]


ReportedAt = Annotated[Instant, says("报警时间", "When it was reported", "2026-01-01T01:30:00Z")]
Narrative = Annotated[
    str | None,
    says(
        "脱敏后的报警内容；已清除时为空",
        "What was told, persons masked by tokens; null when redacted",
        "[姓名1]称楼上邻居[姓名2]家漏水，双方争执",
    ),
]
Redacted = Annotated[bool, says("自由文本已清除", "Free text has been erased", False)]


class ReferralOpened(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.intake.referral_opened.v1"
    MEANS: ClassVar[str] = "警情适合调解，分流单生成 · A call is fit for mediation: its referral begins to exist"

    call_id: CallId
    source: Source
    call_no: CallNo
    tracking_code: Annotated[
        str, says("一案一码", "Tracking code, as shown to people", "LD-7K3M9-QX2TB-J"), Field(pattern=TRACKING_CODE)
    ]
    reported_at: ReportedAt
    received_at: Annotated[Instant, says("受理平台收到时间", "When intake received it", "2026-01-01T01:30:02.125Z")]
    narrative: Narrative = None
    redacted: Redacted
    place: Annotated[
        Place, says("地点", "Where it happened", {"area_code": "310109010", "confidence": 1.0, "candidates": []})
    ]
    station_code: Annotated[str | None, says("管辖派出所代码", "Police station in charge", "310109010-PCS1")] = None
    source_category: Annotated[str | None, says("来源系统的警情类别", "The source's own category", "700100")] = None
    flags: Annotated[
        Flags,
        says(
            "标记",
            "Flags set at the call",
            {"dual_track": False, "duty_unclear": False, "confidential": False, "is_drill": False},
        ),
    ]
    parties: Annotated[
        tuple[Party, ...],
        says(
            "当事人",
            "Parties named by the call",
            [{"party_id": "01997b3c-6a10-7c4e-9f21-0b8d4f6a2e01", "role": "caller"}],
            strict=False,
        ),
    ]
    screening: Annotated[
        Screening, says("筛查", "How it was screened", {"rule_version": "screening-2026.1", "outcome": "referred"})
    ]
    previous_referral_id: Annotated[
        UUID | None,
        says("同一纠纷此前的分流单", "Earlier referral of the same dispute", "01996f10-2b4d-7a3c-8d5e-6f7081920304"),
    ] = None

    def named_referrals(self) -> tuple[UUID, ...]:
        return (self.previous_referral_id,) if self.previous_referral_id else ()


class CallLinked(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.intake.call_linked.v1"
    MEANS: ClassVar[str] = "又一起警情并入本分流单 · A further call turned out to belong to this referral"

    call_id: CallId
    source: Source
    call_no: CallNo
    kind: Annotated[LinkKind, says("关联类型：重复、再次、群体", "Why it belongs here", "duplicate")]
    reported_at: ReportedAt
    narrative: Narrative = None
    redacted: Redacted
    counters: Annotated[Counters, says("累计数", "Counts after this call", {"calls": 3, "duplicates": 1, "repeats": 1})]


class CallCorrected(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.intake.call_corrected.v1"
    MEANS: ClassVar[str] = "来源系统更正了警情 · The source has sent a newer version of a call"

    call_id: CallId
    source: Source
    call_no: CallNo
    version: Annotated[int, says("警情版本，自 1 起", "Version of the call, from 1", 2, ge=1)]
    changed: Annotated[
        tuple[Code, ...],
        says("有变化的字段", "Names of the fields that changed", ["content", "incident_address"], strict=False),
    ]


class CallWithdrawn(PublicEvent):
    """Never closes by itself: the office asks the parties."""

    TYPE: ClassVar[str] = "cn.liandong.intake.call_withdrawn.v1"
    MEANS: ClassVar[str] = "报警人撤销警情 · The caller has withdrawn a call"

    call_id: CallId
    source: Source
    call_no: CallNo


class DeadlineSet(DeadlinesSet):
    TYPE: ClassVar[str] = "cn.liandong.intake.deadline_set.v1"
    MEANS: ClassVar[str] = SET


class DeadlineMet(DeadlinesMet):
    TYPE: ClassVar[str] = "cn.liandong.intake.deadline_met.v1"
    MEANS: ClassVar[str] = MET


class DeadlineBreached(DeadlinePassed):
    TYPE: ClassVar[str] = "cn.liandong.intake.deadline_breached.v1"
    MEANS: ClassVar[str] = BREACHED
