"""What triage states about a referral: how it was judged, and to which office it went."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from referral_schemas.envelope import Code, Instant, Part, PublicEvent, says


class Category(StrEnum):
    """DOMAIN §3.7: drives routing. What the police keep is a screening outcome and never stands here."""

    FAMILY = "family"
    NEIGHBOUR = "neighbour"
    MEDICAL = "medical"
    MARITAL = "marital"
    OTHER = "other"


class Grade(StrEnum):
    """DOMAIN §4.3: risk of turning criminal, gravest first."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    BLUE = "blue"


class Office(Part):
    code: Annotated[str, says("司法所代码", "Code of the judicial office", "310109010-SFS")]
    name: Annotated[str, says("司法所名称", "Name of the judicial office", "曲阳路司法所")]


class ClockSet(Part):
    """One limit that runs from this dispatch."""

    clock: Annotated[Code, says("时限名称", "Which clock", "sign_for")]
    due_at: Annotated[Instant, says("到期时间", "When it runs out", "2026-01-01T05:30:00Z")]
    rule: Annotated[str, says("时限规则版本", "Version of the rule that set it", "clocks-2026.1")]
    calendar: Annotated[str, says("工作日历版本", "Version of the working-day calendar", "cn-2026.1")]


DecisionId = Annotated[
    UUID, says("研判记录编号", "Decision, readable at triage", "01997b3c-6c80-7b1d-a2c3-d4e5f6071829")
]


class ReferralClassified(PublicEvent):
    """The referral has its category and its first grade."""

    TYPE: ClassVar[str] = "cn.liandong.triage.referral_classified.v1"

    category: Annotated[Category, says("纠纷类别", "Category of the dispute", "neighbour")]
    confidence: Annotated[float, says("可信度", "How sure, 0 to 1", 0.87, ge=0, le=1)]
    runner_up: Annotated[Category | None, says("次选类别", "Second likeliest category", "family")] = None
    grade: Annotated[Grade, says("风险等级", "Risk grade", "yellow")]
    review: Annotated[bool, says("须人工复核", "A person must look at it", False)]
    reasons: Annotated[
        tuple[str, ...],
        says("触发的规则，不含原文", "Rules that fired, never the caller's words", ["neighbour:noise"], strict=False),
    ]
    decision_id: DecisionId
    versions: Annotated[
        dict[str, str],
        says("所用规则版本", "Version of each rule set used", {"grades": "2026.1", "keywords": "2026.1"}),
    ]


class ReferralDispatched(PublicEvent):
    """A judicial office has been given the referral."""

    TYPE: ClassVar[str] = "cn.liandong.triage.referral_dispatched.v1"

    office: Annotated[Office, says("司法所", "Judicial office", {"code": "310109010-SFS", "name": "曲阳路司法所"})]
    hop: Annotated[int, says("第几次派单，自 1 起", "How many times dispatched, from 1", 1, ge=1)]
    decision_id: DecisionId
    clocks: Annotated[
        tuple[ClockSet, ...],
        says(
            "随派单起算的时限，可为空",
            "Limits that run from now; may be empty",
            [
                {
                    "clock": "sign_for",
                    "due_at": "2026-01-01T05:30:00Z",
                    "rule": "clocks-2026.1",
                    "calendar": "cn-2026.1",
                }
            ],
            strict=False,
        ),
    ]
