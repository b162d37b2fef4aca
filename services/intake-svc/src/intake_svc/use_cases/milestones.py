"""What others state about a referral that intake acts on: milestones for the source, and what comes back."""

from datetime import datetime

import structlog

from intake_svc.domain.call import CallState
from intake_svc.domain.decisions import came_back
from intake_svc.domain.feedback import Milestone, SourceProfiles, clock_key
from intake_svc.store.work import IntakeWork
from intake_svc.use_cases.running_clocks import FEEDBACK, RETURN_ANSWER, start_told
from intake_svc.use_cases.tell_source import tell_milestone

_log = structlog.get_logger(__name__)


def reach(
    milestone: Milestone,
    work: IntakeWork,
    *,
    at: datetime,
    profiles: SourceProfiles,
    outcome: str | None = None,
    back_to_police_on_hop: int | None = None,
) -> None:
    """The subject has reached a milestone; with `back_to_police_on_hop` it has also come back to the police."""
    call = work.call_of(work.subject)
    if call is None:
        return
    if not call.has_opened:  # its writer has seen an opening that our database has lost
        _log.error("milestone_of_no_call", referral_id=str(work.subject), milestone=milestone.value)
        return
    clocks: list[tuple[str, str, datetime]] = []
    if back_to_police_on_hop is not None:
        after = came_back(call, back_to_police_on_hop)
        if after.state is CallState.RETURNED:
            clocks.append((RETURN_ANSWER, "", work.stated_at))
        work.calls.put(call.call_id, after)
        call = after
    told = tell_milestone(call, milestone, work, at=at, profiles=profiles, outcome=outcome)
    if told is not None:
        clocks.append((FEEDBACK, clock_key(told), at))
    start_told(work, call.referral_id, clocks)
