"""What triage states: category and grade, the office that has it, and how it ended there."""

from chassis.delivery import Handlers
from referral_schemas import triage

from followup_svc.domain.grade import GRAVITY
from followup_svc.domain.milestone import Milestone
from followup_svc.domain.partner import Step
from followup_svc.domain.watch import Anchor, AnchorKind
from followup_svc.events.deadlines import begun, deadline_handlers
from followup_svc.store.work import FollowupWork
from followup_svc.use_cases.anchoring import anchor, expect_milestone
from followup_svc.use_cases.opening import watch_of
from followup_svc.use_cases.planning import plan_visits
from followup_svc.use_cases.telling import tell, tell_change

PRODUCER = "triage"


def on_referral_classified(event: triage.ReferralClassified, work: FollowupWork) -> None:
    _judged(work, event.category, event.grade, reason="classified")


def on_referral_reclassified(event: triage.ReferralReclassified, work: FollowupWork) -> None:
    _judged(work, event.category, event.grade, reason="reclassified")


def on_grade_changed(event: triage.GradeChanged, work: FollowupWork) -> None:
    """The visits follow the grade. A person's word answers whatever a visit proposed, a graver grade does too."""
    noted = work.noted_of(work.subject).graded(event.grade, at=work.stated_at)
    work.noted.put(work.subject, noted)
    watch = work.watches.find(work.subject)
    if watch is not None and watch.proposed_grade is not None:
        answered = event.cause is triage.GradeCause.PERSON
        if answered or GRAVITY.index(event.grade) >= GRAVITY.index(watch.proposed_grade):
            work.watches.put(work.subject, watch.proposing(None))
    tell_change(work, work.subject)
    plan_visits(work, work.subject, reason="grade_changed")


def on_referral_dispatched(event: triage.ReferralDispatched, work: FollowupWork) -> None:
    """The first dispatch opens the watch; a further one moves it to the new office."""
    watch = watch_of(work, work.subject).dispatched_to(event.office.code, hop=event.hop)
    work.watches.put(work.subject, watch)
    begun(work, PRODUCER, event.clocks)
    tell(work, work.subject, Step.DISPATCHED, at=work.stated_at)


def on_referral_signed(event: triage.ReferralSigned, work: FollowupWork) -> None:
    expect_milestone(work, work.subject, Milestone.SIGNED, fact_id=work.cause)
    tell(work, work.subject, Step.SIGNED, at=work.stated_at)


def on_referral_ended(event: triage.ReferralEnded, work: FollowupWork) -> None:
    """Also before any office had it: then its watch begins here."""
    anchor(
        work, work.subject,
        Anchor(AnchorKind.ENDED, at=work.stated_at, stated_at=work.stated_at, outcome=event.end.value),
        fact="referral_ended",
    )  # fmt: skip
    expect_milestone(work, work.subject, Milestone.RESULT, fact_id=work.cause)
    back = event.end is triage.End.BACK_TO_POLICE
    tell(work, work.subject, Step.RETURNED if back else Step.ENDED, at=work.stated_at)


def _judged(work: FollowupWork, category: str, grade: str, *, reason: str) -> None:
    noted = work.noted_of(work.subject).classified(category, grade, at=work.stated_at)
    work.noted.put(work.subject, noted)
    tell_change(work, work.subject)
    plan_visits(work, work.subject, reason=reason)


HANDLERS: Handlers = {
    triage.ReferralClassified: on_referral_classified,
    triage.ReferralReclassified: on_referral_reclassified,
    triage.GradeChanged: on_grade_changed,
    triage.ReferralDispatched: on_referral_dispatched,
    triage.ReferralSigned: on_referral_signed,
    triage.ReferralEnded: on_referral_ended,
    **deadline_handlers(PRODUCER, triage.DeadlineSet, triage.DeadlineMet, triage.DeadlineBreached),
}
