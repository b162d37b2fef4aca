"""Facts of triage as the public events they become."""

from collections.abc import Callable, Mapping
from typing import Any

from referral_schemas import triage as told
from referral_schemas.envelope import PublicEvent

from triage_svc.domain import facts
from triage_svc.domain.directory import Organisation
from triage_svc.domain.referral import Party


def _office(office: Organisation) -> told.Office:
    return told.Office(code=office.code, name=office.name)


def _clock(clock: facts.RunningClock) -> told.ClockSet:
    return told.ClockSet(
        clock=clock.clock, key=clock.key or None, due_at=clock.due_at, rule=clock.rule, calendar=clock.calendar
    )


def _parties(parties: tuple[Party, ...]) -> tuple[told.Party, ...]:
    return tuple(told.Party(party_id=one.party_id, role=told.PartyRole(one.role)) for one in parties)


def dispatched(fact: facts.ReferralDispatched) -> told.ReferralDispatched:
    return told.ReferralDispatched(
        office=_office(fact.office),
        hop=fact.hop,
        decision_id=fact.decision_id,
        clocks=tuple(map(_clock, fact.clocks)),
    )


def reclassified(fact: facts.ReferralReclassified) -> told.ReferralReclassified:
    return told.ReferralReclassified(
        category=told.Category(fact.category),
        previous=told.Category(fact.previous),
        grade=told.Grade(fact.grade),
        decision_id=fact.decision_id,
        reason=fact.reason,
    )


def grade_changed(fact: facts.GradeChanged) -> told.GradeChanged:
    return told.GradeChanged(
        grade=told.Grade(fact.grade),
        previous=told.Grade(fact.previous),
        cause=told.GradeCause(fact.cause),
        approved_by=fact.approved_by,
    )


def signed(fact: facts.ReferralSigned) -> told.ReferralSigned:
    return told.ReferralSigned(office_code=fact.office_code, hop=fact.hop, signed_at=fact.signed_at)


def contacted(fact: facts.PartyContacted) -> told.PartyContacted:
    return told.PartyContacted(
        hop=fact.hop,
        contacted_at=fact.contacted_at,
        channel=told.Channel(fact.channel),
        parties=_parties(fact.parties),
    )


def return_requested(fact: facts.ReturnRequested) -> told.ReturnRequested:
    return told.ReturnRequested(hop=fact.hop, reason=fact.reason, addressee=told.Addressee(fact.addressee))


def return_refused(fact: facts.ReturnRefused) -> told.ReturnRefused:
    return told.ReturnRefused(hop=fact.hop, reason=fact.reason)


def ended(fact: facts.ReferralEnded) -> told.ReferralEnded:
    return told.ReferralEnded(
        end=told.End(fact.end),
        hop=fact.hop,
        body_code=fact.body_code,
        remedies_informed_at=fact.remedies_informed_at,
    )


def handed(fact: facts.HandedToMediation) -> told.HandedToMediation:
    return told.HandedToMediation(
        committee=told.Committee(code=fact.committee.code, name=fact.committee.name),
        room_code=fact.room_code,
        mediator_code=fact.mediator_code,
        category=told.Category(fact.category),
        grade=told.Grade(fact.grade),
        parties=_parties(fact.parties),
        hop=fact.hop,
    )


def halted(fact: facts.ReferralHalted) -> told.ReferralHalted:
    return told.ReferralHalted(urgent_event_id=fact.urgent_event_id, at=fact.at)


def deadline_set(fact: facts.DeadlineSet) -> told.DeadlineSet:
    return told.DeadlineSet(clocks=tuple(map(_clock, fact.clocks)))


def deadline_met(fact: facts.DeadlineMet) -> told.DeadlineMet:
    return told.DeadlineMet(
        clocks=tuple(told.ClockMet(clock=one.clock, key=one.key or None, met_at=one.met_at) for one in fact.clocks)
    )


def deadline_breached(fact: facts.DeadlineBreached) -> told.DeadlineBreached:
    ran_out = fact.clock
    return told.DeadlineBreached(
        clock=ran_out.clock,
        key=ran_out.key or None,
        due_at=ran_out.due_at,
        rule=ran_out.rule,
        calendar=ran_out.calendar,
    )


PUBLISH: Mapping[type[Any], Callable[[Any], PublicEvent]] = {
    facts.ReferralDispatched: dispatched,
    facts.ReferralReclassified: reclassified,
    facts.GradeChanged: grade_changed,
    facts.ReferralSigned: signed,
    facts.PartyContacted: contacted,
    facts.ReturnRequested: return_requested,
    facts.ReturnRefused: return_refused,
    facts.ReferralEnded: ended,
    facts.HandedToMediation: handed,
    facts.ReferralHalted: halted,
    facts.DeadlineSet: deadline_set,
    facts.DeadlineMet: deadline_met,
    facts.DeadlineBreached: deadline_breached,
}
