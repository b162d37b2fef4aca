"""Feedback, by intake alone (DESIGN §2): milestones become tellings, tellings are delivered, acknowledged, waived."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from intake_svc.domain.call import Call
from intake_svc.domain.errors import GuardRefused
from intake_svc.domain.facts import FeedbackAcknowledged, FeedbackDelivered, FeedbackFailed, FeedbackWaived
from intake_svc.domain.feedback import (
    Feedback,
    FeedbackAct,
    FeedbackState,
    Milestone,
    SourceProfiles,
    clock_key,
)
from intake_svc.store.work import IntakeWork
from intake_svc.use_cases.running_clocks import FEEDBACK, meet_told


def tell_milestone(
    call: Call, milestone: Milestone, work: IntakeWork, *, at: datetime, profiles: SourceProfiles, outcome: str | None
) -> Feedback | None:
    """The source of the opening call is told of this fact, once. Its clock is started by whoever handles the fact."""
    fact_id = work.cause
    if fact_id is None or work.feedback.find((call.call_id, fact_id)) is not None:
        return None
    awaits = profiles.awaits_acknowledgement(call.source)
    told = Feedback(call.call_id, milestone, fact_id, outcome, at, call.told + 1, awaits)
    told = replace(told, notice_id=work.tell_source(call, told))
    work.put_feedback(told)
    work.calls.put(call.call_id, replace(call, told=told.version))
    return told


def on_delivered(call: Call, told: Feedback, work: IntakeWork) -> None:
    """The broker has it. A source that never acknowledges has been told with that."""
    if FeedbackAct.DELIVER not in told.allowed_acts():
        return
    after = told.delivered(at=work.now)
    work.put_feedback(after)
    work.tell(call.referral_id, FeedbackDelivered(after), causation_id=told.fact_id)
    if after.is_settled:
        meet_told(work, call.referral_id, [(FEEDBACK, clock_key(after))], causation_id=told.fact_id)


def on_unsendable(call: Call, told: Feedback, work: IntakeWork) -> None:
    """The broker refuses it for itself: operators try again or discard, and a person may waive it."""
    if FeedbackAct.FAIL not in told.allowed_acts():
        return
    after = told.failed("unsendable")
    work.put_feedback(after)
    work.tell(call.referral_id, FeedbackFailed(after), causation_id=told.fact_id)


def acknowledge(call: Call, milestone: Milestone, work: IntakeWork, *, fact_id: UUID | None = None) -> list[Feedback]:
    """By the source: all of this milestone that wait for it, or the one of that fact. Again is no harm."""
    told = _of(call, milestone, work, fact_id)
    waiting = [one for one in told if one.state is FeedbackState.DELIVERED and one.awaits_acknowledgement]
    if not waiting and not any(one.state is FeedbackState.ACKNOWLEDGED for one in told):
        raise GuardRefused(
            "nothing_to_acknowledge",
            "该节点没有待确认的反馈。",
            "Nothing of this milestone waits for an acknowledgement.",
            concerns=tuple(sorted({one.state.value for one in told})),
        )
    return _acknowledged(call, waiting, work)


def confirm(call: Call, milestone: Milestone, version: int, work: IntakeWork) -> None:
    """By the source, of the record of that version. What it confirms it has, though our broker has not told us yet
    that it does; what waits for nothing any more, as after a waiver, is left as it is.
    """
    told = next((one for one in work.feedback_of(call.call_id) if one.version == version), None)
    if told is None or told.milestone is not milestone:
        raise GuardRefused(
            "no_such_telling", "没有这一条反馈。", "The source was told nothing of that version and milestone."
        )
    on_delivered(call, told, work)
    told = work.feedback.get((call.call_id, told.fact_id))
    if not told.is_settled:
        _acknowledged(call, [told], work)


def waive(
    call: Call, milestone: Milestone, work: IntakeWork, *, by: str, reason: str, note_id: UUID | None = None
) -> list[Feedback]:
    """A named person gives up waiting for a silent source."""
    open_ones = [one for one in _of(call, milestone, work) if FeedbackAct.WAIVE in one.allowed_acts()]
    if not open_ones:
        raise GuardRefused(
            "nothing_to_waive", "该节点没有未了的反馈。", "Nothing of this milestone is open.", concerns=(milestone,)
        )
    after = [one.waived(by, reason, at=work.now, note_id=note_id) for one in open_ones]
    for one in after:
        work.put_feedback(one)
        work.tell(call.referral_id, FeedbackWaived(one), causation_id=one.fact_id)
        work.cancel(call.referral_id, FEEDBACK, clock_key(one))
    work.calls.put(call.call_id, call.changed_by_people())
    return after


def _acknowledged(call: Call, waiting: Sequence[Feedback], work: IntakeWork) -> list[Feedback]:
    after = [one.acknowledged(at=work.now) for one in waiting]
    for one in after:
        work.put_feedback(one)
        work.tell(call.referral_id, FeedbackAcknowledged(one), causation_id=one.fact_id)
    meet_told(work, call.referral_id, [(FEEDBACK, clock_key(one)) for one in after])
    return after


def _of(call: Call, milestone: Milestone, work: IntakeWork, fact_id: UUID | None = None) -> Sequence[Feedback]:
    return [
        one for one in work.feedback_of(call.call_id) if one.milestone is milestone and fact_id in (None, one.fact_id)
    ]
