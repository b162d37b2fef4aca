"""What ends the work of others begins the visits: an agreement's effect, a termination, an end in triage."""

from uuid import UUID

from followup_svc.domain.milestone import Milestone, MilestoneState, MilestoneTold
from followup_svc.domain.watch import Anchor, Watch, WatchState
from followup_svc.store.work import FollowupWork
from followup_svc.use_cases.opening import begin_work_anew, watch_of
from followup_svc.use_cases.planning import drop_plan, plan_visits
from followup_svc.use_cases.reopening import reopen_by_rule


def open_watch(work: FollowupWork, referral_id: UUID, *, fact: str) -> Watch:
    """A closed watch is reopened by this fact: it was not known when it closed."""
    watch = watch_of(work, referral_id)
    return reopen_by_rule(work, watch, fact=fact) if watch.state is WatchState.CLOSED else watch


def anchor(work: FollowupWork, referral_id: UUID, found: Anchor, *, fact: str) -> None:
    watch = open_watch(work, referral_id, fact=fact)
    work.watches.put(referral_id, watch.anchored(found))
    plan_visits(work, referral_id, reason=fact)


def begin_anew(work: FollowupWork, referral_id: UUID, *, fact: str) -> None:
    """The case or the dispatch began again before or after the closing."""
    open_watch(work, referral_id, fact=fact)
    watch = begin_work_anew(work, referral_id, at=work.stated_at)
    if watch.anchor is None:
        drop_plan(work, watch, reason=fact)
    else:
        plan_visits(work, referral_id, reason=fact)


def expect_milestone(work: FollowupWork, referral_id: UUID, milestone: Milestone, *, fact_id: UUID | None) -> None:
    """The source is owed this fact; where feedback on it is known already nothing changes."""
    if fact_id is not None and work.milestones.find(referral_id, fact_id) is None:
        work.milestones.put(MilestoneTold(referral_id, fact_id, milestone.value))
        work.mark_more(referral_id)


def feedback_of(work: FollowupWork, fact_id: UUID, milestone: str) -> MilestoneTold:
    known = work.milestones.find(work.subject, fact_id)
    return known or MilestoneTold(work.subject, fact_id, milestone, MilestoneState.EXPECTED)
