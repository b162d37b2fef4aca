"""followup's own clocks, and which of them stand still while a referral is halted."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from chassis.timers import Timer
from chassis.workdays import Span
from referral_schemas.followup import ClockSet, DeadlineSet

from followup_svc.store.work import FollowupWork

VISIT_DUE, VISIT, NEXT_TRY = "visit_due", "visit", "next_try"
ESCALATION, SUPERVISION, CLOSING = "escalation", "supervision", "closing"
VISIT_CLOCKS = (VISIT_DUE, VISIT, NEXT_TRY)
SILENT = frozenset({VISIT_DUE, NEXT_TRY, ESCALATION})

HALTED = "halted"
PAUSED_BY_HALT = frozenset({VISIT, NEXT_TRY, ESCALATION, SUPERVISION, CLOSING})
"""What somebody may not do meanwhile. A visit falls due all the same: it is only not made."""


def start(
    work: FollowupWork, referral_id: UUID, clock: str, span: Span | datetime, *, rule: str, key: str,
    since: datetime | None = None,
) -> Timer:  # fmt: skip
    """Begins at once to stand still where the referral is halted, whichever of the two was heard of first."""
    timer = work.start_clock(referral_id, clock, span, rule=rule, key=key, start=since, silent=clock in SILENT)
    if work.is_halted(referral_id) and clock in PAUSED_BY_HALT:
        work.pause(referral_id, HALTED, clocks=PAUSED_BY_HALT)
    return work.find_clock(referral_id, clock, key) or timer


def tell_set(work: FollowupWork, referral_id: UUID, timers: Iterable[Timer]) -> None:
    """Limits that others may hear of; one event for all of them, none for none."""
    told = tuple(
        ClockSet(
            clock=timer.clock, due_at=timer.due_at, rule=timer.rule, calendar=timer.calendar, key=timer.key or None
        )
        for timer in timers
        if not timer.silent
    )
    if told:
        work.record(referral_id, DeadlineSet(clocks=told))
