"""What triage shows of a referral."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from fastapi import Path
from pydantic import BaseModel, Field
from referral_schemas.triage import Addressee, Category, Grade, PartyRole

from triage_svc.domain.referral import Referral
from triage_svc.domain.states import DUTIES, State, allowed_acts
from triage_svc.store.work_list import Seen

EXAMPLE_REFERRAL = "01997b3c-6a10-7c4e-9f21-0b8d4f6a2e01"
EXAMPLE_PARTY = "01997b3c-6a10-7c4e-9f21-0b8d4f6a2e02"
EXAMPLE_TEXT = "01997b3c-6a10-7c4e-9f21-0b8d4f6a2e03"
EXAMPLE_AT = "2026-01-01T01:30:02.500Z"


ReferralInPath = Annotated[UUID, Path(description="分流单编号。Referral id.", examples=[EXAMPLE_REFERRAL])]


class PartyOut(BaseModel):
    """Somebody concerned, without the name. 当事人。"""

    party_id: UUID = Field(description="当事人编号。Party id.", examples=[EXAMPLE_PARTY])
    role: PartyRole = Field(description="当事人身份。Part played in the dispute.", examples=["applicant"])
    name_text_id: UUID | None = Field(
        description="姓名的文本编号，见 /v1/texts。Text id of the name, read at /v1/texts.", examples=[EXAMPLE_TEXT]
    )


class NoteOut(BaseModel):
    """Something that was written, by its id. 备注。"""

    text_id: UUID = Field(description="文本编号，见 /v1/texts。Text id, read at /v1/texts.", examples=[EXAMPLE_TEXT])
    kind: str = Field(description="文本种类。What kind of text.", examples=["contact_note"])
    at: datetime = Field(description="写入时间。When it was written.", examples=[EXAMPLE_AT])


class CountersOut(BaseModel):
    """How often people called about this dispute. 报警次数。"""

    calls: int = Field(description="累计警情数。Calls in all.", examples=[2])
    duplicates: int = Field(description="同一事件的重复报警数。Calls about one event.", examples=[1])
    repeats: int = Field(description="同一纠纷的再次报警数。Later calls of the dispute.", examples=[0])


class ReferralListed(BaseModel):
    """A referral on a work list. 工作清单中的分流单。"""

    referral_id: UUID = Field(description="分流单编号。Referral id.", examples=[EXAMPLE_REFERRAL])
    state: State = Field(description="状态。State.", examples=["dispatched"])
    category: Category = Field(description="纠纷类别。Category of the dispute.", examples=["neighbour"])
    grade: Grade = Field(description="风险等级。Risk grade.", examples=["yellow"])
    needs_review: bool = Field(
        description="机器研判尚待人工复核。A person has yet to look at the machine's verdict.", examples=[False]
    )
    office_code: str | None = Field(description="承办司法所代码。Code of the office.", examples=["310109010-SFS"])
    hop: int = Field(description="已派单次数。How many times dispatched.", examples=[1])
    responsible_code: str = Field(
        description="当前责任单位（首接负责），签收后才变更。Unit responsible now; moves with a signature only.",
        examples=["310109-ZHZX"],
    )
    waits_for: str | None = Field(
        description="下一步由何角色办理；已办结为空。Role that acts next; null when closed.", examples=["office_clerk"]
    )
    halted: list[str] = Field(
        description="暂停事由代码；空即未暂停。Codes of the blocks that hold it; empty: free.", examples=[["X_DV"]]
    )
    overdue: list[str] = Field(
        description="已超期而未完成的时限。Clocks that ran out and are not met.", examples=[["sign_for"]]
    )
    opened_at: datetime = Field(description="生成时间。When it was opened.", examples=[EXAMPLE_AT])
    dispatched_at: datetime | None = Field(description="最近派单时间。When dispatched last.", examples=[EXAMPLE_AT])
    closed_at: datetime | None = Field(description="办结时间。When it was closed.", examples=["2026-03-06T02:00:00Z"])
    outcome: str | None = Field(description="办结结果。Outcome of the closing.", examples=["agreement_performed"])
    version: int = Field(description="版本，即 ETag。Version, the ETag.", examples=[3])

    @classmethod
    def of(cls, seen: Seen) -> Self:
        return cls.model_validate(_listed(seen))


class ReferralOut(ReferralListed):
    """A referral with everything that stands beside it. 分流单详情。"""

    scope_path: str = Field(
        description="所属辖区；空即尚不明。Whose area it is; empty while unknown.", examples=["31/310109/310109010"]
    )
    allowed: list[str] = Field(
        description="当前状态允许的动作。Acts that this state allows.", examples=[["sign", "request_return"]]
    )
    review_reason: str | None = Field(
        description="待人工处理的原因。Why a person must decide.", examples=["several_offices"]
    )
    came_from: State | None = Field(
        description="申请退回前的状态。State that a return was asked from.", examples=["signed"]
    )
    returns: int = Field(description="已申请退回次数。How often a return was asked.", examples=[0])
    return_reason: str | None = Field(
        description="待裁定的退回理由。Reason of the return asked now.", examples=["wrong_area"]
    )
    return_addressee: Addressee | None = Field(
        description="退回申请对象：district 或 police。Whom it is addressed to.", examples=["district"]
    )
    signed_at: datetime | None = Field(description="签收时间。When the office signed.", examples=[EXAMPLE_AT])
    contacted_at: datetime | None = Field(description="首次联系时间。First contact.", examples=[EXAMPLE_AT])
    parties: list[PartyOut] = Field(
        description="当事人。Parties found at the contact.",
        examples=[[{"party_id": EXAMPLE_PARTY, "role": "applicant", "name_text_id": EXAMPLE_TEXT}]],
    )
    committee_code: str | None = Field(
        description="承接的调解委员会代码。Committee it was handed to.", examples=["310109010-PMC"]
    )
    counters: CountersOut = Field(
        description="报警次数。How often people called.", examples=[{"calls": 2, "duplicates": 1, "repeats": 0}]
    )
    withdrawn_at: datetime | None = Field(
        description="报警人撤销时间。When the caller withdrew.", examples=["2026-01-02T01:00:00Z"]
    )
    corrections: int = Field(description="来源更正次数。How often the source corrected a call.", examples=[0])
    police_decision: str | None = Field(
        description="公安对退回的决定。What the police decided on the return.", examples=["retain"]
    )
    escalation_level: int = Field(description="已升级层级，0 即未升级。Level escalated to; 0: none.", examples=[0])
    supervised_at: datetime | None = Field(
        description="最近督办时间。Latest supervision order.", examples=["2026-01-05T01:00:00Z"]
    )
    visited_at: datetime | None = Field(description="最近回访时间。Latest visit.", examples=["2026-02-05T01:00:00Z"])
    breached_at: datetime | None = Field(
        description="最近一次未履行的时间。When an obligation was last found unkept.", examples=["2026-02-06T01:00:00Z"]
    )
    cycle: int = Field(description="第几轮办理。Which round.", examples=[1])
    notes: list[NoteOut] = Field(
        description="备注，按编号读取原文。What was written, read by id.",
        examples=[[{"text_id": EXAMPLE_TEXT, "kind": "contact_note", "at": EXAMPLE_AT}]],
    )

    @classmethod
    def of(cls, seen: Seen) -> Self:
        one = seen.referral
        return cls.model_validate(
            _listed(seen)
            | _told(one)
            | {
                "scope_path": one.scope_path,
                "allowed": list(allowed_acts(one.state)),
                "review_reason": one.review_reason,
                "came_from": one.came_from,
                "returns": one.returned.count,
                "return_reason": one.returned.reason,
                "return_addressee": one.returned.addressee,
                "signed_at": one.signed_at,
                "contacted_at": one.contacted_at,
                "parties": [
                    {"party_id": party.party_id, "role": party.role, "name_text_id": party.name_text}
                    for party in one.parties
                ],
                "committee_code": one.committee_code,
                "counters": {
                    "calls": one.counters.calls,
                    "duplicates": one.counters.duplicates,
                    "repeats": one.counters.repeats,
                },
                "cycle": one.closing.cycle,
                "notes": list(seen.notes),
            }
        )


def _listed(seen: Seen) -> dict[str, object]:
    one = seen.referral
    return {
        "referral_id": one.referral_id,
        "state": one.state,
        "category": one.verdict.category,
        "grade": one.verdict.grade,
        "needs_review": one.verdict.needs_review,
        "office_code": one.office_code,
        "hop": one.hop,
        "responsible_code": one.responsible_code,
        "waits_for": _waits_for(one),
        "halted": list(seen.halt_codes),
        "overdue": sorted(one.overdue),
        "opened_at": one.opened_at,
        "dispatched_at": one.dispatched_at,
        "closed_at": one.closing.closed_at,
        "outcome": one.closing.outcome,
        "version": one.version,
    }


def _told(one: Referral) -> dict[str, object]:
    told = one.told
    return {
        "withdrawn_at": told.withdrawn_at,
        "corrections": told.corrections,
        "police_decision": told.police_decision,
        "escalation_level": told.escalation_level,
        "supervised_at": told.supervised_at,
        "visited_at": told.visited_at,
        "breached_at": told.breached_at,
    }


def _waits_for(one: Referral) -> str | None:
    if one.is_closed:
        return None
    return "dispatcher" if one.awaits_dispatch else DUTIES[one.state].role
