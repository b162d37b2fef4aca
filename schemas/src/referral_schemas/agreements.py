"""What the parties agreed, when it took effect, and whether each keeps it."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar

from referral_schemas.envelope import Code, Instant, Part, PublicEvent, says
from referral_schemas.vocabulary import AgreementForm, AgreementNo, ObligationId, ObligationIds, RemediesInformedAt

Form = Annotated[AgreementForm, says("协议形式：口头、书面", "Form of the agreement: oral or written", "written")]


class FoundBy(StrEnum):
    """How it came out that an obligation was not kept."""

    CLOCK = "clock"
    PARTY = "party"
    VISIT = "visit"


class Obligation(Part):
    """Who owes what stands sealed in mediation; here only its kind and its day."""

    obligation_id: ObligationId
    kind: Annotated[Code, says("义务种类代码", "Kind of obligation", "payment")]
    due_on: Annotated[date | None, says("履行期限，未约定时为空", "Day it is due; null when none", "2026-02-06")] = None


class AgreementReached(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.mediation.agreement_reached.v1"
    MEANS: ClassVar[str] = "达成调解协议 · The parties have agreed"

    form: Form
    agreement_no: AgreementNo


class AgreementEffective(PublicEvent):
    """PML arts. 29 and 30: from `effective_at` it binds; the confirmation window of art. 33 runs."""

    TYPE: ClassVar[str] = "cn.liandong.mediation.agreement_effective.v1"
    MEANS: ClassVar[str] = "调解协议生效 · The agreement has taken effect"

    agreement_no: AgreementNo
    form: Form
    effective_at: Annotated[Instant, says("生效时间", "When it took effect", "2026-01-06T08:30:00Z")]
    obligations: Annotated[
        tuple[Obligation, ...],
        says(
            "约定的履行义务，可为空",
            "What was promised; may be empty",
            [{"obligation_id": "01997c11-2a40-7e31-8b5c-9d0e1f2a3b41", "kind": "payment", "due_on": "2026-02-06"}],
            strict=False,
        ),
    ]
    confirmation_deadline: Annotated[
        date | None,
        says(
            "申请司法确认的最后一日；不能申请时为空",
            "Last day to ask the court for confirmation; null where it cannot be asked",
            "2026-02-05",
        ),
    ] = None


class ObligationPerformed(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.mediation.obligation_performed.v1"
    MEANS: ClassVar[str] = "义务已履行 · An obligation has been performed"

    obligation_id: ObligationId
    performed_at: Annotated[Instant, says("履行时间", "When it was performed", "2026-02-05T02:00:00Z")]
    all_performed: Annotated[bool, says("全部义务均已履行", "Nothing else is owed", True)]


class ObligationBreached(PublicEvent):
    TYPE: ClassVar[str] = "cn.liandong.mediation.obligation_breached.v1"
    MEANS: ClassVar[str] = "义务未履行 · Obligations were not kept"

    obligation_ids: ObligationIds
    found_by: Annotated[
        FoundBy, says("发现途径：到期、当事人、回访", "How it came out: clock, party or visit", "clock")
    ]


class BreachTold(PublicEvent):
    """Ends "overdue" for the closing gate: urging has failed and the parties know their remedies (PML art. 31, 32)."""

    TYPE: ClassVar[str] = "cn.liandong.mediation.breach_told.v1"
    MEANS: ClassVar[str] = "已就未履行告知救济途径 · The parties were told what they can do about the breach"

    obligation_ids: ObligationIds
    remedies_informed_at: RemediesInformedAt
