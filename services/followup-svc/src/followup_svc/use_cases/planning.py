"""The plan of a round, kept up with its anchor, its grades and its obligations."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from chassis.ids import new_id
from referral_schemas.followup import PlanChanged, PlannedVisit

from followup_svc.domain.obligation import ObligationState
from followup_svc.domain.plan import Owing, Wanted, dropped, replan, visits_owed
from followup_svc.domain.visit import ReturnVisit, VisitId, VisitState
from followup_svc.domain.watch import Watch, WatchState
from followup_svc.store.work import FollowupWork
from followup_svc.use_cases import clocks


def plan_visits(work: FollowupWork, referral_id: UUID, *, reason: str) -> None:
    """Plans anew what is anchored and not closed; says so where anything changed, at most once a cause."""
    watch = work.watches.find(referral_id)
    if watch is None or watch.state is not WatchState.ANCHORED or watch.anchor is None:
        return
    noted, rules = work.noted_of(referral_id), work.rules.plan
    promised = (one for one in work.obligations.of(referral_id) if one.cycle == watch.cycle)
    obligations = [one for one in promised if one.state is not ObligationState.SUPERSEDED]
    owing = Owing(watch.anchor, noted.grades, noted.category, obligations)
    standing = work.visits_of_cycle(watch)
    replanned = replan(visits_owed(owing, rules, work.calendar), standing)
    if replanned:
        cancel_visits(work, replanned.cancelled)
        add_visits(work, watch, replanned.added)
        state_plan(work, watch, reason=reason)


def drop_plan(work: FollowupWork, watch: Watch, *, reason: str) -> None:
    """The work begins anew before a closing: what was only planned is owed no more."""
    changed = list(dropped(work.visits_of_cycle(watch)))
    work.cancel(watch.referral_id, clocks.CLOSING)
    if changed:
        cancel_visits(work, changed)
        state_plan(work, watch, reason=reason)


def add_visits(work: FollowupWork, watch: Watch, wanted: Iterable[Wanted]) -> list[ReturnVisit]:
    work.cancel(watch.referral_id, clocks.CLOSING)
    last = max((visit.number for visit in work.visits_of_cycle(watch)), default=0)
    added = []
    for number, one in enumerate(wanted, last + 1):
        visit = ReturnVisit(
            VisitId(new_id()), referral_id=watch.referral_id, cycle=watch.cycle, number=number, slot=one.slot,
            due_at=one.due.at, channel=one.channel, mandatory=one.mandatory,
        )  # fmt: skip
        work.visits.put(visit)
        clocks.start(
            work, watch.referral_id, clocks.VISIT_DUE, one.span, rule=work.rules.plan.version,
            key=str(visit.visit_id), since=one.start,
        )  # fmt: skip
        added.append(visit)
    return added


def cancel_visits(work: FollowupWork, visits: Iterable[ReturnVisit]) -> None:
    for visit in visits:
        work.visits.put(visit)
        stop_clocks(work, visit)


def stop_clocks(work: FollowupWork, visit: ReturnVisit) -> None:
    for clock in clocks.VISIT_CLOCKS:
        work.cancel(visit.referral_id, clock, str(visit.visit_id))


def time_closing(work: FollowupWork, referral_id: UUID) -> None:
    """The last visit of the round is made or waived: from now on somebody must close, or say why not."""
    watch = work.watches.get(referral_id)
    if watch.anchor is not None and not any(one.mandatory and one.is_open for one in work.visits_of_cycle(watch)):
        conduct = work.rules.conduct
        limit = clocks.start(work, referral_id, clocks.CLOSING, conduct.close_within, rule=conduct.version, key="")
        clocks.tell_set(work, referral_id, [limit])


def move_visits(work: FollowupWork, referral_id: UUID, moved: Collection[tuple[ReturnVisit, datetime]]) -> None:
    """The calendar has moved the day on which they fall due; by which rules they were planned stays as it is."""
    for visit, due_at in moved:
        work.visits.put(replace(visit, due_at=due_at))
    watch = work.watches.find(referral_id)
    if moved and watch is not None:
        _tell_plan(work, watch, reason="calendar_changed")


def state_plan(work: FollowupWork, watch: Watch, *, reason: str) -> None:
    """The whole plan of the round as it now stands."""
    planned = work.watches.get(watch.referral_id).planned_by(work.rules.plan.version)
    work.watches.put(watch.referral_id, planned)
    _tell_plan(work, planned, reason=reason)


def _tell_plan(work: FollowupWork, watch: Watch, *, reason: str) -> None:
    visits = [visit for visit in work.visits_of_cycle(watch) if visit.state is not VisitState.CANCELLED]
    work.record(
        watch.referral_id,
        PlanChanged(
            cycle=watch.cycle,
            plan_version=watch.plan_version or work.rules.plan.version,
            reason=reason,
            visits=tuple(
                PlannedVisit(
                    visit_id=visit.visit_id,
                    number=visit.number,
                    due_at=visit.due_at,
                    channel=visit.channel,
                    mandatory=visit.mandatory,
                )
                for visit in sorted(visits, key=lambda visit: visit.number)
                if visit.due_at is not None
            ),
        ),
    )
