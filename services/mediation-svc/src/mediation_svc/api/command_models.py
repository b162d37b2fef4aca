"""What people send to mediation. Unknown fields are refused."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from chassis.instants import Instant
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from mediation_svc.domain.agreement import Signer
from mediation_svc.domain.parties import Will

EXAMPLE_PARTY = "01997b3c-6a10-7c4e-9f21-0b8d4f6a2e01"
EXAMPLE_OTHER = "01997b3c-6a10-7c4e-9f21-0b8d4f6a2e02"
EXAMPLE_AT = "2026-01-05T06:00:00Z"
ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Code = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]+$", max_length=60)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=r"\S")]
OBLIGATIONS: list[JsonValue] = [{"kind": "payment", "due_on": "2099-02-05", "note": "乙方支付维修费。"}]


def _shown(**body: JsonValue) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [body]})


class How(StrEnum):
    ORAL = "oral"
    WRITTEN = "written"
    PHONE = "phone"


class ChosenBy(StrEnum):
    COMMITTEE = "committee"
    PARTIES = "parties"


class FoundByPerson(StrEnum):
    """A clock finds by itself."""

    PARTY = "party"
    VISIT = "visit"


class NothingIn(BaseModel):
    """Nothing to say beside the act. 无需其他内容。"""

    model_config = _shown()


class ConsentIn(BaseModel):
    """A party's word on being mediated. 当事人意愿。"""

    model_config = _shown(party_id=EXAMPLE_PARTY, consent="given", how="oral")

    party_id: UUID = Field(description="当事人编号。Party id.", examples=[EXAMPLE_PARTY])
    consent: Will = Field(
        description="同意 given、拒绝 refused、撤回 withdrawn。Given, refused, or withdrawn.", examples=["given"]
    )
    how: How = Field(description="方式：口头、书面、电话。Orally, in writing, by phone.", examples=["oral"])
    at: Instant | None = Field(
        default=None, description="表示时间，不填为现在。When it was said; null: now.", examples=[EXAMPLE_AT]
    )


class AssignIn(BaseModel):
    """Who mediates. 确定调解员。"""

    model_config = _shown(mediator_codes=["M-001"], chosen_by="committee")

    mediator_codes: list[Code] = Field(
        min_length=1, max_length=9, description="调解员代码。Codes of the mediators.", examples=[["M-001"]]
    )
    chosen_by: ChosenBy = Field(
        description="调委会指定或当事人选择。Named by the committee or chosen by the parties.", examples=["committee"]
    )


class MeetIn(BaseModel):
    """A meeting that was held. 调解会。"""

    model_config = _shown(held_at=EXAMPLE_AT, present=[EXAMPLE_PARTY, EXAMPLE_OTHER])

    held_at: Instant = Field(description="召开时间。When it was held.", examples=[EXAMPLE_AT])
    present: list[UUID] = Field(
        min_length=1,
        max_length=20,
        description="到场当事人。Parties present.",
        examples=[[EXAMPLE_PARTY, EXAMPLE_OTHER]],
    )
    note: Text | None = Field(
        default=None, description="调解记录，加密保存。Record of the meeting, kept sealed.", examples=["双方陈述事实。"]
    )


class OwedIn(BaseModel):
    """What one party promises. 一项义务。"""

    model_config = ConfigDict(extra="forbid")

    kind: ReasonCode = Field(description="义务种类代码。Kind of obligation.", examples=["payment"])
    due_on: date | None = Field(
        default=None, description="履行期限。Day it is due; null when none.", examples=["2099-02-05"]
    )
    note: Text | None = Field(
        default=None, description="义务内容，加密保存。What exactly, kept sealed.", examples=["乙方支付维修费。"]
    )


class OralAgreementIn(BaseModel):
    """An oral agreement as the mediator records it. 口头协议登记。"""

    model_config = _shown(
        obligations=[], performed_on_spot=True, parties_agree_no_document=True, note="双方当场和解，物品已归还。"
    )

    obligations: list[OwedIn] = Field(
        max_length=50, description="约定的义务，可为空。What was promised; may be empty.", examples=[[]]
    )
    performed_on_spot: bool = Field(description="是否当场履行。Done on the spot.", examples=[True])
    parties_agree_no_document: bool = Field(
        description="各方认为无需协议书。No party wants a document.", examples=[True]
    )
    note: Text = Field(
        description="协议内容，加密保存。What was agreed, kept sealed.", examples=["双方当场和解，物品已归还。"]
    )


