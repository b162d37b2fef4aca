"""Words that several services use in their facts, each with one meaning."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from referral_schemas.envelope import Instant, Part, says

TRACKING_CODE = r"^LD-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-Z]$"


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


class Milestone(StrEnum):
    """What a source is told of, in the order in which it may happen."""

    SIGNED = "signed"
    ACCEPTED = "accepted"
    RESULT = "result"
    CLOSED = "closed"


class AgreementForm(StrEnum):
    """PML art. 28: an oral one is effective at once, a written one when the last signature and the seal are there."""

    ORAL = "oral"
    WRITTEN = "written"


class PartyRole(StrEnum):
    CALLER = "caller"
    APPLICANT = "applicant"
    RESPONDENT = "respondent"
    OTHER = "other"


class Office(Part):
    code: Annotated[str, says("司法所代码", "Code of the judicial office", "310109010-SFS")]
    name: Annotated[str, says("司法所名称", "Name of the judicial office", "曲阳路司法所")]


class Committee(Part):
    code: Annotated[str, says("调解委员会代码", "Code of the mediation committee", "310109010-TWH")]
    name: Annotated[str, says("调解委员会名称", "Name of the mediation committee", "曲阳路街道人民调解委员会")]


class Party(Part):
    """Someone whom the office found to be concerned, known by id alone."""

    party_id: Annotated[UUID, says("当事人编号", "Party id", "01997b3c-6a10-7c4e-9f21-0b8d4f6a2e01")]
    role: Annotated[PartyRole, says("当事人身份", "Part played in the dispute", "applicant")]


# The codes of DOMAIN §1.8 are written in capitals everywhere: in rules, on screens, on the wire.
BlockCode = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$"),
    says("禁止调解事由代码", "Code of the block, DOMAIN 1.8", "X_DV"),
]
CallId = Annotated[UUID, says("警情编号", "Id of the call", "01997b3c-6a0f-7d52-8e1b-3c5a7d9e1f02")]
Source = Annotated[str, says("来源系统", "System that sent the call", "hongkou-110")]
CallNo = Annotated[str, says("接警单编号", "The source's number of the call", "310109202601010001")]
Hop = Annotated[int, says("第几次派单，自 1 起", "How many times dispatched, from 1", 1, ge=1)]
Cycle = Annotated[int, says("第几轮跟踪，自 1 起", "Which round of watching, from 1", 1, ge=1)]
StaffId = Annotated[str, says("工作人员编号", "Id of the member of staff", "hk-bureau-0007")]
RemediesInformedAt = Annotated[
    Instant,
    says("告知救济途径的时间", "When the parties were told of their other remedies", "2026-01-06T03:00:00Z"),
]
Parties = Annotated[
    tuple[Party, ...],
    says(
        "当事人",
        "Parties, by id alone",
        [{"party_id": "01997b3c-6a10-7c4e-9f21-0b8d4f6a2e01", "role": "applicant"}],
        strict=False,
    ),
]
ObligationId = Annotated[UUID, says("履行义务编号", "Id of the obligation", "01997c11-2a40-7e31-8b5c-9d0e1f2a3b41")]
ObligationIds = Annotated[
    tuple[UUID, ...],
    says("履行义务编号", "Ids of the obligations", ["01997c11-2a40-7e31-8b5c-9d0e1f2a3b41"], strict=False),
]
AgreementNo = Annotated[str, says("调解协议编号", "Number of the agreement", "（2026）虹曲人调协字第0001号")]
