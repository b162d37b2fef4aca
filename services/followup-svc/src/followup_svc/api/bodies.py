"""What people send; every body's first example works as it stands on a fitting referral."""

from typing import Annotated, Literal
from uuid import UUID

from chassis.instants import Instant
from pydantic import BaseModel, ConfigDict, Field

from followup_svc.api.fields import CODE, EXAMPLE_ID, GivenInstant, Note
from followup_svc.domain.visit import Outcome
from followup_svc.use_cases.visiting import RecordVisit

Reason = Annotated[str, Field(pattern=CODE, max_length=60)]
Grade = Literal["red", "orange", "yellow", "blue"]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PerformanceIn(Body):
    """How far one obligation has been performed. 一项义务的履行情况。"""

    obligation_id: UUID = Field(description="义务编号。Id of the obligation.", examples=[EXAMPLE_ID])
    state: Literal["performed", "partly", "not_performed"] = Field(
        description="已履行、部分履行、未履行。How far it is performed.", examples=["performed"]
    )


class RecordVisitIn(Body):
    """A visit that was made. 已完成的回访。"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "visited_at": "2026-01-13T02:00:00Z",
                    "channel": "phone",
                    "reached": [],
                    "performance": [],
                    "satisfaction": 1,
                    "outcome": "settled",
                    "note": "双方表示邻里关系已恢复。",
                }
            ]
        },
    )

    visited_at: GivenInstant
    channel: Reason = Field(description="实际回访方式代码。How it was made.", examples=["phone"])
    reached: list[UUID] = Field(
        default=[], max_length=50, description="访到的当事人编号。Parties who were reached.", examples=[[EXAMPLE_ID]]
    )
    performance: list[PerformanceIn] = Field(
        default=[], max_length=100, description="各项义务履行情况。How far each obligation is performed.", examples=[[]]
    )
    satisfaction: int | None = Field(
        default=None, ge=1, le=3, description="1 满意，2 基本满意，3 不满意。1 satisfied, 2 basically, 3 not.",
        examples=[1],
    )  # fmt: skip
    proposed_grade: Grade | None = Field(
        default=None, description="建议的风险等级。Grade proposed; null to leave it.", examples=["blue"]
    )
    outcome: Outcome = Field(
        description="结论：settled 已解决，continues 继续回访，reopen 建议重启，escalate 提级。What it leads to.",
        examples=["settled"],
    )
    note: Note = None

    def command(self, *, by: str) -> RecordVisit:
        return RecordVisit(
            self.visited_at, self.channel, self.outcome.value, by, self.satisfaction, self.proposed_grade,
            tuple(self.reached), tuple((one.obligation_id, one.state) for one in self.performance), self.note,
        )  # fmt: skip


class MissVisitIn(Body):
    """Nobody was reached. 未能联系上当事人。"""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "两次拨打无人接听。"}]})

    note: Note = None


class WaiveVisitIn(Body):
    """Why no visit is made. 免访。"""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "moved_away", "note": "当事人已迁往外省。"}]}
    )

    reason: Reason = Field(
        description="原因代码：unreachable（须已联系满次数）、party_declines_visits、moved_away、deceased、"
        "same_matter_in_court、served_by_other_body。Why, from the list of reasons.",
        examples=["moved_away"],
    )
    note: Note = None


class EscalateIn(Body):
    """Up one level. 提级。"""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "second_failure"}]})

    reason: Reason = Field(
        description="原因代码：overdue、red_grade、mass、cross_department、second_failure、complaint、visit_finding。"
        "Why, from the list of reasons.",
        examples=["second_failure"],
    )


class SuperviseIn(Body):
    """An answer is demanded. 督办。"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"addressee": "310109010-SFS", "due": "2099-01-07T09:00:00Z", "reason": "overdue"}]
        },
    )

    addressee: str = Field(
        pattern=r"^[0-9A-Za-z][0-9A-Za-z-]{0,39}$",
        description="督办对象的机构代码。Organisation that must answer.",
        examples=["310109010-SFS"],
    )
    due: Instant = Field(
        description="答复期限，须晚于现在。When the answer is due, later than now.", examples=["2099-01-07T09:00:00Z"]
    )
    reason: Reason = Field(
        description="原因代码：overdue、repeated_calls、public_attention、superior_instruction、complaint。"
        "Why, from the list of reasons.",
        examples=["overdue"],
    )


class AnswerIn(Body):
    """The answer to a supervision order. 督办答复。"""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "已于今日签收并联系双方。"}]})

    note: str = Field(
        min_length=1,
        max_length=2000,
        description="答复内容，加密保存。The answer, kept sealed.",
        examples=["已于今日签收并联系双方。"],
    )


class CloseIn(Body):
    """Closing is asked for. 申请结案。"""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})

    outcome: Reason | None = Field(
        default=None,
        description="所认为的结果；填写时须与已知结果一致。The outcome as you know it; must be the one known here.",
        examples=["agreed"],
    )


class ReopenIn(Body):
    """A closed referral is taken up again. 重新办理。"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"target": "mediation", "reason": "agreement_not_kept", "note": "对方仍未履行。"}]
        },
    )

    target: Literal["triage", "mediation"] = Field(
        description="由分流或调解重新办理。Who takes it up.", examples=["mediation"]
    )
    reason: Reason = Field(
        description="原因代码：agreement_not_kept、agreement_invalid、new_conflict、closed_in_error、party_asks、"
        "repeat_call。Why, from the list of reasons.",
        examples=["agreement_not_kept"],
    )
    note: Note = None
