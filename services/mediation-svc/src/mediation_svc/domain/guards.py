"""What the table allows and the law does not (yet). Each guard names its article and the cure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from mediation_svc.domain.case import MediationCase
from mediation_svc.domain.errors import GuardRefused, ValueRefused

CLOCKS_DIFFER = timedelta(minutes=1)  # what two machines may disagree by
GRAVE = frozenset({"red", "orange"})


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What others have said about the referral: category and grade now, blocks that hold it, whether it is closed."""

    now: datetime
    category: str = "other"
    grade: str = "yellow"
    blocks: tuple[str, ...] = ()
    is_closed: bool = False


def refuse_while_halted(around: Circumstances) -> None:
    if around.blocks:
        raise GuardRefused(
            "halted",
            zh="该分流单因禁止调解事由暂停；请待有权者解除后再办理。",
            en="The referral is halted by a block; wait until whoever may lift it has done so.",
            basis="PML 25; DOMAIN §1.8",
            concerns=sorted(around.blocks),
        )


def refuse_against_will(case: MediationCase) -> None:
    against = [str(party.party_id) for party in case.parties if party.is_against]
    if against:
        raise GuardRefused(
            "party_refuses",
            zh="有当事人明确拒绝或撤回同意，不得调解；请终止，或待其重新同意。",
            en="A party refuses or has withdrawn consent: no mediation. End it, or record that consent is given again.",
            basis="PML 17, 23",
            concerns=against,
        )


def refuse_without_consent(case: MediationCase) -> None:
    """Silence is no refusal (PML 17), but somebody must want it."""
    if not any(party.will == "given" for party in case.parties):
        raise GuardRefused(
            "consent_missing",
            zh="尚无当事人同意调解；请先征求并登记同意。",
            en="No party has consented yet: ask, and record the consent.",
            basis="PML 17",
            concerns=[str(party.party_id) for party in case.parties],
        )


def refuse_when_closed(around: Circumstances) -> None:
    if around.is_closed:
        raise GuardRefused(
            "referral_closed",
            zh="该分流单已办结；请由跟踪回访重启。",
            en="The referral is closed: followup reopens it.",
            basis="CONTRACTS §3 Watch",
        )


def refuse_until_closed(around: Circumstances) -> None:
    if not around.is_closed:
        raise GuardRefused(
            "not_closed",
            zh="跟踪回访尚未办结，不能立卷归档。",
            en="Followup has not closed the referral yet: nothing is filed before.",
            basis="PML 27; CONTRACTS §3",
        )


def refuse_oral(
    around: Circumstances, *, performed_on_spot: bool, due_later: Sequence[UUID], nobody_objects: bool
) -> None:
    """When an agreement may do without a document (PML 28; DOMAIN §1.5)."""
    if not nobody_objects:
        raise _needs_writing("document_wanted", "有当事人要求制作协议书。", "A party wants a document.", "PML 28")
    if around.category == "medical":
        raise _needs_writing(
            "medical_needs_writing", "医疗纠纷须订立书面协议。", "A medical agreement is written.", "Med-Reg 39"
        )
    if around.grade in GRAVE:
        raise _needs_writing(
            "grade_needs_writing",
            "风险等级为红色或橙色。",
            "The grade is red or orange.",
            "PML 28; DOMAIN §1.5",
        )
    if due_later and not performed_on_spot:
        raise _needs_writing(
            "later_performance_needs_writing",
            "仍有事项须日后履行。",
            "Something is due later.",
            "PML 28; Rules-75 34",
            [str(one) for one in due_later],
        )


def _needs_writing(code: str, zh: str, en: str, basis: str, concerns: Sequence[str] = ()) -> GuardRefused:
    return GuardRefused(
        code, zh=f"{zh}请改订书面协议。", en=f"{en} Agree in writing instead.", basis=basis, concerns=concerns
    )


def refuse_future(at: datetime, around: Circumstances, *, field: str) -> None:
    if at > around.now + CLOCKS_DIFFER:
        raise GuardRefused(
            "in_the_future",
            zh=f"{field} 晚于当前时间；请填写实际发生的时间。",
            en=f"`{field}` lies in the future: give the time when it happened.",
            basis="DOMAIN §1.3",
            concerns=(field,),
        )


def refuse_before(at: datetime, earliest: datetime | None, *, field: str, what_zh: str, what_en: str) -> None:
    if earliest is not None and at < earliest - CLOCKS_DIFFER:
        raise GuardRefused(
            "too_early",
            zh=f"{field} 早于{what_zh}；请核对。",
            en=f"`{field}` lies before {what_en}: check it.",
            basis="DOMAIN §1.3",
            concerns=(field,),
        )


def refuse_unknown_parties(case: MediationCase, named: Sequence[UUID], *, field: str) -> None:
    known = {party.party_id for party in case.parties}
    if strangers := [str(one) for one in named if one not in known]:
        raise ValueRefused(
            "unknown_party",
            field=field,
            value=strangers[0],
            zh="该当事人不属于本案，可用的编号见 known。",
            en="No such party in this case; `known` names those that are.",
            known=sorted(map(str, known)),
        )
