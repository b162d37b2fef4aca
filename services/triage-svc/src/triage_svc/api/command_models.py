"""What people send to triage, and what they are answered."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from chassis.instants import Instant
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints
from referral_schemas.triage import Addressee, Category, Channel, Grade, PartyRole

from triage_svc.api.referral_models import EXAMPLE_AT, EXAMPLE_REFERRAL
from triage_svc.domain.referral import Referral
from triage_svc.domain.states import State, allowed_acts

ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
OrganisationCode = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]+$", max_length=60)]
PARTIES: list[JsonValue] = [
    {"role": "applicant", "name": "甲方（虚构）"},
    {"role": "respondent", "name": "乙方（虚构）"},
]
Note = Annotated[str, StringConstraints(max_length=4000)]


def _shown(**body: JsonValue) -> ConfigDict:
    """Unknown fields are refused; the example works on the sample directory."""
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [body]})


class ReturnDecision(StrEnum):
    REFUSE = "refuse"
    REDISPATCH = "redispatch"
    TO_OTHER_BODY = "to_other_body"
    BACK_TO_POLICE = "back_to_police"


class DispatchIn(BaseModel):
    """Which office gets it, with what the dispatcher holds of category and grade. 派单。"""

    model_config = _shown(office_code="310109010-SFS", reason="place_found")

    office_code: OrganisationCode = Field(
        description="司法所代码，见组织目录。Code of the judicial office.", examples=["310109010-SFS"]
    )
    reason: ReasonCode = Field(description="派单理由代码。Why, as a code.", examples=["place_found"])
    category: Category | None = Field(
        default=None, description="改定的类别。Category, where it is corrected.", examples=["neighbour"]
    )
    grade: Grade | None = Field(
        default=None, description="改定的等级；降低须监督员。Grade; lowering takes a supervisor.", examples=["yellow"]
    )


class SignIn(BaseModel):
    """Nothing to say beside the signature. 签收。"""

    model_config = _shown()


class PartyIn(BaseModel):
    """Somebody concerned. 当事人。"""

    model_config = _shown(role="applicant", name="甲方（虚构）")

    party_id: UUID | None = Field(
        default=None,
        description="当事人编号；首次出现不填。Party id; none for somebody met for the first time.",
        examples=[None],
    )
    role: PartyRole = Field(description="当事人身份。Part played in the dispute.", examples=["applicant"])
    name: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None, description="姓名，加密保存。Name; kept sealed.", examples=["甲方（虚构）"]
    )


class ContactIn(BaseModel):
    """The first contact with the parties. 首次联系。"""

    model_config = _shown(channel="phone", parties=PARTIES, note="双方同意周五面谈。")

    channel: Channel = Field(description="联系方式。How they were reached.", examples=["phone"])
    contacted_at: Instant | None = Field(
        default=None, description="联系时间；不填即现在。When; now where left out.", examples=[None]
    )
    parties: list[PartyIn] = Field(
        min_length=1,
        max_length=50,
        description="联系到的当事人。Parties reached.",
        examples=[PARTIES],
    )
    note: Note | None = Field(
        default=None, description="备注，加密保存。Note; kept sealed.", examples=["双方同意周五面谈。"]
    )


class ReturnRequestIn(BaseModel):
    """Handing back, for a reason of the closed list. 申请退回。"""

    model_config = _shown(reason="wrong_area", addressee="district", note="现场位于相邻街道。")

    reason: ReasonCode = Field(
        description="退回理由代码，限清单所列（DOMAIN §5.3）。Reason, of the closed list.", examples=["wrong_area"]
    )
    addressee: Addressee = Field(
        description="申请对象：区级或公安。Who is asked: the district or the police.", examples=["district"]
    )
    note: Note = Field(
        min_length=1, description="说明与依据，加密保存。Explanation; kept sealed.", examples=["现场位于相邻街道。"]
    )


class ReturnDecisionIn(BaseModel):
    """What becomes of a request to hand back. 退回裁定。"""

    model_config = _shown(decision="refuse", reason="within_your_duties")

    decision: ReturnDecision = Field(
        description="裁定：不同意、改派、转其他部门、退回公安。What is decided.", examples=["refuse"]
    )
    office_code: OrganisationCode | None = Field(
        default=None, description="改派的司法所。New office, with redispatch.", examples=["310109011-SFS"]
    )
    body_code: OrganisationCode | None = Field(
        default=None, description="接收部门，用于 to_other_body。Body that takes it over.", examples=["12345"]
    )
    reason: ReasonCode = Field(description="裁定理由代码。Why, as a code.", examples=["within_your_duties"])


class HandOverIn(BaseModel):
    """To a people's mediation committee; without one the directory decides by category. 移交调解。"""

    model_config = _shown(committee_code="310109010-PMC", room_code="310109010-TJS1", mediator_code="M-001")

    committee_code: OrganisationCode | None = Field(
        default=None, description="调解委员会代码。Committee.", examples=["310109010-PMC"]
    )
    room_code: OrganisationCode | None = Field(
        default=None, description="驻所调解室代码。Mediation room.", examples=["310109010-TJS1"]
    )
    mediator_code: OrganisationCode | None = Field(
        default=None, description="建议的调解员代码。Mediator proposed.", examples=["M-001"]
    )


