"""What followup shows of a watch and its visits."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

import asyncpg
from pydantic import BaseModel, Field

from followup_svc.api.fields import (
    EXAMPLE_ID,
    CategoryField,
    CycleField,
    EscalationField,
    GradeField,
    HaltedField,
    OfficeField,
    OutcomeField,
    ReferralIdField,
    VisitIdField,
)
from followup_svc.domain.closing import ClosingRequest, ClosingState
from followup_svc.domain.gate import broken_rules
from followup_svc.domain.milestone import MilestoneState, MilestoneTold
from followup_svc.domain.obligation import Obligation, ObligationState
from followup_svc.domain.obstacles import Obstacle
from followup_svc.domain.reminder import Reminder
from followup_svc.domain.supervision import SupervisionOrder
from followup_svc.domain.visit import ReturnVisit, VisitState
from followup_svc.domain.watch import WatchState
from followup_svc.store.reading import WatchRead


class ObstacleOut(BaseModel):
    """One condition of the closing gate that is not met. 一项未满足的结案条件。"""

    code: str = Field(description="条件代码。Code of the condition.", examples=["visit_open"])
    zh: str = Field(description="中文说明。In Chinese.", examples=["本轮仍有必访未完成且未免访。"])
    en: str = Field(description="英文说明。In English.", examples=["A mandatory visit is neither done nor waived."])
    basis: str = Field(description="依据。Where it is written.", examples=["DOMAIN §8(8)"])
    subjects: list[str] = Field(description="所涉编号或代码。Ids or codes concerned.", examples=[[EXAMPLE_ID]])

    @classmethod
    def of(cls, obstacle: Obstacle) -> Self:
        return cls(
            code=obstacle.code, zh=obstacle.zh, en=obstacle.en, basis=obstacle.basis, subjects=list(obstacle.subjects)
        )


class VisitOut(BaseModel):
    """One return visit. 一次回访。"""

    visit_id: VisitIdField
    referral_id: ReferralIdField
    number: int = Field(description="本轮第几次回访。Which visit of the round.", examples=[1])
    cycle: CycleField
    state: VisitState = Field(description="回访状态。State of the visit.", examples=["due"])
    due_at: datetime | None = Field(description="应访时间。When it falls due.", examples=["2026-01-13T01:00:00Z"])
    channel: str = Field(description="回访方式代码。How it is to be made.", examples=["phone"])
    mandatory: bool = Field(description="是否必访。Whether closing needs it.", examples=[True])
    tries: int = Field(description="联系不上的次数。Failed tries.", examples=[0])
    visited_at: datetime | None = Field(
        default=None, description="回访时间，未访为空。When it was made.", examples=["2026-01-13T02:00:00Z"]
    )
    outcome: str | None = Field(default=None, description="回访结论，未访为空。What it led to.", examples=["settled"])
    satisfaction: int | None = Field(
        default=None, description="满意度 1–3，未问为空。1 satisfied, 2 basically, 3 not.", examples=[1]
    )
    note_id: UUID | None = Field(
        default=None, description="备注原文编号，未写为空。Id of the note, read under /v1/texts.", examples=[EXAMPLE_ID]
    )
    waived_for: str | None = Field(
        default=None, description="免访原因代码，未免访为空。Why it was waived.", examples=["moved_away"]
    )
    office_code: OfficeField = None

    @classmethod
    def of(cls, visit: ReturnVisit, *, office_code: str | None = None) -> Self:
        report, waiver = visit.report, visit.waiver
        return cls(
            visit_id=visit.visit_id, referral_id=visit.referral_id, number=visit.number, cycle=visit.cycle,
            state=visit.state, due_at=visit.due_at, channel=visit.channel, mandatory=visit.mandatory,
            tries=visit.tries, visited_at=report.visited_at if report else None,
            outcome=report.outcome if report else None, satisfaction=report.satisfaction if report else None,
            note_id=report.note_id if report else None, waived_for=waiver.reason if waiver else None,
            office_code=office_code,
        )  # fmt: skip


class ObligationOut(BaseModel):
    """What an agreement promised. 一项履行义务。"""

    obligation_id: UUID = Field(description="义务编号。Id of the obligation.", examples=[EXAMPLE_ID])
    kind: str = Field(description="义务种类代码。Kind of obligation.", examples=["payment"])
    due_on: date | None = Field(description="履行期限。Day it is due.", examples=["2026-02-06"])
    state: ObligationState = Field(description="履行状态。How it stands.", examples=["open"])

    @classmethod
    def of(cls, one: Obligation) -> Self:
        return cls(obligation_id=one.obligation_id, kind=one.kind, due_on=one.due_on, state=one.state)


class MilestoneOut(BaseModel):
    """How far the source knows a milestone. 一个节点的反馈情况。"""

    fact_id: UUID = Field(description="所据事件编号。Event that is the milestone.", examples=[EXAMPLE_ID])
    milestone: str = Field(description="节点。Which milestone.", examples=["signed"])
    state: MilestoneState = Field(description="反馈状态。How far it was told.", examples=["acknowledged"])

    @classmethod
    def of(cls, one: MilestoneTold) -> Self:
        return cls(fact_id=one.fact_id, milestone=one.milestone, state=one.state)


class ReminderOut(BaseModel):
    """A deadline that was missed. 一项逾期提醒。"""

    service: str = Field(description="时限所属服务。Service that owns the clock.", examples=["triage"])
    clock: str = Field(description="时限名称。Which clock.", examples=["sign_for"])
    due_at: datetime = Field(description="到期时间。When it ran out.", examples=["2026-01-01T05:30:00Z"])
    is_met: bool = Field(description="是否已完成或重新起算。Met since, or begun anew.", examples=[False])
    level: int = Field(description="已提级几级。Levels it went up.", examples=[1])

    @classmethod
    def of(cls, one: Reminder) -> Self:
        return cls(service=one.producer, clock=one.clock, due_at=one.due_at, is_met=one.is_met, level=one.level)


class OrderOut(BaseModel):
    """A supervision order. 一张督办单。"""

    order_id: UUID = Field(description="督办单编号。Id of the order.", examples=[EXAMPLE_ID])
    referral_id: ReferralIdField
    addressee: str = Field(description="督办对象代码。Who must answer.", examples=["310109010-SFS"])
    reason: str = Field(description="督办原因代码。Why.", examples=["overdue"])
    due_at: datetime = Field(description="答复期限。When the answer is due.", examples=["2026-01-07T09:00:00Z"])
    answered_at: datetime | None = Field(
        default=None, description="答复时间，未答复为空。When it was answered.", examples=["2026-01-06T07:00:00Z"]
    )

    @classmethod
    def of(cls, one: SupervisionOrder) -> Self:
        return cls(
            order_id=one.order_id, referral_id=one.referral_id, addressee=one.addressee, reason=one.reason,
            due_at=one.due_at, answered_at=one.answered_at,
        )  # fmt: skip


class ClosingRequestOut(BaseModel):
    """A closing that somebody asked for. 结案申请。"""

    state: ClosingState = Field(
        description="waiting 等待，refused 等待中条件不再满足，done 已结案，overtaken 已失效。"
        "Waiting, refused meanwhile, done, or overtaken by something else.",
        examples=["waiting"],
    )
    asked_at: datetime = Field(description="申请时间。When it was asked for.", examples=["2026-03-06T02:00:00Z"])
    tries: int = Field(description="已尝试次数。Times it was tried.", examples=[1])
    next_try_at: datetime = Field(description="下次尝试时间。When it is tried next.", examples=["2026-03-06T02:00:05Z"])
    waits_for: list[ObstacleOut] = Field(description="等待的条件。What it waits for.", examples=[[]])

    @classmethod
    def of(cls, request: ClosingRequest) -> Self:
        return cls(
            state=request.state, asked_at=request.asked_at, tries=request.tries, next_try_at=request.next_try_at,
            waits_for=[ObstacleOut.of(one) for one in request.obstacles],
        )  # fmt: skip


class WatchOut(BaseModel):
    """The watch over one referral, and what still stands in the way of closing it. 分流单的跟踪及尚缺的结案条件。"""

    referral_id: ReferralIdField
    state: WatchState = Field(description="跟踪状态。State of the watch.", examples=["anchored"])
    cycle: CycleField
    opened_at: datetime = Field(description="跟踪开始时间。When it began.", examples=["2026-01-01T01:30:04.500Z"])
    hop: int = Field(description="第几次派单。Times dispatched.", examples=[1])
    office_code: OfficeField
    category: CategoryField
    grade: GradeField
    halted: HaltedField
    outcome: OutcomeField
    anchored_at: datetime | None = Field(
        description="回访起算时间，未起算为空。What the visits are counted from.", examples=["2026-01-06T08:30:00Z"]
    )
    closed_at: datetime | None = Field(
        description="结案时间，未结案为空。When it was closed.", examples=["2026-03-06T02:00:00Z"]
    )
    escalation: EscalationField
    plan_version: str | None = Field(
        description="回访计划版本，未定为空。Version of the visit plan.", examples=["2026-11-25+506c6030"]
    )
    version: int = Field(description="人员修改次数，即 ETag。Count of people's changes, the ETag.", examples=[3])
    visits: list[VisitOut] = Field(description="本轮回访。Visits of this round.", examples=[[]])
    obligations: list[ObligationOut] = Field(description="履行义务。What was promised.", examples=[[]])
    milestones: list[MilestoneOut] = Field(description="向来源反馈的节点。What the source was told.", examples=[[]])
    reminders: list[ReminderOut] = Field(description="逾期提醒。Deadlines missed.", examples=[[]])
    orders: list[OrderOut] = Field(description="督办单。Supervision orders.", examples=[[]])
    obstacles: list[ObstacleOut] = Field(
        description="尚未满足的结案条件。What still stands in the way of closing.", examples=[[]]
    )
    closing: ClosingRequestOut | None = Field(
        default=None, description="最近的结案申请，没有则为空。The last closing asked for.", examples=[None]
    )

    @classmethod
    def of(cls, read: WatchRead) -> Self:
        watch, course = read.watch, read.course
        is_closed = watch.state is WatchState.CLOSED
        obstacles = [] if is_closed else broken_rules(course, now=read.now)
        if read.request is not None and read.request.state is ClosingState.WAITING:
            obstacles += [one for one in read.request.obstacles if one.code not in {o.code for o in obstacles}]
        return cls(
            referral_id=watch.referral_id, state=watch.state, cycle=watch.cycle, opened_at=watch.opened_at,
            hop=watch.hop, office_code=watch.office_code, category=read.noted.category, grade=read.noted.grade,
            halted=course.is_halted, outcome=watch.outcome, anchored_at=watch.anchor.at if watch.anchor else None,
            closed_at=watch.closed_at, escalation=watch.escalation, plan_version=watch.plan_version,
            version=watch.version,
            visits=[VisitOut.of(one) for one in course.visits if one.state is not VisitState.CANCELLED],
            obligations=[ObligationOut.of(one) for one in course.obligations],
            milestones=[MilestoneOut.of(one) for one in course.milestones],
            reminders=[ReminderOut.of(one) for one in read.reminders],
            orders=[OrderOut.of(one) for one in read.orders],
            obstacles=[ObstacleOut.of(one) for one in obstacles],
            closing=ClosingRequestOut.of(read.request) if read.request else None,
        )  # fmt: skip


class WatchLineOut(BaseModel):
    """A watch in a list. 列表中的一项跟踪。"""

    referral_id: ReferralIdField
    state: WatchState = Field(description="跟踪状态。State of the watch.", examples=["watching"])
    cycle: CycleField
    opened_at: datetime = Field(description="跟踪开始时间。When it began.", examples=["2026-01-01T01:30:04.500Z"])
    office_code: OfficeField
    category: CategoryField
    grade: GradeField
    halted: HaltedField
    overdue: bool = Field(description="是否有未了结的逾期。Whether a missed deadline stands.", examples=[False])
    outcome: OutcomeField
    closed_at: datetime | None = Field(
        description="结案时间，未结案为空。When it was closed.", examples=["2026-03-06T02:00:00Z"]
    )
    escalation: EscalationField

    @classmethod
    def of(cls, row: asyncpg.Record) -> Self:
        return cls.model_validate(dict(row))
