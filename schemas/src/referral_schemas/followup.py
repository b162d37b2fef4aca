"""What followup states about a referral: it is watched, escalated, closed, opened anew. Visits: `visits`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from referral_schemas.envelope import Code, Instant, PublicEvent, says
from referral_schemas.shared_facts import BREACHED, HALTED, MET, SET, DeadlinePassed, DeadlinesMet, DeadlinesSet, Halted
from referral_schemas.shared_facts import ClockMet as ClockMet
from referral_schemas.shared_facts import ClockSet as ClockSet
from referral_schemas.visits import PerformanceSeen as PerformanceSeen
from referral_schemas.visits import PerformanceState as PerformanceState
from referral_schemas.visits import PlanChanged as PlanChanged
from referral_schemas.visits import PlannedVisit as PlannedVisit
from referral_schemas.visits import VisitOutcome as VisitOutcome
from referral_schemas.visits import VisitRecorded as VisitRecorded
from referral_schemas.visits import VisitWaived as VisitWaived
from referral_schemas.vocabulary import Cycle

OrderId = Annotated[UUID, says("督办单编号", "Id of the supervision order", "01997d20-5c10-7a42-b3d4-e5f607182931")]


class ReopenTarget(StrEnum):
    """Who takes the referral up again."""

    TRIAGE = "triage"
    MEDIATION = "mediation"


class WatchOpened(PublicEvent):
    """The referral is watched until the gate closes it; a reopened one begins a new cycle."""

    TYPE: ClassVar[str] = "cn.liandong.followup.watch_opened.v1"
    MEANS: ClassVar[str] = "开始跟踪 · The referral is watched from now on"

    cycle: Cycle
    opened_at: Annotated[Instant, says("跟踪开始时间", "When watching began", "2026-01-01T01:30:04.500Z")]


class ReferralEscalated(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.followup.referral_escalated.v1"
    MEANS: ClassVar[str] = "已提级 · The referral has been escalated by a level"

    level: Annotated[int, says("提级级数，自 1 起", "Level reached, from 1", 1, ge=1)]
    reason: Annotated[Code, says("提级原因代码", "Why", "deadline_breached")]
    clock: Annotated[
        Code | None, says("逾期的时限；非因逾期时为空", "Limit that ran out; null when none did", "sign_for")
    ] = None


class SupervisionOrdered(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.followup.supervision_ordered.v1"
    MEANS: ClassVar[str] = "已督办 · A supervisor demands an answer"

    order_id: OrderId
    addressee: Annotated[str, says("督办对象的机构代码", "Organisation that must answer", "310109010-SFS")]
    due_at: Annotated[Instant, says("答复期限", "When the answer is due", "2026-01-07T09:00:00Z")]
    reason: Annotated[Code, says("督办原因代码", "Why, from the list of reasons", "overdue")]


class SupervisionAnswered(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.followup.supervision_answered.v1"
    MEANS: ClassVar[str] = "督办已答复 · A supervision order has been answered"

    order_id: OrderId
    answered_at: Annotated[Instant, says("答复时间", "When it was answered", "2026-01-06T07:00:00Z")]


class ReferralReopened(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.followup.referral_reopened.v1"
    MEANS: ClassVar[str] = "已重新办理 · The referral is open again"

    cycle: Annotated[int, says("重开后的轮次，自 2 起", "The round that begins, from 2", 2, ge=2)]
    target: Annotated[ReopenTarget, says("由分流或调解重新办理", "Who takes it up: triage or mediation", "mediation")]
    reason: Annotated[Code, says("重开原因代码", "Why", "agreement_breached")]


class ReferralClosed(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.followup.referral_closed.v1"
    MEANS: ClassVar[str] = "已结案 · The referral has passed the closing gate"

    cycle: Cycle
    outcome: Annotated[Code, says("结案结果", "With what outcome", "agreement_performed")]
    closed_at: Annotated[Instant, says("结案时间", "When it was closed", "2026-03-06T02:00:00Z")]
    positions: Annotated[
        dict[str, int],
        says(
            "结案时各服务本单事件已处理到的序号",
            "How far each service's stream of this referral had been applied",
            {"intake": 5, "mediation": 9, "triage": 5},
        ),
    ]


class ReferralHalted(Halted):
    TYPE: ClassVar[str] = "cn.liandong.followup.referral_halted.v1"
    MEANS: ClassVar[str] = HALTED


class DeadlineSet(DeadlinesSet):
    TYPE: ClassVar[str] = "cn.liandong.followup.deadline_set.v1"
    MEANS: ClassVar[str] = SET


class DeadlineMet(DeadlinesMet):
    TYPE: ClassVar[str] = "cn.liandong.followup.deadline_met.v1"
    MEANS: ClassVar[str] = MET


class DeadlineBreached(DeadlinePassed):
    TYPE: ClassVar[str] = "cn.liandong.followup.deadline_breached.v1"
    MEANS: ClassVar[str] = BREACHED