class NoConsentIn(BaseModel):
    """A party clearly refuses; the other routes have been told (PML 17, 26). 当事人不同意调解。"""

    model_config = _shown(remedies_informed_at=EXAMPLE_AT)

    remedies_informed_at: Instant = Field(
        description="告知救济途径的时间。When the other remedies were told.", examples=[EXAMPLE_AT]
    )


class SelfResolvedIn(BaseModel):
    """The parties have settled it themselves. 自行和解。"""

    model_config = _shown(note="已自行和解。")

    note: Note | None = Field(default=None, description="备注，加密保存。Note; kept sealed.", examples=["已自行和解。"])


class SendBackIn(BaseModel):
    """Back to the police. 退回公安。"""

    model_config = _shown(reason="excluded_matter")

    reason: ReasonCode = Field(description="理由代码。Why, as a code.", examples=["excluded_matter"])


class SendToOtherBodyIn(BaseModel):
    """To a body that has the power. 转其他部门。"""

    model_config = _shown(body_code="12345", reason="administrative_matter")

    body_code: OrganisationCode = Field(description="接收部门代码。Body that takes it over.", examples=["12345"])
    reason: ReasonCode = Field(description="理由代码。Why, as a code.", examples=["administrative_matter"])


class GradeIn(BaseModel):
    """A grade given by a person; lowering takes a supervisor as named approver. 人工定级。"""

    model_config = _shown(grade="orange", reason="signs_of_escalation")

    grade: Grade = Field(description="风险等级。Risk grade.", examples=["orange"])
    reason: ReasonCode = Field(description="理由代码。Why, as a code.", examples=["visits_show_calm"])


class ReferralChanged(BaseModel):
    """How the referral stands after a command. 办理结果。"""

    referral_id: UUID = Field(description="分流单编号。Referral id.", examples=[EXAMPLE_REFERRAL])
    state: State = Field(description="状态。State.", examples=["signed"])
    category: Category = Field(description="纠纷类别。Category.", examples=["neighbour"])
    grade: Grade = Field(description="风险等级。Risk grade.", examples=["yellow"])
    office_code: str | None = Field(description="承办司法所代码。Code of the office.", examples=["310109010-SFS"])
    hop: int = Field(description="已派单次数。How many times dispatched.", examples=[1])
    responsible_code: str = Field(description="当前责任单位。Unit responsible now.", examples=["310109010-SFS"])
    allowed: list[str] = Field(
        description="当前状态允许的动作。Acts that this state allows.", examples=[["contact", "request_return"]]
    )
    version: int = Field(description="版本，即 ETag。Version, the ETag.", examples=[2])
    at: datetime = Field(description="办理时间。When it was done.", examples=[EXAMPLE_AT])

    @classmethod
    def of(cls, one: Referral, at: datetime) -> Self:
        return cls(
            referral_id=one.referral_id,
            state=one.state,
            category=Category(one.verdict.category),
            grade=Grade(one.verdict.grade),
            office_code=one.office_code,
            hop=one.hop,
            responsible_code=one.responsible_code,
            allowed=list(allowed_acts(one.state)),
            version=one.version,
            at=at,
        )
