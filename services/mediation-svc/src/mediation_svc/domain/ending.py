"""How a case ends, begins anew, reaches the police, and is put away (PML 25–27, 31, 33)."""

from dataclasses import replace
from datetime import datetime

from mediation_svc.domain.agreement import Standing
from mediation_svc.domain.case import MediationCase, Report
from mediation_svc.domain.consenting import NOT_YET_ACCEPTED, new_round
from mediation_svc.domain.errors import GuardRefused
from mediation_svc.domain.facts import CaseFiled, CaseReopened, CaseTerminated, EscalatedToPolice
from mediation_svc.domain.guards import (
    Circumstances,
    refuse_before,
    refuse_future,
    refuse_until_closed,
    refuse_when_closed,
    refuse_while_halted,
)
from mediation_svc.domain.states import BETWEEN_ACCEPTANCE_AND_EFFECT, Act, CaseState

DEEMED_FAILED = "deemed_failed"
_NO_EFFECT_YET = frozenset({*BETWEEN_ACCEPTANCE_AND_EFFECT, CaseState.SUSPENDED})


def terminate(
    case: MediationCase, reason: str, informed_at: datetime, around: Circumstances
) -> tuple[MediationCase, CaseTerminated]:
    """Ends also while halted. PML 26: the parties have been told of arbitration, administrative and court routes."""
    case.move(Act.TERMINATE)
    refuse_future(informed_at, around, field="remedies_informed_at")
    refuse_before(
        informed_at,
        case.opened_at,
        field="remedies_informed_at",
        what_zh="立案时间",
        what_en="the case was opened",
    )
    return _ended(case, reason, informed_at), CaseTerminated(reason, informed_at)


def deem_failed(case: MediationCase, *, at: datetime) -> tuple[MediationCase, CaseTerminated | None]:
    """A medical limit ran out without an extension (Med-Reg 38). The notice that says so names the remedies."""
    if case.state not in _NO_EFFECT_YET:
        return case, None
    return _ended(case, DEEMED_FAILED, at), CaseTerminated(DEEMED_FAILED, at)


def end_with_referral(case: MediationCase) -> MediationCase:
    """Triage took the referral back before anybody accepted: it says so itself, so this is no fact of ours."""
    is_of_this_round = case.state in NOT_YET_ACCEPTED and case.cycle == case.handed_cycle
    return _ended(case, "referral_ended", None) if is_of_this_round else case


def _ended(case: MediationCase, reason: str, informed_at: datetime | None) -> MediationCase:
    ended = case.move(Act.TERMINATE).put_away_agreement(Standing.LEFT)
    return replace(
        ended, terminated_for=reason, remedies_informed_at=informed_at, suspended_for=None, overdue_clocks=()
    )


def hold_invalid(case: MediationCase, reason: str, around: Circumstances) -> tuple[MediationCase, CaseReopened]:
    """PML 33(3): the parties may change it by mediation or agree anew."""
    invalid = case.move(Act.HOLD_INVALID)
    refuse_when_closed(around)
    begun = new_round(invalid, Standing.HELD_INVALID)
    return begun, CaseReopened(reason, begun.cycle)


def reopen(case: MediationCase, reason: str, around: Circumstances) -> tuple[MediationCase, CaseReopened]:
    reopened = case.move(Act.REOPEN)
    refuse_when_closed(around)
    refuse_while_halted(around)
    begun = new_round(reopened, Standing.LEFT)
    return begun, CaseReopened(reason, begun.cycle)


def reopen_with_watch(
    case: MediationCase, reason: str, *, watch_cycle: int
) -> tuple[MediationCase, CaseReopened | None]:
    """Followup opened the referral again for us. Where the case is under way anyhow there is nothing to begin."""
    if watch_cycle <= case.watch_cycle:
        return case, None
    noted = replace(case, watch_cycle=watch_cycle)
    if not noted.can(Act.REOPEN):
        return noted, None
    begun = new_round(noted.move(Act.REOPEN), Standing.LEFT)
    return begun, CaseReopened(reason, begun.cycle)


def report_to_police(
    case: MediationCase, report: Report, around: Circumstances
) -> tuple[MediationCase, EscalatedToPolice]:
    """In any state: where violence may follow it is reported in time (PML 25)."""
    refuse_future(report.at, around, field="at")
    fact = EscalatedToPolice(report.receipt, report.reason, report.at)
    return replace(case, reports=(*case.reports, report)), fact


def file_away(case: MediationCase, around: Circumstances) -> tuple[MediationCase, CaseFiled]:
    filed = case.move(Act.FILE)
    refuse_while_halted(around)
    refuse_until_closed(around)
    if case.file is None:
        raise GuardRefused(
            "never_accepted",
            zh="本案从未受理，没有卷宗编号，无卷可归。",
            en="The case was never accepted: it has no file number, and no file.",
            basis="PML 27",
        )
    return replace(filed, filed_at=around.now), CaseFiled(case.file.text, case.volume)
