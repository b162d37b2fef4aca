"""What intake states about a referral: it was opened, a call joined it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from referral_schemas.envelope import Code, Instant, Part, PublicEvent, says

TRACKING_CODE = r"^LD-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-Z]$"


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


CallId = Annotated[UUID, says("警情编号", "Id of the call", "01997b3c-6a0f-7d52-8e1b-3c5a7d9e1f02")]
Source = Annotated[str, says("来源系统", "System that sent the call", "hongkou-110")]
CallNo = Annotated[str, says("接警单编号", "The source's number of the call", "310109202601010001")]
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
    """A call is fit for mediation: its referral begins to exist."""

    TYPE: ClassVar[str] = "cn.liandong.intake.referral_opened.v1"

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
    """A further call turned out to belong to this referral."""

    TYPE: ClassVar[str] = "cn.liandong.intake.call_linked.v1"

    call_id: CallId
    source: Source
    call_no: CallNo
    kind: Annotated[LinkKind, says("关联类型：重复、再次、群体", "Why it belongs here", "duplicate")]
    reported_at: ReportedAt
    narrative: Narrative = None
    redacted: Redacted
    counters: Annotated[Counters, says("累计数", "Counts after this call", {"calls": 3, "duplicates": 1, "repeats": 1})]
