"""From acceptance to the table: mediators, rights told, meetings, and what holds them up (PML 19–23; Rules-75 30)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from mediation_svc.domain.case import MediationCase, Meeting
from mediation_svc.domain.errors import GuardRefused
from mediation_svc.domain.facts import CaseResumed, CaseSuspended, MediatorAssigned, MeetingHeld
from mediation_svc.domain.guards import (
    Circumstances,
    refuse_against_will,
    refuse_before,
    refuse_future,
    refuse_unknown_parties,
    refuse_while_halted,
)
from mediation_svc.domain.states import Act, CaseState, Deed


def assign(
    case: MediationCase, mediators: Sequence[str], chosen_by: str, around: Circumstances
) -> tuple[MediationCase, MediatorAssigned]:
    assigned = case.move(Act.ASSIGN)
    refuse_while_halted(around)
    refuse_against_will(case)
    codes = tuple(dict.fromkeys(mediators))
    return replace(assigned, mediators=codes, chosen_by=chosen_by), MediatorAssigned(codes, chosen_by)


def inform(case: MediationCase, around: Circumstances) -> MediationCase:
    """Nature, principles, effect, rights and duties are told, by mouth or on paper."""
    informed = case.move(Act.INFORM)
    refuse_while_halted(around)
    refuse_against_will(case)
    return replace(informed, informed_at=around.now)


def meet(
    case: MediationCase, held_at: datetime, present: Sequence[UUID], note_id: UUID | None, around: Circumstances
) -> tuple[MediationCase, MeetingHeld]:
    """The first begins the mediation; any further one leaves it where it is."""
    met = case if case.state is CaseState.IN_MEDIATION else case.move(Act.BEGIN)
    if case.state is CaseState.IN_MEDIATION:
        case.stay(Deed.MEET_AGAIN)
    refuse_while_halted(around)
    refuse_against_will(case)
    refuse_future(held_at, around, field="held_at")
    refuse_before(held_at, case.accepted_at, field="held_at", what_zh="受理时间", what_en="the acceptance of the case")
    refuse_unknown_parties(case, present, field="present")
    meeting = Meeting(len(case.meetings) + 1, held_at, tuple(dict.fromkeys(present)), note_id)
    return replace(met, meetings=(*case.meetings, meeting)), MeetingHeld(meeting.number, held_at)


def suspend(case: MediationCase, reason: str) -> tuple[MediationCase, CaseSuspended]:
    return replace(case.move(Act.SUSPEND), suspended_for=reason), CaseSuspended(reason)


def resume(case: MediationCase, around: Circumstances) -> tuple[MediationCase, CaseResumed]:
    resumed = case.move(Act.RESUME)
    refuse_while_halted(around)
    return replace(resumed, suspended_for=None), CaseResumed()


def extend(case: MediationCase, agreed_by: Sequence[UUID], around: Circumstances) -> MediationCase:
    """The limit goes on when the committee and every party want it (Med-Reg 38; Rules-75 33)."""
    case.stay(Deed.EXTEND)
    refuse_unknown_parties(case, agreed_by, field="agreed_by")
    if missing := [str(one.party_id) for one in case.parties if one.party_id not in agreed_by]:
        raise GuardRefused(
            "extension_not_agreed",
            zh="延长期限须调解委员会与各方当事人一致同意。",
            en="An extension needs the committee and every party.",
            basis="Med-Reg 38; Rules-75 33",
            concerns=missing,
        )
    return replace(case, extensions=case.extensions + 1, overdue_clocks=())
