"""What was said to the source of a call, milestone by milestone, and what came back. Only intake speaks to a source."""

from __future__ import annotations

from typing import Annotated, ClassVar
from uuid import UUID

from referral_schemas.envelope import Code, Instant, PublicEvent, says
from referral_schemas.vocabulary import Milestone, StaffId

Which = Annotated[
    Milestone, says("反馈节点：签收、受理、结果、结案", "Which milestone: signed, accepted, result or closed", "signed")
]
FactId = Annotated[
    UUID, says("该节点所据事件的编号", "Id of the event that is the milestone", "01997b4a-10c2-7f03-a1b2-c3d4e5f60712")
]


class FeedbackDelivered(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.intake.feedback_delivered.v1"
    MEANS: ClassVar[str] = "节点已反馈来源单位 · The source has been told of a milestone"

    milestone: Which
    fact_id: FactId
    awaits_acknowledgement: Annotated[
        bool, says("来源单位须确认收到", "The source is expected to acknowledge it", True)
    ]
    delivered_at: Annotated[Instant, says("反馈时间", "When it was told", "2026-01-01T02:10:01Z")]


class FeedbackAcknowledged(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.intake.feedback_acknowledged.v1"
    MEANS: ClassVar[str] = "来源单位已确认反馈 · The source has acknowledged a milestone"

    milestone: Which
    fact_id: FactId
    acknowledged_at: Annotated[Instant, says("确认时间", "When it acknowledged", "2026-01-01T02:15:30Z")]


class FeedbackFailed(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.intake.feedback_failed.v1"
    MEANS: ClassVar[str] = "反馈未能送达 · A milestone could not be told"

    milestone: Which
    fact_id: FactId
    reason: Annotated[Code, says("未送达原因代码", "Why not", "no_acknowledgement_in_time")]


class FeedbackWaived(PublicEvent):
    """A silent source is waived by a named person, never forgotten."""

    TYPE: ClassVar[str] = "cn.liandong.intake.feedback_waived.v1"
    MEANS: ClassVar[str] = "反馈确认已免除 · A person has waived the acknowledgement of a milestone"

    milestone: Which
    fact_id: FactId
    by: StaffId
    reason: Annotated[Code, says("免除原因代码", "Why, from the list of reasons", "source_confirmed_by_phone")]
