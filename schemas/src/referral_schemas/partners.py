"""What partners are told of a referral: no person, no word of anybody, nothing narrower than a sub-district.

Nine life-cycle types share one body; the status is the same with the instant it was read, as a state transfer.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from referral_schemas.envelope import Code, Instant, PublicEvent, says
from referral_schemas.vocabulary import Category, Cycle, Grade


class PartnerReferral(PublicEvent):
    """One body for all of LIFE_CYCLE; `notify` is given the type."""

    TYPE: ClassVar[str] = "cn.liandong.referral.opened.v1"
    MEANS: ClassVar[str] = "分流单生命周期 · A step in the life of a referral"

    category: Annotated[Category | None, says("纠纷类别；未定时为空", "Category; null until judged", "neighbour")] = (
        None
    )
    grade: Annotated[Grade | None, says("风险等级；未定时为空", "Risk grade; null until judged", "yellow")] = None
    area_code: Annotated[
        str | None, says("行政区划代码，到街道为止", "Area, at best of the sub-district", "310109010")
    ] = None
    office_code: Annotated[
        str | None, says("司法所代码；派单前为空", "Judicial office; null before dispatch", "310109010-SFS")
    ] = None
    state: Annotated[Code, says("当前状态", "State after this step", "dispatched")]
    cycle: Cycle
    version: Annotated[
        int, says("本单的消息版本；不高于已读者即丢弃", "Number per referral; drop what is not higher", 3, ge=1)
    ]
    at: Annotated[Instant, says("发生时间", "When it happened", "2026-01-01T01:30:04Z")]


class ReferralStatus(PartnerReferral):
    TYPE: ClassVar[str] = "cn.liandong.referral.status.v1"
    MEANS: ClassVar[str] = "分流单当前状态，整份 · The whole present state of a referral"

    as_of: Annotated[Instant, says("读取此状态的时间", "When this state was read", "2026-01-01T01:30:05Z")]


LIFE_CYCLE = {
    "cn.liandong.referral.opened.v1": "分流单生成 · The referral exists",
    "cn.liandong.referral.dispatched.v1": "已派单 · An office has been given the referral",
    "cn.liandong.referral.signed.v1": "已签收 · The office has signed for it",
    "cn.liandong.referral.accepted.v1": "已受理 · A mediation committee has accepted the case",
    "cn.liandong.referral.agreed.v1": "协议生效 · An agreement has taken effect",
    "cn.liandong.referral.ended.v1": "未达成协议而终结 · It ended without an agreement",
    "cn.liandong.referral.closed.v1": "已结案 · The closing gate was passed",
    "cn.liandong.referral.reopened.v1": "已重新办理 · It is open again",
    "cn.liandong.referral.returned.v1": "已退回公安 · It went back to the police",
}
