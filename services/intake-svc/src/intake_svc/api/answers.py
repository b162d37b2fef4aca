"""What POST and GET of a call answer, as published; the hot path writes the same shape by hand."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from intake_svc.api.desk_models import BlockOut, DecidedOut, FeedbackOut


def _says(zh: str, en: str, example: object) -> Any:
    return Field(description=f"{zh}。{en}.", examples=[example])


class WarningOut(BaseModel):
    """一处提示，不影响受理。Something odd that did not keep the call from being accepted."""

    field: str = _says(
        "字段名；不像标识符的以其在报文中的次序代之，如 #7",
        "The field's name; where it is no plain identifier, its position in the body, such as #7",
        "vehicle_colour",
    )
    code: str = _says("提示代码", "What about it", "unknown_field")


class CallAccepted(BaseModel):
    """已受理并落盘。Accepted, and on disk."""

    call_id: UUID = _says("警情编号", "Our id of the call", "01997b3c-6a0f-7d52-8e1b-3c5a7d9e1f02")
    source: str = _says("来源系统", "Sending system", "hongkou-110")
    call_no: str = _says("接警单编号", "The source's number", "310109202601010001")
    version: int = _says("当前版本号", "Number of the current version", 1)
    state: str = _says("状态", "State", "received")
    referral_id: UUID = _says("预留的分流单编号", "Referral reserved for it", "01997b3c-6a0f-7d52-8e1b-3c5a7d9e1f03")
    tracking_code: str = _says("一案一码", "Tracking code", "LD-7K3M9-QX2TB-J")
    linked_to: UUID | None = _says("并入的分流单", "Referral it joined", None)
    received_at: datetime = _says("收到时间", "When it was received", "2026-01-01T13:35:01.125000Z")
    superseded: bool | None = Field(
        default=None,
        description="较旧的版本，仅存为历史。Older than the current version, kept as history.",
        examples=[True],
    )
    warnings: list[WarningOut] = _says("提示", "Warnings", [{"field": "vehicle_colour", "code": "unknown_field"}])


class VersionOut(BaseModel):
    """收到的一个版本。One version that came."""

    version: int | None = _says("版本号；从未生效的为空", "Number; null if it never was current", 1)
    kind: str = _says("current 当前，older 历史，conflict 冲突", "current, older or conflict", "current")
    updated_at: datetime | None = _says("来源更新时间", "The source's updated_at", "2026-01-01T13:35:00Z")
    received_at: datetime = _says("收到时间", "When it came", "2026-01-01T13:35:01.125000Z")


class ReasonOut(BaseModel):
    """甄别的一条理由。One reason of the screening."""

    rule: str = _says("规则", "Rule", "weapon_used")
    block: str | None = _says("不得调解的情形代码", "Code of the block, if it is one", "X_SELF_HARM")
    zh: str = _says("理由", "Reason in Chinese", "涉及刀具器械")
    en: str = _says("英文理由", "Reason in English", "a weapon is involved")


class ScreeningOut(BaseModel):
    """首次甄别。The first screening."""

    outcome: str = _says("结论", "Outcome", "referred")
    rule_version: str = _says("规则版本", "Version of the rules", "2026-11-25.1")
    category: str | None = _says("映射后的警情类别", "Our category of the call", "DISPUTE")
    reasons: list[ReasonOut] = _says("理由", "Reasons", [])


class MilestoneOut(BaseModel):
    """一个里程碑。One milestone."""

    milestone: str = _says("里程碑", "What happened", "received")
    at: datetime = _says("时间", "When", "2026-01-01T13:35:01.125000Z")


class CallOut(BaseModel):
    """一通报警的现状，不含个人信息。Where a call stands; no personal data."""

    call_id: UUID = _says("警情编号", "Our id of the call", "01997b3c-6a0f-7d52-8e1b-3c5a7d9e1f02")
    source: str = _says("来源系统", "Sending system", "hongkou-110")
    call_no: str = _says("接警单编号", "The source's number", "310109202601010001")
    state: str = _says("状态", "State", "referred")
    version: int = _says("当前版本号", "Number of the current version", 1)
    referral_id: UUID = _says("分流单编号", "Its own referral", "01997b3c-6a0f-7d52-8e1b-3c5a7d9e1f03")
    tracking_code: str = _says("一案一码", "Tracking code", "LD-7K3M9-QX2TB-J")
    linked_to: UUID | None = _says("并入的分流单", "Referral it joined", None)
    station_code: str | None = _says("管辖派出所代码", "Police station in charge", "310109010-PCS1")
    reported_at: datetime = _says("报警时间", "When it was reported", "2026-01-01T13:30:00Z")
    received_at: datetime = _says("收到时间", "When it was received", "2026-01-01T13:35:01.125000Z")
    errand: str | None = _says("待系统执行的事项", "What the worker is still to do", None)
    decided: DecidedOut | None = _says("最近一次人工决定", "The last decision of a person", None)
    blocks: list[BlockOut] = _says("不得调解的情形，含已解除的", "Blocks, lifted ones too", [])
    screening: ScreeningOut | None = _says("甄别；尚未甄别为空", "The screening; null before it", None)
    versions: list[VersionOut] = _says("全部版本", "Every version that came", [])
    milestones: list[MilestoneOut] = _says("里程碑", "Milestones", [])
    feedback: list[FeedbackOut] = _says("向来源的反馈", "What the source was told", [])
