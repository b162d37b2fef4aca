"""The first contact: who is concerned, found by the office. Names are sealed, ids alone go out."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.ids import new_id

from triage_svc.domain.errors import ValueRefused
from triage_svc.domain.facts import PartyContacted
from triage_svc.domain.guards import refuse_before_opening, refuse_future
from triage_svc.domain.halts import refuse_while_halted
from triage_svc.domain.referral import Party, Referral, ReferralId
from triage_svc.domain.states import Clock
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.clocks import finish_clocks, keep


@dataclass(frozen=True, slots=True)
class Contacted:
    """A party as the office names it; without an id it is met for the first time."""

    role: str
    party_id: UUID | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ContactParties:
    referral_id: ReferralId
    channel: str
    parties: tuple[Contacted, ...]
    contacted_at: datetime | None = None
    note: str | None = None


def contact_parties(command: ContactParties, work: TriageWork) -> Referral:
    referral = work.referrals.get(command.referral_id)
    parties = tuple(_party(told, command, work) for told in command.parties)
    at = command.contacted_at or work.now
    contacted = referral.contact(parties, at=at)
    refuse_while_halted(work.standing_halts(referral.referral_id), doing="contact")
    refuse_future(at, work.now, field="contacted_at")
    refuse_before_opening(at, referral, field="contacted_at")
    _refuse_doubles(parties)
    work.keep_text("contact_note", command.note, referral_id=referral.referral_id)
    work.state(referral.referral_id, PartyContacted(referral.hop, at, command.channel, parties))
    finished = finish_clocks(contacted, work, Clock.FIRST_CONTACT, at=at)
    return keep(finished.changed_by_person(), work)


def _party(told: Contacted, command: ContactParties, work: TriageWork) -> Party:
    name_text = work.keep_text("party_name", told.name, referral_id=command.referral_id)
    return Party(told.party_id or new_id(), told.role, name_text)


def _refuse_doubles(parties: tuple[Party, ...]) -> None:
    ids = [party.party_id for party in parties]
    if double := next((one for one in ids if ids.count(one) > 1), None):
        raise ValueRefused(
            "party_twice",
            field="parties",
            value=str(double),
            zh="同一当事人列了两次；请删去其一。",
            en="The same party stands twice: take one out.",
        )
