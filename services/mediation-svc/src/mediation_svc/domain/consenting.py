"""Opening a case, asking for consent, accepting (PML 17, 27)."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from mediation_svc.domain.agreement import Standing
from mediation_svc.domain.case import Committee, MediationCase, ReferralId
from mediation_svc.domain.facts import CaseAccepted, CaseOpened
from mediation_svc.domain.guards import (
    Circumstances,
    refuse_against_will,
    refuse_future,
    refuse_unknown_parties,
    refuse_while_halted,
    refuse_without_consent,
)
from mediation_svc.domain.numbering import FileNumber
from mediation_svc.domain.parties import Consent, Party
from mediation_svc.domain.states import Act, CaseState, Deed

NOT_YET_ACCEPTED = frozenset({CaseState.APPLIED, CaseState.CONSENT_PENDING})


@dataclass(frozen=True, slots=True)
class HandOver:
    """What triage handed to a committee; `scope_path` is the area of the office that did."""

    committee: Committee
    parties: tuple[Party, ...]
    hop: int
    scope_path: str
    room_code: str | None = None


def open_case(
    referral_id: ReferralId, handed: HandOver, *, at: datetime, watch_cycle: int
) -> tuple[MediationCase, CaseOpened]:
    """A referral is one-sided or nobody's application: consent is asked at once."""
    applied = MediationCase(
        referral_id, handed.committee, handed.scope_path, at, watch_cycle=max(watch_cycle, 1), hop=handed.hop
    )
    return _begin(applied.move(Act.ASK_CONSENT), handed)


def hand_over_again(case: MediationCase, handed: HandOver) -> tuple[MediationCase, CaseOpened | None]:
    """From a later dispatch. What waits for consent goes on with the new committee and asks anew; what has ended
    begins another round; what is under way stays with whom it is, and only the hop is noted."""
    if handed.hop <= case.hop:
        return case, None
    if case.state in NOT_YET_ACCEPTED:
        return _begin(case if case.state is CaseState.CONSENT_PENDING else case.move(Act.ASK_CONSENT), handed)
    if not case.can(Act.REOPEN):
        return replace(case, hop=handed.hop), None
    return _begin(new_round(case.move(Act.REOPEN), Standing.LEFT), handed)


def new_round(reopened: MediationCase, standing: Standing) -> MediationCase:
    """REOPENED → CONSENT_PENDING: consent is asked anew, the old text is put away, a filed case gets a new volume."""
    asked = reopened.put_away_agreement(standing).move(Act.ASK_CONSENT)
    return replace(
        asked,
        cycle=asked.cycle + 1,
        volume=asked.volume + (asked.filed_at is not None),
        parties=tuple(replace(party, consents=()) for party in asked.parties),
        mediators=(),
        chosen_by=None,
        accepted_at=None,
        informed_at=None,
        meetings=(),
        extensions=0,
        suspended_for=None,
        terminated_for=None,
        remedies_informed_at=None,
        filed_at=None,
        overdue_clocks=(),
    )


def record_consent(case: MediationCase, party_id: UUID, consent: Consent, around: Circumstances) -> MediationCase:
    """A refusal is recorded also while halted: a will counts whenever it is spoken."""
    case.stay(Deed.RECORD_CONSENT)
    refuse_unknown_parties(case, [party_id], field="party_id")
    refuse_future(consent.at, around, field="at")
    said = tuple(party.says(consent) if party.party_id == party_id else party for party in case.parties)
    return replace(case, parties=said)


def accept(case: MediationCase, around: Circumstances, *, file: FileNumber) -> tuple[MediationCase, CaseAccepted]:
    accepted = case.move(Act.ACCEPT)
    refuse_while_halted(around)
    refuse_against_will(case)
    refuse_without_consent(case)
    fact = CaseAccepted(file.text, around.now)
    return replace(accepted, file=file, accepted_at=around.now), fact


def _begin(case: MediationCase, handed: HandOver) -> tuple[MediationCase, CaseOpened]:
    begun = replace(
        case,
        committee=handed.committee,
        scope_path=handed.scope_path,
        hop=handed.hop,
        handed_cycle=case.cycle,
        room_code=handed.room_code,
        parties=handed.parties,
    )
    return begun, CaseOpened(handed.committee.code, begun.cycle)
