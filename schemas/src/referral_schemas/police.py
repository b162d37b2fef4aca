"""What the source of a call is told on its feedback topic, one record per milestone, and what it says to that."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from referral_schemas.envelope import NUMBER_LIMIT, Code, Instant, PublicEvent, says
from referral_schemas.vocabulary import TRACKING_CODE, CallNo, Milestone, Source


class MilestoneTold(PublicEvent):
    """Sent again until it is acknowledged where the source acknowledges; `version` grows per call."""

    TYPE: ClassVar[str] = "cn.liandong.police.milestone.v1"
    MEANS: ClassVar[str] = "警情办理节点反馈 · A milestone of a call, told to its source"

    source: Source
    call_no: CallNo
    tracking_code: Annotated[
        str, says("一案一码", "Tracking code, as shown to people", "LD-7K3M9-QX2TB-J"), Field(pattern=TRACKING_CODE)
    ]
    milestone: Annotated[
        Milestone, says("反馈节点：签收、受理、结果、结案", "Signed, accepted, result or closed", "result")
    ]
    outcome: Annotated[
        Code | None,
        says("结果代码；仅结果与结案节点有值", "Outcome, for result and closed only; else null", "agreement_effective"),
    ] = None
    at: Annotated[Instant, says("节点发生时间", "When the milestone was reached", "2026-01-06T08:30:00Z")]
    version: Annotated[
        int, says("本警情的消息版本；不高于已读者即丢弃", "Number per call; drop what is not higher", 3, ge=1)
    ]
    awaits_acknowledgement: Annotated[bool, says("须确认收到", "An acknowledgement is expected", True)]


class MilestoneConfirmed(PublicEvent):
    """By a source whose profile says that it confirms by topic; said again, no harm. Nothing else settles its wait."""

    TYPE: ClassVar[str] = "cn.liandong.police.milestone_confirmed.v1"
    MEANS: ClassVar[str] = "来源单位确认收到节点反馈 · The source of a call has what it was told of a milestone"

    source: Source
    call_no: CallNo
    milestone: Annotated[Milestone, says("所确认的反馈节点", "The milestone that it was told", "result")]
    version: Annotated[
        int, says("所确认反馈消息的 version", "The version of the record that told it", 3, ge=1, lt=NUMBER_LIMIT)
    ]
