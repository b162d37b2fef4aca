"""What triage states about a referral: how it was judged, to which office it went, and what became of it there."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from referral_schemas.envelope import Code, PublicEvent, says
from referral_schemas.handling import Addressee as Addressee
from referral_schemas.handling import Channel as Channel
from referral_schemas.handling import End as End
from referral_schemas.handling import HandedToMediation as HandedToMediation
from referral_schemas.handling import PartyContacted as PartyContacted
from referral_schemas.handling import ReferralEnded as ReferralEnded
from referral_schemas.handling import ReferralSigned as ReferralSigned
from referral_schemas.handling import ReturnRefused as ReturnRefused
from referral_schemas.handling import ReturnRequested as ReturnRequested
from referral_schemas.shared_facts import BREACHED, HALTED, MET, SET, DeadlinePassed, DeadlinesMet, DeadlinesSet, Halted
from referral_schemas.shared_facts import ClockMet as ClockMet
from referral_schemas.shared_facts import ClockSet as ClockSet
from referral_schemas.vocabulary import Category as Category
from referral_schemas.vocabulary import Committee as Committee
from referral_schemas.vocabulary import Grade as Grade
from referral_schemas.vocabulary import Hop
from referral_schemas.vocabulary import Office as Office
from referral_schemas.vocabulary import Party as Party
from referral_schemas.vocabulary import PartyRole as PartyRole

DecisionId = Annotated[
    UUID, says("研判记录编号", "Decision, readable at triage", "01997b3c-6c80-7b1d-a2c3-d4e5f6071829")
]


class GradeCause(StrEnum):
    """Calls and visits only raise a grade; lowering it takes a person with the right."""

    CALLS = "calls"
    VISIT = "visit"
    PERSON = "person"


class ReferralClassified(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.triage.referral_classified.v1"
    MEANS: ClassVar[str] = "已分类定级 · The referral has its category and its first grade"

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
    TYPE: ClassVar[str] = "cn.liandong.triage.referral_dispatched.v1"
    MEANS: ClassVar[str] = "已派单至司法所 · A judicial office has been given the referral"

    office: Annotated[Office, says("司法所", "Judicial office", {"code": "310109010-SFS", "name": "曲阳路司法所"})]
    hop: Hop
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


class ReferralReclassified(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.triage.referral_reclassified.v1"
    MEANS: ClassVar[str] = "类别已改判 · A person has judged the category anew"

    category: Annotated[Category, says("现类别", "Category from now on", "family")]
    previous: Annotated[Category, says("原类别", "Category before", "neighbour")]
    grade: Annotated[Grade, says("风险等级", "Risk grade from now on", "yellow")]
    decision_id: DecisionId
    reason: Annotated[Code, says("改判原因代码", "Why, from the list of reasons", "facts_found_at_contact")]


class GradeChanged(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.triage.grade_changed.v1"
    MEANS: ClassVar[str] = "风险等级变更 · The risk grade has changed"

    grade: Annotated[Grade, says("现等级", "Grade from now on", "orange")]
    previous: Annotated[Grade, says("原等级", "Grade before", "yellow")]
    cause: Annotated[GradeCause, says("变更缘由：再次报警、回访、人工", "What changed it", "calls")]
    approved_by: Annotated[
        str | None, says("批准人；自动升级时为空", "Who approved; null when it rose by itself", "hk-bureau-0007")
    ] = None


class ReferralHalted(Halted):
    TYPE: ClassVar[str] = "cn.liandong.triage.referral_halted.v1"
    MEANS: ClassVar[str] = HALTED


class DeadlineSet(DeadlinesSet):
    TYPE: ClassVar[str] = "cn.liandong.triage.deadline_set.v1"
    MEANS: ClassVar[str] = SET


class DeadlineMet(DeadlinesMet):
    TYPE: ClassVar[str] = "cn.liandong.triage.deadline_met.v1"
    MEANS: ClassVar[str] = MET


class DeadlineBreached(DeadlinePassed):
    TYPE: ClassVar[str] = "cn.liandong.triage.deadline_breached.v1"
    MEANS: ClassVar[str] = BREACHED
