"""What mediation states: the case accepted, its agreement in effect or its end, and what became of each promise."""

from collections.abc import Iterable
from uuid import UUID

from chassis.delivery import Handlers
from referral_schemas import mediation

from followup_svc.domain.milestone import Milestone
from followup_svc.domain.obligation import Obligation, ObligationState
from followup_svc.domain.partner import Step
from followup_svc.domain.watch import Anchor, AnchorKind, WatchState
from followup_svc.events.deadlines import begun, deadline_handlers
from followup_svc.store.work import FollowupWork
from followup_svc.use_cases.anchoring import anchor, begin_anew, expect_milestone, open_watch
from followup_svc.use_cases.reopening import reopen_by_rule
from followup_svc.use_cases.telling import tell

PRODUCER = "mediation"


def on_case_accepted(event: mediation.CaseAccepted, work: FollowupWork) -> None:
    expect_milestone(work, work.subject, Milestone.ACCEPTED, fact_id=work.cause)
    begun(work, PRODUCER, event.clocks)
    tell(work, work.subject, Step.ACCEPTED, at=work.stated_at)


def on_agreement_effective(event: mediation.AgreementEffective, work: FollowupWork) -> None:
    """What an earlier agreement left open is superseded by this one."""
    _supersede(work, reopening=False)
    cycle = open_watch(work, work.subject, fact="agreement_effective").cycle
    for one in event.obligations:
        if work.obligations.find(work.subject, one.obligation_id) is None:
            work.obligations.put(Obligation(one.obligation_id, work.subject, cycle, one.kind, one.due_on))
    anchor(
        work, work.subject,
        Anchor(AnchorKind.AGREEMENT, event.effective_at, work.stated_at, "agreed", event.agreement_no),
        fact="agreement_effective",
    )  # fmt: skip
    expect_milestone(work, work.subject, Milestone.RESULT, fact_id=work.cause)
    tell(work, work.subject, Step.AGREED, at=work.stated_at)


def on_case_terminated(event: mediation.CaseTerminated, work: FollowupWork) -> None:
    """The parties have been told their remedies: nothing promised before is overdue any more."""
    for one in work.obligations.of(work.subject):
        if not one.is_settled:
            work.obligations.put(one.moved(ObligationState.TOLD))
    anchor(
        work, work.subject,
        Anchor(AnchorKind.TERMINATION, at=work.stated_at, stated_at=work.stated_at, outcome="terminated"),
        fact="case_terminated",
    )  # fmt: skip
    expect_milestone(work, work.subject, Milestone.RESULT, fact_id=work.cause)
    tell(work, work.subject, Step.ENDED, at=work.stated_at)


def on_case_reopened(event: mediation.CaseReopened, work: FollowupWork) -> None:
    _supersede(work, reopening=True)
    begin_anew(work, work.subject, fact="case_reopened")


def on_obligation_performed(event: mediation.ObligationPerformed, work: FollowupWork) -> None:
    _move(work, [event.obligation_id], ObligationState.PERFORMED)


def on_obligation_breached(event: mediation.ObligationBreached, work: FollowupWork) -> None:
    _move(work, event.obligation_ids, ObligationState.BREACHED)
    watch = work.watches.find(work.subject)
    if watch is not None and watch.state is WatchState.CLOSED:
        reopen_by_rule(work, watch, fact="obligation_breached")


def on_breach_told(event: mediation.BreachTold, work: FollowupWork) -> None:
    _move(work, event.obligation_ids, ObligationState.TOLD)


def _move(work: FollowupWork, obligation_ids: Iterable[UUID], state: ObligationState) -> None:
    """One that no agreement named here yet is noted all the same: a breach must not be lost."""
    for obligation_id in obligation_ids:
        known = work.obligations.find(work.subject, obligation_id)
        if known is None:
            watch = work.watches.find(work.subject)
            work.mark_more(work.subject)
            known = Obligation(obligation_id, work.subject, watch.cycle if watch else 1, "unknown", None)
        work.obligations.put(known.moved(state))


def _supersede(work: FollowupWork, *, reopening: bool) -> None:
    """What was told to the parties stays told: only what stood open goes over into the next agreement."""
    for one in work.obligations.of(work.subject):
        if not one.is_settled or (reopening and one.state is ObligationState.TOLD):
            work.obligations.put(one.moved(ObligationState.SUPERSEDED))


HANDLERS: Handlers = {
    mediation.CaseAccepted: on_case_accepted,
    mediation.AgreementEffective: on_agreement_effective,
    mediation.CaseTerminated: on_case_terminated,
    mediation.CaseReopened: on_case_reopened,
    mediation.ObligationPerformed: on_obligation_performed,
    mediation.ObligationBreached: on_obligation_breached,
    mediation.BreachTold: on_breach_told,
    **deadline_handlers(PRODUCER, mediation.DeadlineSet, mediation.DeadlineMet, mediation.DeadlineBreached),
}
