"""A closed referral goes round again: because a person says so, or by rule when a fact comes late."""

from uuid import UUID

import structlog
from referral_schemas.followup import ReferralReopened, ReopenTarget

from followup_svc.domain.closing import ClosingState
from followup_svc.domain.partner import Step
from followup_svc.domain.watch import Watch
from followup_svc.store.work import FollowupWork
from followup_svc.use_cases.planning import stop_clocks
from followup_svc.use_cases.telling import tell

log = structlog.get_logger(__name__)
ORDINARY = frozenset({"referred_again"})  # the police may do so: nothing went wrong


def reopen(work: FollowupWork, watch: Watch, *, target: str, reason: str) -> Watch:
    """The next cycle. Raises TransitionRefused for a watch that is not closed."""
    reopened = watch.reopened()
    work.watches.put(watch.referral_id, reopened)
    for visit in work.visits.of(watch.referral_id):
        stop_clocks(work, visit)
    _end_request(work, watch.referral_id)
    work.record(watch.referral_id, ReferralReopened(cycle=reopened.cycle, target=ReopenTarget(target), reason=reason))
    tell(work, watch.referral_id, Step.REOPENED, at=work.now)
    return reopened


def reopen_by_rule(work: FollowupWork, watch: Watch, *, fact: str) -> Watch:
    """No gate can know the future: a fact that came after the closing opens it again, and somebody is told."""
    reason = fact if fact in ORDINARY else f"late_{fact}"
    if fact not in ORDINARY:
        log.error("closed_referral_reopened", referral_id=str(watch.referral_id), fact=fact, cycle=watch.cycle)
    return reopen(work, watch, target=work.rules.conduct.late_facts[fact], reason=reason)


def _end_request(work: FollowupWork, referral_id: UUID) -> None:
    request = work.requests.find(referral_id)
    if request is not None and request.state is ClosingState.WAITING:
        work.requests.put(referral_id, request.ended(ClosingState.OVERTAKEN))
