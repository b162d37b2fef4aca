"""What the police decide about a referral that is open: blocks, their lifting, and what is done with a return."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from referral_schemas.envelope import Code, Instant, PublicEvent, says
from referral_schemas.vocabulary import BlockCode, Hop


class SetBy(StrEnum):
    RULE = "rule"
    POLICE = "police"


class ReturnDecision(StrEnum):
    REFER_AGAIN = "refer_again"
    RETAIN = "retain"
    TO_OTHER_BODY = "to_other_body"


class BlockSet(PublicEvent):
    """DOMAIN §1.8: nothing may be contacted, met about, agreed or closed until it is lifted."""

    TYPE: ClassVar[str] = "cn.liandong.intake.block_set.v1"
    MEANS: ClassVar[str] = "出现禁止调解事由，立即暂停 · A block is set: mediation stops at once"
    URGENT: ClassVar[bool] = True

    code: BlockCode
    set_by: Annotated[SetBy, says("由规则或民警设置", "Whether a rule or the police set it", "police")]
    call_id: Annotated[
        UUID | None,
        says(
            "引出该事由的警情；非由警情引出时为空",
            "Call that brought it; null when none did",
            "01997b3c-6a0f-7d52-8e1b-3c5a7d9e1f02",
        ),
    ] = None
    at: Annotated[Instant, says("设置时间", "When it was set", "2026-01-04T02:00:00Z")]


class BlockLifted(PublicEvent):
    """Removes what it names and nothing else: a block set meanwhile stands."""

    TYPE: ClassVar[str] = "cn.liandong.intake.block_lifted.v1"
    MEANS: ClassVar[str] = "禁止调解事由已解除 · A block is lifted"

    code: BlockCode
    lifts: Annotated[
        tuple[int, ...],
        says(
            "所解除的 block_set 事件在本流中的序号",
            "Stream numbers of the block_set events that it removes",
            [4],
            strict=False,
        ),
    ]
    by: Annotated[Code, says("解除人的角色", "Role of the person who lifted it", "police_officer")]
    at: Annotated[Instant, says("解除时间", "When it was lifted", "2026-01-05T01:15:00Z")]


class ReturnDecided(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.intake.return_decided.v1"
    MEANS: ClassVar[str] = "警方对退回警情作出决定 · The police have decided on a call that was returned to them"

    decision: Annotated[
        ReturnDecision,
        says("决定：再次分流、公安自处、转其他部门", "Refer it again, keep it, or pass it to another body", "retain"),
    ]
    decided_at: Annotated[Instant, says("决定时间", "When they decided", "2026-01-08T06:20:00Z")]


class ReferredAgain(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.intake.referred_again.v1"
    MEANS: ClassVar[str] = "警方再次分流同一分流单 · The police refer the same referral again"

    hop: Hop
