"""What people send and get at the desk of calls."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

from intake_svc.api.wording import says
from intake_svc.domain.call import Call, Decided
from intake_svc.domain.decisions import Decision, ReturnDecision
from intake_svc.domain.feedback import Feedback, Milestone

CALL_ID = "01997b3c-6a0f-7d52-8e1b-3c5a7d9e1f02"
REFERRAL_ID = "01997b3c-6a0f-7d52-8e1b-3c5a7d9e1f03"
Word = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_]+$")]
Note = Annotated[str | None, StringConstraints(max_length=2000)]
_NOTE = "备注，加密保存", "Note, kept sealed"


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScreenIn(_In):
    """人工甄别的结论。A screener's decision."""

    decision: Decision = says(
        "refer 分流，retain 公安自处，to_other_body 转其他部门，invalid 无效，link 并入已有分流单",
        "Refer it, leave it with the police, pass it to another body, call it invalid, or join it to an open referral",
        "refer",
    )
    reason: Word = says("理由代码，见 rules/decisions.yaml", "Reason, a code of the list", "civil_dispute")
    body_code: Word | None = says(
        "接收部门代码，转其他部门时必填", "The other body, when passed on", None, default=None
    )
    link_to: UUID | None = says("并入的分流单，并入时必填", "Referral to join, when joined", None, default=None)
    note: Note = says(*_NOTE, "已电话核实，双方无肢体冲突。", default=None)


class BlockIn(_In):
    """设置不得调解的情形。Set a block."""

    code: Word = says("情形代码，见 rules/blocks.yaml", "Code of the block", "X_DV")
    reason: Word = says("理由代码", "Reason, a code of the list", "officer_report")
    note: Note = says(*_NOTE, "现场民警反馈有家庭暴力情节。", default=None)


class LiftIn(_In):
    """解除不得调解的情形。Lift a block."""

    reason: Word = says("理由代码", "Reason, a code of the list", "checked_unfounded")
    note: Note = says(*_NOTE, "经核查系口角，无暴力。", default=None)


class ReturnDecisionIn(_In):
    """公安对退回警情的决定。The police's decision on what came back."""

    decision: ReturnDecision = says(
        "refer_again 再次分流，retain 公安自处，to_other_body 转其他部门",
        "Refer it again, keep it, or pass it to another body",
        "refer_again",
    )
    body_code: Word | None = says(
        "接收部门代码，转其他部门时必填", "The other body, when passed on", None, default=None
    )
    note: Note = says(*_NOTE, "已批评教育，民事部分再次分流。", default=None)


class WithdrawIn(_In):
    """来源撤销警情。The source takes a call back."""

    note: Note = says(*_NOTE, "报警人称已自行解决。", default=None)


class AcknowledgeIn(_In):
    """来源确认收到反馈。The source has what it was told."""

    fact_id: UUID | None = says(
        "只确认某一次反馈时填写；不填即该节点全部", "That telling alone; else all of the milestone", None, default=None
    )


class WaiveIn(_In):
    """不再等待来源确认。Wait for the source no longer."""

    reason: Word = says("理由代码", "Reason, a code of the list", "source_silent")
    note: Note = says(*_NOTE, "已电话告知指挥中心。", default=None)


class DecidedOut(BaseModel):
    """最近一次人工决定。The last decision of a person."""

    decision: str = says("决定", "What was decided", "refer")
    reason: str = says("理由代码", "Reason", "civil_dispute")
    role: str = says("决定人角色", "Role of who decided", "screener")
    by: str = says("决定人", "Who decided", "hk-screener-0003")
    at: datetime = says("决定时间", "When", "2026-01-01T13:40:00Z")
    body_code: str | None = says("接收部门代码", "The other body", None, default=None)
    note_id: UUID | None = says("备注编号", "Id of the note", None, default=None)

    @classmethod
    def of(cls, decided: Decided) -> "DecidedOut":
        return cls(
            decision=decided.decision, reason=decided.reason, role=decided.role, by=decided.by, at=decided.at,
            body_code=decided.body_code, note_id=decided.note_id,
        )  # fmt: skip


class BlockOut(BaseModel):
    """不得调解的情形。A block."""

    code: str = says("代码", "Code", "X_DV")
    set_by: str = says("rule 规则，police 公安", "Set by a rule or by the police", "police")
    set_at: datetime = says("设置时间", "When it was set", "2026-01-01T13:40:00Z")
    reason: str | None = says("理由代码", "Reason", "officer_report", default=None)
    note_id: UUID | None = says("备注编号", "Id of the note", None, default=None)
    halts: UUID | None = says("因此暂停的分流单", "Referral that it halts", REFERRAL_ID, default=None)
    lifted_at: datetime | None = says("解除时间；空为仍有效", "When it was lifted; null: it stands", None, default=None)
    lifted_by: str | None = says("解除人角色", "Role of who lifted it", None, default=None)
    lift_reason: str | None = says("解除理由代码", "Why it was lifted", None, default=None)
    lift_note_id: UUID | None = says("解除备注编号", "Id of the note on lifting", None, default=None)


