"""What is owed, kept or not kept (PML 31): the committee watches, urges, and when that fails tells the remedies."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from mediation_svc.domain.agreement import Agreement, Obligation, ObligationState
from mediation_svc.domain.case import MediationCase
from mediation_svc.domain.errors import GuardRefused
from mediation_svc.domain.facts import BreachTold, ObligationBreached, ObligationPerformed
from mediation_svc.domain.guards import Circumstances, refuse_before, refuse_future
from mediation_svc.domain.states import Act, CaseState, Deed


def perform(
    case: MediationCase, obligation_id: UUID, proof_id: UUID | None, around: Circumstances
) -> tuple[MediationCase, ObligationPerformed]:
    """Late is better than never: an overdue debt that is paid ends its breach, and told remedies stay told."""
    case.stay(Deed.PERFORM)
    obligation = _still_owed(case, obligation_id)
    paid = case.owe(obligation.perform(at=around.now, proof_id=proof_id))
    agreement = paid.present_agreement()
    fact = ObligationPerformed(obligation_id, around.now, not agreement.owed)
    return _after_payment(paid), fact


def _after_payment(case: MediationCase) -> MediationCase:
    agreement = case.present_agreement()
    if case.state is CaseState.BREACHED_TOLD:
        return case
    if case.state is CaseState.BREACHED and not agreement.breached:
        case = case.move(Act.RESUME_PERFORMANCE)
    if not agreement.owed:
        return case.move(Act.CONFIRM_PERFORMANCE)
    return case.move(Act.START_PERFORMANCE) if case.state is CaseState.EFFECTIVE else case


def find_breach(
    case: MediationCase, obligation_id: UUID, found_by: str, around: Circumstances
) -> tuple[MediationCase, ObligationBreached]:
    """A party may go back on its word before the day has come; the day itself is no condition."""
    case.stay(Deed.FIND_BREACH)
    obligation = _still_owed(case, obligation_id)
    if obligation.state is ObligationState.BREACHED:
        raise GuardRefused(
            "breached_already",
            zh="该义务已登记为未履行；请督促履行，或告知救济途径。",
            en="It is recorded as not kept already: urge it, or tell the remedies.",
            basis="PML 31",
            concerns=(str(obligation_id),),
        )
    breached = _into_breach(case).owe(obligation.breach(at=around.now))
    return breached, ObligationBreached((obligation_id,), found_by)


def run_out(
    case: MediationCase, obligation_id: UUID, *, at: datetime
) -> tuple[MediationCase, ObligationBreached | None]:
    """The day has gone by. Never refused: a clock that comes too late for the state leaves the case as it is."""
    obligation = case.agreement.find(obligation_id) if case.agreement else None
    if obligation is None or not obligation.is_owed or case.state not in _CAN_RUN_OUT:
        return case, None
    breached = _into_breach(case).owe(obligation.breach(at=at, is_overdue=True))
    is_news = obligation.state is not ObligationState.BREACHED
    return breached, ObligationBreached((obligation_id,), "clock") if is_news else None


_CAN_RUN_OUT = frozenset({CaseState.EFFECTIVE, CaseState.PERFORMING, CaseState.BREACHED})


def _into_breach(case: MediationCase) -> MediationCase:
    if case.state is CaseState.BREACHED:
        return case
    begun = case.move(Act.START_PERFORMANCE) if case.state is CaseState.EFFECTIVE else case
    return begun.move(Act.REPORT_BREACH)


def resume_performance(case: MediationCase, around: Circumstances) -> MediationCase:
    """Urging helped: what was breached is promised again. A day that went by stays overdue until it is performed."""
    resumed = case.move(Act.RESUME_PERFORMANCE)
    again = [replace(one, state=ObligationState.OPEN, urged_at=around.now) for one in case.present_agreement().breached]
    return resumed.owe(*again)


def tell_remedies(
    case: MediationCase, informed_at: datetime, around: Circumstances
) -> tuple[MediationCase, BreachTold]:
    """Confirmation within its days, suit, payment order. Told of all that is still owed: the whole agreement goes to
    court, and nothing of it is urged here any longer."""
    told = case.move(Act.TELL_REMEDIES)
    agreement = case.present_agreement()
    refuse_future(informed_at, around, field="remedies_informed_at")
    refuse_before(
        informed_at,
        agreement.effective_at,
        field="remedies_informed_at",
        what_zh="协议生效时间",
        what_en="the agreement took effect",
    )
    at_rest = [replace(one, is_overdue=False) for one in agreement.owed]
    settled = replace(agreement.put(*at_rest), remedies_informed_at=informed_at)
    ids = tuple(one.obligation_id for one in agreement.owed)
    return replace(told, agreement=settled), BreachTold(ids, informed_at)


def see_at_visit(case: MediationCase, obligation_id: UUID, state: str, *, visited_at: datetime) -> MediationCase:
    """A visit's finding is shown to the mediator, who decides; the latest visit's word stands, also on a text that
    another round has put away meanwhile."""

    def seen(agreement: Agreement) -> Agreement:
        obligation = agreement.find(obligation_id)
        if obligation is None or (obligation.seen_at is not None and obligation.seen_at >= visited_at):
            return agreement
        return agreement.put(replace(obligation, seen=state, seen_at=visited_at))

    return replace(
        case,
        agreement=seen(case.agreement) if case.agreement else None,
        past_agreements=tuple(map(seen, case.past_agreements)),
    )


def _still_owed(case: MediationCase, obligation_id: UUID) -> Obligation:
    obligation = case.obligation(obligation_id)
    if not obligation.is_owed:
        raise GuardRefused(
            "performed_already",
            zh="该义务已登记为履行完毕。",
            en="This obligation is recorded as performed.",
            basis="PML 31",
            concerns=(str(obligation_id),),
        )
    return obligation
