"""What people do with a case. Every command ends in `_done`: told, counted as theirs, kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from chassis.ids import new_id

from mediation_svc.domain import agreeing, conducting, consenting, ending, performing
from mediation_svc.domain.agreement import Obligation, Signature, Signer
from mediation_svc.domain.case import MediationCase, Report
from mediation_svc.domain.facts import Fact
from mediation_svc.domain.parties import Consent, Will
from mediation_svc.domain.reasons import Why
from mediation_svc.store.work import AcceptingWork, MediationWork
from mediation_svc.use_cases.clocks import extend_limit, tell


@dataclass(frozen=True, slots=True)
class Owed:
    """An obligation as it is promised: its text is sealed, its id is made here."""

    kind: str
    due_on: date | None = None
    note: str | None = None


def record_consent(
    referral_id: UUID, party_id: UUID, will: Will, *, how: str, at: datetime | None, by: str, work: MediationWork
) -> MediationCase:
    consent = Consent(will, how, at or work.now, by)
    said = consenting.record_consent(work.cases.get(referral_id), party_id, consent, work.around(referral_id))
    return _done(said, (), work)


def accept(referral_id: UUID, work: AcceptingWork) -> MediationCase:
    """In another round the file keeps its number; with another committee it gets one of theirs."""
    case = work.cases.get(referral_id)
    is_ours = case.file is not None and case.file.committee_code == case.committee.code
    file = case.file if case.file is not None and is_ours else work.next_file(case.committee.code)
    accepted, fact = consenting.accept(case, work.around(referral_id), file=file)
    return _done(accepted, (fact,), work)


def assign(referral_id: UUID, mediators: Sequence[str], chosen_by: str, work: MediationWork) -> MediationCase:
    assigned, fact = conducting.assign(work.cases.get(referral_id), mediators, chosen_by, work.around(referral_id))
    return _done(assigned, (fact,), work)


def inform(referral_id: UUID, work: MediationWork) -> MediationCase:
    return _done(conducting.inform(work.cases.get(referral_id), work.around(referral_id)), (), work)


def meet(
    referral_id: UUID, held_at: datetime, present: Sequence[UUID], note: str | None, work: MediationWork
) -> MediationCase:
    note_id = work.keep_text("meeting_note", note)
    case, fact = conducting.meet(work.cases.get(referral_id), held_at, present, note_id, work.around(referral_id))
    return _done(case, (fact,), work)


def agree_orally(
    referral_id: UUID,
    owed: Sequence[Owed],
    *,
    note: str,
    performed_on_spot: bool,
    nobody_objects: bool,
    work: MediationWork,
) -> MediationCase:
    case = work.cases.get(referral_id)
    agreed, stated = agreeing.agree_orally(
        case,
        _terms(case, owed, note, work),
        work.around(referral_id),
        performed_on_spot=performed_on_spot,
        nobody_objects=nobody_objects,
        deadline=lambda at: work.rules.limits.confirmation_deadline(at, work.calendar),
    )
    return _done(agreed, stated, work)


def agree_in_writing(referral_id: UUID, owed: Sequence[Owed], note: str, work: MediationWork) -> MediationCase:
    case = work.cases.get(referral_id)
    agreed, stated = agreeing.agree_in_writing(case, _terms(case, owed, note, work), work.around(referral_id))
    return _done(agreed, stated, work)


def sign(
    referral_id: UUID, signer: Signer, party_id: UUID | None, *, at: datetime | None, by: str, work: MediationWork
) -> MediationCase:
    signature = Signature(signer, party_id, at or work.now, by)
    return _done(agreeing.sign(work.cases.get(referral_id), signature, work.around(referral_id)), (), work)


def seal(referral_id: UUID, work: MediationWork) -> MediationCase:
    sealed, stated = agreeing.seal(
        work.cases.get(referral_id),
        work.around(referral_id),
        deadline=lambda at: work.rules.limits.confirmation_deadline(at, work.calendar),
    )
    return _done(sealed, stated, work)


def withdraw(referral_id: UUID, party_id: UUID, work: MediationWork) -> MediationCase:
    return _done(agreeing.withdraw(work.cases.get(referral_id), party_id), (), work)


def perform(referral_id: UUID, obligation_id: UUID, proof_note: str | None, work: MediationWork) -> MediationCase:
    case = work.cases.get(referral_id)
    proof_id = work.keep_text("proof_note", proof_note)
    paid, fact = performing.perform(case, obligation_id, proof_id, work.around(referral_id))
    return _done(paid, (fact,), work)


def find_breach(referral_id: UUID, obligation_id: UUID, found_by: str, work: MediationWork) -> MediationCase:
    case = work.cases.get(referral_id)
    breached, fact = performing.find_breach(case, obligation_id, found_by, work.around(referral_id))
    return _done(breached, (fact,), work)


def resume_performance(referral_id: UUID, work: MediationWork) -> MediationCase:
    return _done(performing.resume_performance(work.cases.get(referral_id), work.around(referral_id)), (), work)


def tell_remedies(referral_id: UUID, informed_at: datetime, work: MediationWork) -> MediationCase:
    told, fact = performing.tell_remedies(work.cases.get(referral_id), informed_at, work.around(referral_id))
    return _done(told, (fact,), work)


def hold_invalid(referral_id: UUID, reason: str, work: MediationWork) -> MediationCase:
    code = work.rules.reasons.find(Why.HOLD_INVALID, reason).code
    begun, fact = ending.hold_invalid(work.cases.get(referral_id), code, work.around(referral_id))
    return _done(begun, (fact,), work)


def reopen(referral_id: UUID, reason: str, work: MediationWork) -> MediationCase:
    code = work.rules.reasons.find(Why.REOPEN, reason).code
    begun, fact = ending.reopen(work.cases.get(referral_id), code, work.around(referral_id))
    return _done(begun, (fact,), work)


def terminate(referral_id: UUID, reason: str, informed_at: datetime, work: MediationWork) -> MediationCase:
    code = work.rules.reasons.find(Why.TERMINATE, reason).code
    ended, fact = ending.terminate(work.cases.get(referral_id), code, informed_at, work.around(referral_id))
    return _done(ended, (fact,), work)


def suspend(referral_id: UUID, reason: str, work: MediationWork) -> MediationCase:
    code = work.rules.reasons.find(Why.SUSPEND, reason).code
    suspended, fact = conducting.suspend(work.cases.get(referral_id), code)
    return _done(suspended, (fact,), work)


def resume(referral_id: UUID, work: MediationWork) -> MediationCase:
    resumed, fact = conducting.resume(work.cases.get(referral_id), work.around(referral_id))
    return _done(resumed, (fact,), work)


def extend(referral_id: UUID, days: int, agreed_by: Sequence[UUID], work: MediationWork) -> MediationCase:
    extended = conducting.extend(work.cases.get(referral_id), agreed_by, work.around(referral_id))
    extend_limit(extended, days, work)
    return _done(extended, (), work)


def report_to_police(referral_id: UUID, reason: str, receipt: str, work: MediationWork) -> MediationCase:
    code = work.rules.reasons.find(Why.ESCALATE, reason).code
    report = Report(receipt, code, work.now)
    reported, fact = ending.report_to_police(work.cases.get(referral_id), report, work.around(referral_id))
    return _done(reported, (fact,), work)


def file_away(referral_id: UUID, work: MediationWork) -> MediationCase:
    filed, fact = ending.file_away(work.cases.get(referral_id), work.around(referral_id))
    return _done(filed, (fact,), work)


def _terms(case: MediationCase, owed: Sequence[Owed], note: str, work: MediationWork) -> agreeing.Terms:
    """Only an accepted case can agree, so it has a file number when the number matters."""
    nth = len(case.past_agreements) + 1
    number = work.rules.numbers.agreement_no(case.file, nth=nth) if case.file else ""
    obligations = tuple(
        Obligation(new_id(), one.kind, one.due_on, work.keep_text("obligation_note", one.note)) for one in owed
    )
    return agreeing.Terms(number, obligations, work.keep_text("agreement_content", note))


def _done(case: MediationCase, stated: tuple[Fact, ...], work: MediationWork) -> MediationCase:
    done = tell(case, stated, work).changed_by_person()
    work.cases.put(done.referral_id, done)
    return done