class CallDecided(BaseModel):
    """操作后的警情。The call after the act."""

    call_id: UUID = says("警情编号", "Our id of the call", CALL_ID)
    source: str = says("来源系统", "Sending system", "hongkou-110")
    call_no: str = says("接警单编号", "The source's number", "310109202601010001")
    state: str = says("状态", "State", "awaiting_screener")
    version: int = says("内容版本", "Version of its content", 1)
    referral_id: UUID = says("分流单编号", "Its own referral", REFERRAL_ID)
    linked_to: UUID | None = says("并入的分流单", "Referral it joined", None, default=None)
    errand: str | None = says(
        "待系统执行：refer 分流，link 并入，warn 通知已在办的分流单，recheck 更正后再次甄别；完成后为空",
        "What the worker is still to do: refer, link, warn an open referral, recheck a correction; null when done",
        "refer",
        default=None,
    )
    blocks: list[str] = says("仍有效的情形代码", "Codes of the blocks that stand", [])
    decided: DecidedOut | None = says("最近一次人工决定", "The last decision of a person", None, default=None)

    @classmethod
    def of(cls, call: Call, blocks: list[str]) -> "CallDecided":
        return cls(
            call_id=call.call_id, source=call.source, call_no=call.call_no, state=call.state.value,
            version=call.version, referral_id=call.referral_id, linked_to=call.linked_to,
            errand=call.errand.value if call.errand else None, blocks=blocks,
            decided=DecidedOut.of(call.decided) if call.decided else None,
        )  # fmt: skip


class FeedbackOut(BaseModel):
    """一次反馈。One telling."""

    milestone: Milestone = says("节点：签收、受理、结果、结案", "Signed, accepted, result or closed", "signed")
    fact_id: UUID = says("所据事件编号", "Id of the event behind it", "01997b4a-10c2-7f03-a1b2-c3d4e5f60712")
    outcome: str | None = says("结果代码", "Outcome", None, default=None)
    at: datetime = says("节点发生时间", "When it was reached", "2026-01-01T14:10:00Z")
    version: int = says("本警情的第几次反馈", "Number among the tellings of this call", 1)
    state: str = says(
        "pending 待送达，delivered 已送达，acknowledged 已确认，failed 未送达，waived 已免除",
        "Pending, delivered, acknowledged, failed or waived",
        "delivered",
    )
    awaits_acknowledgement: bool = says("须来源确认", "The source is to acknowledge it", False)
    is_settled: bool = says("已了结", "Nobody is waited for", True)
    delivered_at: datetime | None = says("送达时间", "When it was delivered", "2026-01-01T14:10:01Z", default=None)
    settled_at: datetime | None = says("了结时间", "When it was settled", "2026-01-01T14:10:01Z", default=None)
    waived_by: str | None = says("免除人", "Who waived it", None, default=None)
    reason: str | None = says("免除或失败的理由", "Why it was waived or failed", None, default=None)
    note_id: UUID | None = says("备注编号", "Id of the note", None, default=None)

    @classmethod
    def of(cls, told: Feedback) -> "FeedbackOut":
        return cls(
            milestone=told.milestone, fact_id=told.fact_id, outcome=told.outcome, at=told.at, version=told.version,
            state=told.state.value, awaits_acknowledgement=told.awaits_acknowledgement, is_settled=told.is_settled,
            delivered_at=told.delivered_at, settled_at=told.settled_at, waived_by=told.waived_by, reason=told.reason,
            note_id=told.note_id,
        )  # fmt: skip


class FeedbackList(BaseModel):
    """一通报警的全部反馈。Everything its source was told of a call."""

    items: list[FeedbackOut] = says("各次反馈，先后有序", "The tellings, in order", [])


class CallOrder(StrEnum):
    OLDEST = "oldest"
    NEWEST = "newest"


class CallListed(BaseModel):
    """工作清单中的一通报警，不含个人信息。A call in the work list; no personal data."""

    call_id: UUID = says("警情编号", "Our id of the call", CALL_ID)
    source: str = says("来源系统", "Sending system", "hongkou-110")
    call_no: str = says("接警单编号", "The source's number", "310109202601010001")
    state: str = says("状态", "State", "awaiting_screener")
    version: int = says("内容版本", "Version of its content", 1)
    referral_id: UUID = says("分流单编号", "Its own referral", REFERRAL_ID)
    linked_to: UUID | None = says("并入的分流单", "Referral it joined", None, default=None)
    station_code: str | None = says("管辖派出所代码", "Police station in charge", "310109010-PCS1", default=None)
    reported_at: datetime = says("报警时间", "When it was reported", "2026-01-01T13:30:00Z")
    received_at: datetime = says("收到时间", "When it was received", "2026-01-01T13:35:01.125000Z")
    category: str | None = says("映射后的警情类别", "Our category of the call", "DISPUTE", default=None)
    blocks: list[str] = says("仍有效的情形代码", "Codes of the blocks that stand", [])
    errand: str | None = says("待系统执行的事项", "What the worker is still to do", None, default=None)
    due_at: datetime | None = says("办理期限", "When it is due at this desk", "2026-01-01T13:45:01Z", default=None)
    overdue: bool = says("已超期", "Its time at this desk is over", False)