class WrittenAgreementIn(BaseModel):
    """The text of a written agreement; not yet effective. 书面协议。"""

    model_config = _shown(obligations=OBLIGATIONS, note="乙方于期限内支付维修费。")

    obligations: list[OwedIn] = Field(
        max_length=50, description="约定的义务，可为空。What was promised; may be empty.", examples=[OBLIGATIONS]
    )
    note: Text = Field(description="协议正文，加密保存。The text, kept sealed.", examples=["乙方于期限内支付维修费。"])


class SignIn(BaseModel):
    """A signature, seal or fingerprint on the written agreement. 签名、盖章或按指印。"""

    model_config = _shown(signer="party", party_id=EXAMPLE_PARTY)

    signer: Signer = Field(description="当事人或调解员。A party, or the mediator.", examples=["party"])
    party_id: UUID | None = Field(
        default=None, description="签名的当事人。The party who signs.", examples=[EXAMPLE_PARTY]
    )
    at: Instant | None = Field(
        default=None, description="签名时间，不填为现在。When; null: now.", examples=[EXAMPLE_AT]
    )

    @model_validator(mode="after")
    def _names_a_party_or_none(self) -> Self:
        if (self.signer is Signer.PARTY) != (self.party_id is not None):
            raise ValueError(
                "当事人签名须填 party_id，调解员签名不填 · party_id goes with signer party, and only with it"
            )
        return self


class WithdrawIn(BaseModel):
    """A party goes back on the text before it has effect. 当事人反悔。"""

    model_config = _shown(party_id=EXAMPLE_PARTY)

    party_id: UUID = Field(description="当事人编号。Party id.", examples=[EXAMPLE_PARTY])


class PerformedIn(BaseModel):
    """Proof that an obligation was performed. 履行凭证。"""

    model_config = _shown(proof_note="收据已附卷。")

    proof_note: Text | None = Field(
        default=None, description="履行凭证说明，加密保存。The proof, kept sealed.", examples=["收据已附卷。"]
    )


class BreachedIn(BaseModel):
    """How it came out that an obligation was not kept. 未履行。"""

    model_config = _shown(found_by="party")

    found_by: FoundByPerson = Field(
        description="当事人反映或回访发现。Told by a party, or found at a visit.", examples=["party"]
    )


class RemediesToldIn(BaseModel):
    """Urging failed; the parties know what they can do (PML 31, 32). 已告知救济途径。"""

    model_config = _shown(remedies_informed_at=EXAMPLE_AT)

    remedies_informed_at: Instant = Field(
        description="告知救济途径的时间。When the remedies were told.", examples=[EXAMPLE_AT]
    )


class ReasonIn(BaseModel):
    """Why, from the list of reasons. 原因。"""

    model_config = ConfigDict(extra="forbid")

    reason: ReasonCode = Field(description="原因代码，见原因清单。Code from the list of reasons.", examples=["other"])


class HoldInvalidIn(ReasonIn):
    """A court does not let the agreement stand. 协议无效。"""

    model_config = _shown(reason="court_annulled")


class ReopenIn(ReasonIn):
    """Mediated anew. 重启调解。"""

    model_config = _shown(reason="dispute_revived")


class SuspendIn(ReasonIn):
    """Stopped for a time. 中止。"""

    model_config = _shown(reason="appraisal_running")


class TerminateIn(ReasonIn):
    """Ended without agreement, the remedies told (PML 26). 终止调解。"""

    model_config = _shown(reason="no_agreement", remedies_informed_at=EXAMPLE_AT)

    remedies_informed_at: Instant = Field(
        description="告知仲裁、行政、诉讼途径的时间。When arbitration, administrative and court routes were told.",
        examples=[EXAMPLE_AT],
    )


class ExtendIn(BaseModel):
    """The committee and every party want more time. 延长期限。"""

    model_config = _shown(days=15, agreed_by=[EXAMPLE_PARTY, EXAMPLE_OTHER])

    days: int = Field(
        ge=1,
        le=180,
        description="延长天数：医疗纠纷按工作日，其他按自然日。Days more: working days in medical cases.",
        examples=[15],
    )
    agreed_by: list[UUID] = Field(
        max_length=20, description="同意延长的当事人。Parties who agree.", examples=[[EXAMPLE_PARTY, EXAMPLE_OTHER]]
    )


class EscalateIn(ReasonIn):
    """Reported to the police (PML 25). 报告公安。"""

    model_config = _shown(reason="signs_of_violence", receipt="310109202601050007")

    receipt: Code = Field(description="公安回执编号。Number of the police's receipt.", examples=["310109202601050007"])
