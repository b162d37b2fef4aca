"""What followup states about return visits (回访): when they are due, what was seen, which were waived."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from referral_schemas.envelope import Code, Instant, Part, PublicEvent, says
from referral_schemas.vocabulary import Cycle, Grade, ObligationId, StaffId

VisitId = Annotated[UUID, says("回访编号", "Id of the visit", "01997c80-4b10-7d22-9e3f-405162738495")]
VisitChannel = Annotated[Code, says("回访方式代码", "How the visit is made", "in_person")]


class PerformanceState(StrEnum):
    PERFORMED = "performed"
    PARTLY = "partly"
    NOT_PERFORMED = "not_performed"


class VisitOutcome(StrEnum):
    """What the visitor proposes; followup's rules decide."""

    SETTLED = "settled"
    CONTINUES = "continues"
    REOPEN = "reopen"
    ESCALATE = "escalate"


class PlannedVisit(Part):
    visit_id: VisitId
    number: Annotated[int, says("本轮第几次回访，自 1 起", "Which visit of this round, from 1", 1, ge=1)]
    due_at: Annotated[Instant, says("应访时间", "When it is due", "2026-01-13T16:00:00Z")]
    channel: VisitChannel
    mandatory: Annotated[bool, says("必访", "The referral cannot be closed without it", True)]


class PerformanceSeen(Part):
    obligation_id: ObligationId
    state: Annotated[PerformanceState, says("履行情况", "How far it has been performed", "performed")]


class PlanChanged(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.followup.plan_changed.v1"
    MEANS: ClassVar[str] = "回访计划已定或变更 · The visits of this round have been planned anew"

    cycle: Cycle
    plan_version: Annotated[str, says("回访计划规则版本", "Version of the plan rules", "visits-2026.1")]
    reason: Annotated[Code, says("变更原因代码", "Why", "agreement_effective")]
    visits: Annotated[
        tuple[PlannedVisit, ...],
        says(
            "计划内的全部回访",
            "All visits of the plan",
            [
                {
                    "visit_id": "01997c80-4b10-7d22-9e3f-405162738495",
                    "number": 1,
                    "due_at": "2026-01-13T16:00:00Z",
                    "channel": "in_person",
                    "mandatory": True,
                }
            ],
            strict=False,
        ),
    ]


class VisitRecorded(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.followup.visit_recorded.v1"
    MEANS: ClassVar[str] = "回访已记录 · A return visit has been made"

    visit_id: VisitId
    visited_at: Annotated[Instant, says("回访时间", "When it was made", "2026-01-13T02:00:00Z")]
    channel: VisitChannel
    reached: Annotated[
        tuple[UUID, ...],
        says("访到的当事人", "Parties who were reached", ["01997b3c-6a10-7c4e-9f21-0b8d4f6a2e01"], strict=False),
    ]
    performance: Annotated[
        tuple[PerformanceSeen, ...],
        says(
            "各项义务的履行情况",
            "How far each obligation has been performed",
            [{"obligation_id": "01997c11-2a40-7e31-8b5c-9d0e1f2a3b41", "state": "performed"}],
            strict=False,
        ),
    ]
    satisfaction: Annotated[
        int | None,
        says(
            "满意度：1 满意，2 基本满意，3 不满意",
            "1 satisfied, 2 basically, 3 not; null when not asked",
            1,
            ge=1,
            le=3,
        ),
    ] = None
    proposed_grade: Annotated[
        Grade | None, says("建议的风险等级；不建议调整时为空", "Grade proposed; null to leave it", "blue")
    ] = None
    outcome: Annotated[
        VisitOutcome, says("回访结论：已解决、继续、重启、提级", "What the visitor concludes", "settled")
    ]


class VisitWaived(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.followup.visit_waived.v1"
    MEANS: ClassVar[str] = "免访 · A person with the right has waived a visit"

    visit_id: VisitId
    reason: Annotated[Code, says("免访原因代码", "Why, from the list of reasons", "parties_ask_not_to_be_visited")]
    by: StaffId
