"""Facts of mediation as the public events they become."""

from collections.abc import Callable, Mapping
from typing import Any

from referral_schemas import mediation as told
from referral_schemas.envelope import PublicEvent

from mediation_svc.domain import facts


def _clock(clock: facts.RunningClock) -> told.ClockSet:
    return told.ClockSet(
        clock=clock.clock, key=clock.key or None, due_at=clock.due_at, rule=clock.rule, calendar=clock.calendar
    )


def deadline_set(fact: facts.DeadlineSet) -> told.DeadlineSet:
    return told.DeadlineSet(clocks=tuple(map(_clock, fact.clocks)))


def deadline_met(fact: facts.DeadlineMet) -> told.DeadlineMet:
    clocks = (told.ClockMet(clock=one.clock, key=one.key or None, met_at=one.met_at) for one in fact.clocks)
    return told.DeadlineMet(clocks=tuple(clocks))


def deadline_breached(fact: facts.DeadlineBreached) -> told.DeadlineBreached:
    ran_out = fact.clock
    return told.DeadlineBreached(
        clock=ran_out.clock,
        key=ran_out.key or None,
        due_at=ran_out.due_at,
        rule=ran_out.rule,
        calendar=ran_out.calendar,
    )


def halted(fact: facts.ReferralHalted) -> told.ReferralHalted:
    return told.ReferralHalted(urgent_event_id=fact.urgent_event_id, at=fact.at)


def opened(fact: facts.CaseOpened) -> told.CaseOpened:
    return told.CaseOpened(committee_code=fact.committee_code, cycle=fact.cycle)


def accepted(fact: facts.CaseAccepted) -> told.CaseAccepted:
    return told.CaseAccepted(file_no=fact.file_no, accepted_at=fact.accepted_at, clocks=tuple(map(_clock, fact.clocks)))


def assigned(fact: facts.MediatorAssigned) -> told.MediatorAssigned:
    return told.MediatorAssigned(mediator_codes=fact.mediator_codes, chosen_by=told.ChosenBy(fact.chosen_by))


def met(fact: facts.MeetingHeld) -> told.MeetingHeld:
    return told.MeetingHeld(number=fact.number, held_at=fact.held_at)


def suspended(fact: facts.CaseSuspended) -> told.CaseSuspended:
    return told.CaseSuspended(reason=fact.reason)


def resumed(_: facts.CaseResumed) -> told.CaseResumed:
    return told.CaseResumed()


def reached(fact: facts.AgreementReached) -> told.AgreementReached:
    return told.AgreementReached(form=told.AgreementForm(fact.form), agreement_no=fact.agreement_no)


def effective(fact: facts.AgreementEffective) -> told.AgreementEffective:
    return told.AgreementEffective(
        agreement_no=fact.agreement_no,
        form=told.AgreementForm(fact.form),
        effective_at=fact.effective_at,
        obligations=tuple(
            told.Obligation(obligation_id=one.obligation_id, kind=one.kind, due_on=one.due_on)
            for one in fact.obligations
        ),
        confirmation_deadline=fact.confirmation_deadline,
    )


def performed(fact: facts.ObligationPerformed) -> told.ObligationPerformed:
    return told.ObligationPerformed(
        obligation_id=fact.obligation_id, performed_at=fact.performed_at, all_performed=fact.all_performed
    )


def breached(fact: facts.ObligationBreached) -> told.ObligationBreached:
    return told.ObligationBreached(obligation_ids=fact.obligation_ids, found_by=told.FoundBy(fact.found_by))


def breach_told(fact: facts.BreachTold) -> told.BreachTold:
    return told.BreachTold(obligation_ids=fact.obligation_ids, remedies_informed_at=fact.remedies_informed_at)


def terminated(fact: facts.CaseTerminated) -> told.CaseTerminated:
    return told.CaseTerminated(reason=fact.reason, remedies_informed_at=fact.remedies_informed_at)


def reopened(fact: facts.CaseReopened) -> told.CaseReopened:
    return told.CaseReopened(reason=fact.reason, cycle=fact.cycle)


def filed(fact: facts.CaseFiled) -> told.CaseFiled:
    return told.CaseFiled(file_no=fact.file_no, volume=fact.volume)


def escalated(fact: facts.EscalatedToPolice) -> told.EscalatedToPolice:
    return told.EscalatedToPolice(receipt=fact.receipt, reason=fact.reason, at=fact.at)


PUBLISH: Mapping[type[Any], Callable[[Any], PublicEvent]] = {
    facts.DeadlineSet: deadline_set,
    facts.DeadlineMet: deadline_met,
    facts.DeadlineBreached: deadline_breached,
    facts.ReferralHalted: halted,
    facts.CaseOpened: opened,
    facts.CaseAccepted: accepted,
    facts.MediatorAssigned: assigned,
    facts.MeetingHeld: met,
    facts.CaseSuspended: suspended,
    facts.CaseResumed: resumed,
    facts.AgreementReached: reached,
    facts.AgreementEffective: effective,
    facts.ObligationPerformed: performed,
    facts.ObligationBreached: breached,
    facts.BreachTold: breach_told,
    facts.CaseTerminated: terminated,
    facts.CaseReopened: reopened,
    facts.CaseFiled: filed,
    facts.EscalatedToPolice: escalated,
}
