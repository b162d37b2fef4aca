"""followup alone turns a missed deadline into a reminder at once, and into an escalation where it stays unmet."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

import structlog
from referral_schemas.followup import DeadlineMet, ReferralEscalated
from referral_schemas.shared_facts import ClockMet

from followup_svc.domain.errors import ActRefused
from followup_svc.domain.reminder import Reminder
from followup_svc.domain.watch import Watch
from followup_svc.store.work import FollowupWork
from followup_svc.use_cases.clocks import ESCALATION, start

log = structlog.get_logger(__name__)
OVERDUE = "deadline_breached"


def remind(
    work: FollowupWork, referral_id: UUID, producer: str, *, clock: str, key: str | None, due_at: datetime, breach: UUID
) -> None:
    """A breach stands as a reminder for everybody to see, and its escalation is timed. Said again, nothing."""
    reminder = Reminder(referral_id, producer, clock, key or "", due_at, work.now, breach)
    standing = work.reminders.find(referral_id, (referral_id, producer, clock, reminder.key))
    if standing is not None and standing.due_at >= due_at:
        return
    if standing is not None:
        work.cancel(referral_id, ESCALATION, standing.timer_key)
    work.mark_more(referral_id)
    work.reminders.put(reminder)
    _time(work, reminder)


def settle(work: FollowupWork, referral_id: UUID, producer: str, clocks: Iterable[tuple[str, str | None]]) -> None:
    """What was met, or runs anew, presses nobody any more."""
    for clock, key in clocks:
        standing = work.reminders.find(referral_id, (referral_id, producer, clock, key or ""))
        if standing is not None and not standing.is_met:
            work.reminders.put(standing.met())
            work.cancel(referral_id, ESCALATION, standing.timer_key)


def escalate_reminder(work: FollowupWork, referral_id: UUID, timer_key: str) -> None:
    """Its time has come: one level up, and again after the same time until the top is reached."""
    reminder = next((one for one in work.reminders.of(referral_id) if one.timer_key == timer_key), None)
    if reminder is None or reminder.is_met:
        return
    raised = reminder.escalated(work.rules.conduct.top_level)
    work.reminders.put(raised)
    watch = work.watches.find(referral_id)
    if watch is not None:
        work.watches.put(referral_id, watch.escalated(raised.level))
    work.record(referral_id, ReferralEscalated(level=raised.level, reason=OVERDUE, clock=raised.clock))
    if raised.level < work.rules.conduct.top_level:
        _time(work, raised)


def escalate(work: FollowupWork, watch: Watch, *, reason: str) -> Watch:
    """A person's, or a visit's: the next level above the one reached."""
    top = work.rules.conduct.top_level
    if watch.escalation >= top:
        raise ActRefused(
            "top_level_reached", "已提级至最高层级。", "It has been escalated to the highest level.", "DOMAIN §5.3"
        )
    raised = watch.escalated(watch.escalation + 1)
    work.watches.put(watch.referral_id, raised)
    work.record(watch.referral_id, ReferralEscalated(level=raised.escalation, reason=reason))
    return raised


def meet_own(work: FollowupWork, referral_id: UUID, clock: str, keys: Iterable[str]) -> None:
    """followup's own limits: one fact for all that were met at once."""
    met = [key for key in keys if work.meet(referral_id, clock, key) is not None]
    settle(work, referral_id, "followup", [(clock, key) for key in met])
    if met:
        clocks = tuple(ClockMet(clock=clock, key=key or None, met_at=work.now) for key in met)
        work.record(referral_id, DeadlineMet(clocks=clocks))


def _time(work: FollowupWork, reminder: Reminder) -> None:
    conduct = work.rules.conduct
    start(work, reminder.referral_id, ESCALATION, conduct.escalate_after, rule=conduct.version, key=reminder.timer_key)
