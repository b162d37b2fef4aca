"""What intake states: calls, blocks, what the police decide, and what the source has been told."""

from chassis.delivery import Handlers
from referral_schemas import intake

from followup_svc.domain.milestone import MilestoneState
from followup_svc.domain.partner import Step
from followup_svc.domain.watch import WatchState
from followup_svc.events.deadlines import deadline_handlers
from followup_svc.store.work import FollowupWork
from followup_svc.use_cases.anchoring import begin_anew, feedback_of
from followup_svc.use_cases.halting import halt, lift
from followup_svc.use_cases.reopening import reopen_by_rule
from followup_svc.use_cases.telling import tell

PRODUCER = "intake"


def on_referral_opened(event: intake.ReferralOpened, work: FollowupWork) -> None:
    area = event.place.area_code or (event.station_code or "")[:6] or None
    work.noted.put(work.subject, work.noted_of(work.subject).opened(at=work.stated_at, area_code=area))
    tell(work, work.subject, Step.OPENED, at=work.stated_at)


def on_call_linked(event: intake.CallLinked, work: FollowupWork) -> None:
    """The same people again after a closing: it was not over."""
    work.noted.put(work.subject, work.noted_of(work.subject).joined_by_call(calls=event.counters.calls))
    watch, kind = work.watches.find(work.subject), event.kind.value
    if watch is not None and watch.state is WatchState.CLOSED and kind in work.rules.conduct.late_facts:
        reopen_by_rule(work, watch, fact=kind)


def on_block_set(event: intake.BlockSet, work: FollowupWork) -> None:
    assert work.cause is not None
    halt(work, work.subject, PRODUCER, _own_number(work), urgent_event_id=work.cause)


def on_block_lifted(event: intake.BlockLifted, work: FollowupWork) -> None:
    lift(work, work.subject, PRODUCER, event.lifts)


def on_referred_again(event: intake.ReferredAgain, work: FollowupWork) -> None:
    """Also of a referral that no office ever saw: its watch began with its end."""
    if work.watches.find(work.subject) is not None:
        begin_anew(work, work.subject, fact="referred_again")


def on_feedback_delivered(event: intake.FeedbackDelivered, work: FollowupWork) -> None:
    told = feedback_of(work, event.fact_id, event.milestone.value)
    work.mark_more(work.subject)
    work.milestones.put(told.delivered(awaits=event.awaits_acknowledgement))


def on_feedback_acknowledged(event: intake.FeedbackAcknowledged, work: FollowupWork) -> None:
    _move_feedback(event, work, MilestoneState.ACKNOWLEDGED)


def on_feedback_failed(event: intake.FeedbackFailed, work: FollowupWork) -> None:
    _move_feedback(event, work, MilestoneState.FAILED)


def on_feedback_waived(event: intake.FeedbackWaived, work: FollowupWork) -> None:
    _move_feedback(event, work, MilestoneState.WAIVED)


def _move_feedback(
    event: intake.FeedbackAcknowledged | intake.FeedbackFailed | intake.FeedbackWaived,
    work: FollowupWork,
    state: MilestoneState,
) -> None:
    work.mark_more(work.subject)
    work.milestones.put(feedback_of(work, event.fact_id, event.milestone.value).moved(state))


def _own_number(work: FollowupWork) -> int:
    """The number of the event that is being handled: its position moves when the handler has returned."""
    return work.gates[work.subject].last(PRODUCER) + 1


HANDLERS: Handlers = {
    intake.ReferralOpened: on_referral_opened,
    intake.CallLinked: on_call_linked,
    intake.BlockSet: on_block_set,
    intake.BlockLifted: on_block_lifted,
    intake.ReferredAgain: on_referred_again,
    intake.FeedbackDelivered: on_feedback_delivered,
    intake.FeedbackAcknowledged: on_feedback_acknowledged,
    intake.FeedbackFailed: on_feedback_failed,
    intake.FeedbackWaived: on_feedback_waived,
    **deadline_handlers(PRODUCER, intake.DeadlineSet, intake.DeadlineMet, intake.DeadlineBreached),
}
