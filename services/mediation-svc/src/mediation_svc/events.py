"""Public events into mediation. Handlers see what the transaction has loaded, in memory, and do no I/O."""

from typing import Any
from uuid import UUID

from chassis.delivery import Contracts, Handlers
from chassis.timers import Timer
from referral_schemas import followup, intake, triage
from referral_schemas.registry import EVENTS
from referral_schemas.topics import stream_topic, topics_of

from mediation_svc.domain.areas import scope_path_of
from mediation_svc.domain.case import Committee
from mediation_svc.domain.consenting import HandOver
from mediation_svc.domain.parties import Party
from mediation_svc.store.work import MediationWork
from mediation_svc.use_cases import hear_others
from mediation_svc.use_cases.open_case import take_over

SERVICE = "mediation"


def on_referral_opened(_: intake.ReferralOpened, work: MediationWork) -> None:
    work.mirrors.put(work.subject, work.mirror(work.subject).opened(at=work.stated_at))


def on_call_linked(event: intake.CallLinked, work: MediationWork) -> None:
    work.mirrors.put(work.subject, work.mirror(work.subject).joined_by_call(calls=event.counters.calls))


def on_call_corrected(_: intake.CallCorrected, work: MediationWork) -> None:
    hear_others.flag(work.subject, "call_corrected", work)


def on_call_withdrawn(_: intake.CallWithdrawn, work: MediationWork) -> None:
    """The office asks the parties; nothing ends by itself."""
    hear_others.flag(work.subject, "call_withdrawn", work)


def on_block_set(event: intake.BlockSet, work: MediationWork) -> None:
    hear_others.set_block(
        work.subject,
        event_id=_event_id(work),
        seq=_seq_of_present_event(work),
        code=event.code,
        at=event.at,
        work=work,
    )


def on_block_lifted(event: intake.BlockLifted, work: MediationWork) -> None:
    hear_others.lift_blocks(work.subject, event.lifts, work)


def on_referral_classified(event: triage.ReferralClassified, work: MediationWork) -> None:
    work.mirrors.put(work.subject, work.mirror(work.subject).classified(event.category, event.grade))


def on_referral_reclassified(event: triage.ReferralReclassified, work: MediationWork) -> None:
    work.mirrors.put(work.subject, work.mirror(work.subject).classified(event.category, event.grade))


def on_grade_changed(event: triage.GradeChanged, work: MediationWork) -> None:
    work.mirrors.put(work.subject, work.mirror(work.subject).graded(event.grade))


def on_referral_dispatched(event: triage.ReferralDispatched, work: MediationWork) -> None:
    hear_others.hear_dispatch(work.subject, event.office.code, hop=event.hop, at=work.stated_at, work=work)


def on_party_contacted(event: triage.PartyContacted, work: MediationWork) -> None:
    hear_others.hear_contact(work.subject, hop=event.hop, contacted_at=event.contacted_at, work=work)


def on_handed_to_mediation(event: triage.HandedToMediation, work: MediationWork) -> None:
    """A case lies where its office does: a district committee's cases too are seen by the street that sent them."""
    mirror = work.mirror(work.subject)
    handed = HandOver(
        Committee(event.committee.code, event.committee.name),
        tuple(Party(party.party_id, party.role) for party in event.parties),
        event.hop,
        scope_path_of(mirror.office_code) or scope_path_of(event.committee.code) or "",
        event.room_code,
    )
    take_over(work.subject, handed, work)


def on_referral_ended(event: triage.ReferralEnded, work: MediationWork) -> None:
    hear_others.hear_end(work.subject, event.end, work)


def on_referral_reopened(event: followup.ReferralReopened, work: MediationWork) -> None:
    hear_others.hear_reopening(work.subject, cycle=event.cycle, target=event.target, reason=event.reason, work=work)


def on_referral_closed(event: followup.ReferralClosed, work: MediationWork) -> None:
    hear_others.hear_closing(work.subject, cycle=event.cycle, at=event.closed_at, work=work)


def on_visit_recorded(event: followup.VisitRecorded, work: MediationWork) -> None:
    seen = [(one.obligation_id, str(one.state)) for one in event.performance]
    hear_others.hear_visit(work.subject, seen, visited_at=event.visited_at, work=work)


def on_supervision_ordered(event: followup.SupervisionOrdered, work: MediationWork) -> None:
    hear_others.flag(work.subject, f"supervised:{event.order_id}", work)


def on_supervision_answered(event: followup.SupervisionAnswered, work: MediationWork) -> None:
    hear_others.unflag(work.subject, f"supervised:{event.order_id}", work)


def on_timer(timer: Timer, work: MediationWork) -> None:
    hear_others.hear_clock(timer, work)


def _event_id(work: MediationWork) -> UUID:
    if work.cause is None:
        raise LookupError("a handler works on an event")
    return work.cause


def _seq_of_present_event(work: MediationWork) -> int:
    """The gate lets an event to its handler only when it is the next of its producer's stream."""
    return work.gates[work.subject].last("intake") + 1


_FROM_FOLLOWUP: Handlers = {
    followup.ReferralReopened: on_referral_reopened,
    followup.ReferralClosed: on_referral_closed,
    followup.VisitRecorded: on_visit_recorded,
    followup.SupervisionOrdered: on_supervision_ordered,
    followup.SupervisionAnswered: on_supervision_answered,
}
HANDLERS: Handlers = {
    intake.ReferralOpened: on_referral_opened,
    intake.CallLinked: on_call_linked,
    intake.CallCorrected: on_call_corrected,
    intake.CallWithdrawn: on_call_withdrawn,
    intake.BlockSet: on_block_set,
    intake.BlockLifted: on_block_lifted,
    triage.ReferralClassified: on_referral_classified,
    triage.ReferralReclassified: on_referral_reclassified,
    triage.GradeChanged: on_grade_changed,
    triage.ReferralDispatched: on_referral_dispatched,
    triage.PartyContacted: on_party_contacted,
    triage.HandedToMediation: on_handed_to_mediation,
    triage.ReferralEnded: on_referral_ended,
    **_FROM_FOLLOWUP,
}

PATIENT: tuple[type[Any], ...] = (intake.ReferralOpened, triage.ReferralClassified, *_FROM_FOLLOWUP)
"""Nobody waits for what is noted of these: the dispatch comes right behind the first two, and one batch takes all
three; what followup decides is between it and a person, who has been answered."""

CONTRACTS = Contracts(
    service=SERVICE,
    topic=stream_topic(SERVICE),
    producers={stream_topic(producer): producer for producer in ("intake", "triage", "followup")},
    models=EVENTS,
    topics=topics_of(SERVICE),
)
