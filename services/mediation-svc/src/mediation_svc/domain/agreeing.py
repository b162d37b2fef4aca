"""From an agreement to its effect: oral ones at once (PML 28, 30), written ones with the last of all signatures and
the seal (PML 29)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from chassis.workdays import day_in_china

from mediation_svc.domain.agreement import Agreement, Form, Obligation, Signature, Signer, Standing
from mediation_svc.domain.case import MediationCase
from mediation_svc.domain.errors import GuardRefused
from mediation_svc.domain.facts import AgreementEffective, AgreementReached, Fact
from mediation_svc.domain.guards import (
    Circumstances,
    refuse_against_will,
    refuse_before,
    refuse_future,
    refuse_oral,
    refuse_unknown_parties,
    refuse_while_halted,
)
from mediation_svc.domain.states import Act, Deed

Outcome = tuple[MediationCase, tuple[Fact, ...]]
ConfirmationDeadline = Callable[[datetime], date | None]


@dataclass(frozen=True, slots=True)
class Terms:
    agreement_no: str
    obligations: tuple[Obligation, ...]
    content_id: UUID | None


def agree_orally(
    case: MediationCase,
    terms: Terms,
    around: Circumstances,
    *,
    performed_on_spot: bool,
    nobody_objects: bool,
    deadline: ConfirmationDeadline,
) -> Outcome:
    """Recorded by the mediator and effective in the same breath; what was done on the spot is owed no more."""
    agreed = case.move(Act.AGREE_ORALLY)
    _refuse_agreement(case, around)
    later = [one.obligation_id for one in terms.obligations if one.due_on is not None]
    refuse_oral(around, performed_on_spot=performed_on_spot, due_later=later, nobody_objects=nobody_objects)
    done = tuple(one.perform(at=around.now) if performed_on_spot else one for one in terms.obligations)
    draft = Agreement(terms.agreement_no, Form.ORAL, around.now, done, terms.content_id)
    effective, fact = _take_effect(replace(agreed, agreement=draft), Act.TAKE_EFFECT, around.now, deadline)
    return effective, (AgreementReached(Form.ORAL, terms.agreement_no), fact)


def agree_in_writing(case: MediationCase, terms: Terms, around: Circumstances) -> Outcome:
    agreed = case.move(Act.AGREE_IN_WRITING)
    _refuse_agreement(case, around)
    today = day_in_china(around.now)
    if late := [str(one.obligation_id) for one in terms.obligations if one.due_on and one.due_on < today]:
        raise GuardRefused(
            "due_in_the_past",
            zh="履行期限早于今日；请核对 due_on。",
            en="An obligation would be due before today: check `due_on`.",
            basis="PML 29",
            concerns=late,
        )
    draft = Agreement(terms.agreement_no, Form.WRITTEN, around.now, terms.obligations, terms.content_id)
    return replace(agreed, agreement=draft), (AgreementReached(Form.WRITTEN, terms.agreement_no),)


def sign(case: MediationCase, signature: Signature, around: Circumstances) -> MediationCase:
    case.stay(Deed.SIGN)
    refuse_while_halted(around)
    refuse_against_will(case)
    if signature.party_id is not None:
        refuse_unknown_parties(case, [signature.party_id], field="party_id")
    agreement = case.present_agreement()
    refuse_future(signature.at, around, field="at")
    refuse_before(
        signature.at, agreement.drafted_at, field="at", what_zh="协议书制作时间", what_en="the text was drawn up"
    )
    if agreement.has_signed(signature.signer, signature.party_id):
        raise GuardRefused("signed_already", zh="该签名已登记。", en="This signature stands already.", basis="PML 29")
    return replace(case, agreement=replace(agreement, signatures=(*agreement.signatures, signature)))


def seal(case: MediationCase, around: Circumstances, *, deadline: ConfirmationDeadline) -> Outcome:
    """PML 29: the date is the last of the signatures and the seal."""
    case.move(Act.SEAL)
    refuse_while_halted(around)
    refuse_against_will(case)
    refuse_unsigned(case)
    agreement = replace(case.present_agreement(), sealed_at=around.now)
    last = max(around.now, *(signature.at for signature in agreement.signatures))
    effective, fact = _take_effect(replace(case, agreement=agreement), Act.SEAL, last, deadline)
    return effective, (fact,)


def withdraw(case: MediationCase, party_id: UUID) -> MediationCase:
    """A party goes back on the text; what was signed does not count for the next one."""
    withdrawn = case.move(Act.WITHDRAW)
    refuse_unknown_parties(case, [party_id], field="party_id")
    return withdrawn.put_away_agreement(Standing.WITHDRAWN)


def refuse_unsigned(case: MediationCase) -> None:
    agreement = case.present_agreement()
    parties = [one.party_id for one in case.parties if not agreement.has_signed(Signer.PARTY, one.party_id)]
    lacking = [str(one) for one in parties]
    if not agreement.has_signed(Signer.MEDIATOR, None):
        lacking.append("mediator")
    if lacking:
        raise GuardRefused(
            "signatures_missing",
            zh="尚缺签名，见 concerns；各方当事人与调解员均签名后方可盖章生效。",
            en="Signatures are missing, see `concerns`: the seal comes after every party and the mediator.",
            basis="PML 29",
            concerns=lacking,
        )


def _refuse_agreement(case: MediationCase, around: Circumstances) -> None:
    refuse_while_halted(around)
    refuse_against_will(case)


def _take_effect(
    case: MediationCase, act: Act, at: datetime, deadline: ConfirmationDeadline
) -> tuple[MediationCase, AgreementEffective]:
    """Where nothing is owed it is performed at once: nobody would ever come to say so."""
    agreement = case.present_agreement().take_effect(at, confirmation_deadline=deadline(at))
    effective = replace(case.move(act), agreement=agreement)
    fact = AgreementEffective(
        agreement.agreement_no, agreement.form, at, agreement.owed, agreement.confirmation_deadline
    )
    return (effective if agreement.owed else effective.move(Act.CONFIRM_PERFORMANCE)), fact
