"""Public events in, to use cases. What triage states itself goes out through `publishing`."""

from uuid import UUID

from chassis.delivery import Contracts, Handlers
from chassis.timers import Timer
from chassis.workdays import day_in_china
from referral_schemas import followup, intake, mediation
from referral_schemas.registry import EVENTS
from referral_schemas.topics import stream_topic, topics_of
from referral_schemas.triage import Category, Grade, ReferralClassified

from triage_svc.domain.classification import strongest
from triage_svc.domain.errors import AlreadyOpened
from triage_svc.domain.facts import ReferralDispatched, RunningClock
from triage_svc.domain.matching import matching_copy
from triage_svc.domain.referral import Counters, ReferralId
from triage_svc.domain.routing import Place
from triage_svc.rules.loading import Rulebook
from triage_svc.store.work import TriageWork
from triage_svc.use_cases import hear_others
from triage_svc.use_cases.clocks import start_office_clocks, wait_for_dispatcher
from triage_svc.use_cases.halt_referral import LiftBlocks, SetBlock, lift_blocks, set_block
from triage_svc.use_cases.open_referral import Opened, OpenReferral, open_referral

REASONS_TOLD = 8
SERVICE = "triage"


def on_referral_opened(event: intake.ReferralOpened, work: TriageWork) -> None:
    if work.referrals.find(work.subject) is not None:
        raise AlreadyOpened(str(work.subject))
    command = OpenReferral(
        ReferralId(work.subject),
        text=event.narrative or "",
        place=_place(event.place, event.station_code, work.rules),
        source=event.source,
        on=day_in_china(event.reported_at),
    )
    opened = open_referral(command, work.rules, work.directory, at=work.now)
    work.referrals.put(work.subject, opened.referral)
    for decision in (opened.judging, opened.finding):
        work.decisions.put(decision.decision_id, decision)
    work.record(work.subject, _classified(opened))
    _send_or_wait(opened, work)


def on_call_linked(event: intake.CallLinked, work: TriageWork) -> None:
    told = event.counters
    counters = Counters(told.calls, told.duplicates, told.repeats)
    hear_others.hear_call(work.subject, counters, event.narrative, work)


def on_call_corrected(_: intake.CallCorrected, work: TriageWork) -> None:
    hear_others.hear_correction(work.subject, work)


def on_call_withdrawn(_: intake.CallWithdrawn, work: TriageWork) -> None:
    hear_others.hear_withdrawal(work.subject, work)


def on_block_set(event: intake.BlockSet, work: TriageWork) -> None:
    set_block(SetBlock(ReferralId(work.subject), _cause(work), _seq_of_present_event(work), event.code, event.at), work)


def on_block_lifted(event: intake.BlockLifted, work: TriageWork) -> None:
    lift_blocks(LiftBlocks(ReferralId(work.subject), event.lifts), work)


def on_return_decided(event: intake.ReturnDecided, work: TriageWork) -> None:
    hear_others.hear_police_decision(work.subject, event.decision, work)


def on_referred_again(_: intake.ReferredAgain, work: TriageWork) -> None:
    hear_others.refer_again(work.subject, work)


def on_agreement_effective(event: mediation.AgreementEffective, work: TriageWork) -> None:
    hear_others.settle(work.subject, event.effective_at, work)


def on_case_terminated(_: mediation.CaseTerminated, work: TriageWork) -> None:
    hear_others.settle(work.subject, work.stated_at, work)


def on_obligation_breached(_: mediation.ObligationBreached, work: TriageWork) -> None:
    hear_others.hear_breach(work.subject, work)


def on_visit_recorded(event: followup.VisitRecorded, work: TriageWork) -> None:
    proposed = event.proposed_grade
    hear_others.hear_visit(work.subject, event.visit_id, event.visited_at, proposed, work)


def on_referral_reopened(event: followup.ReferralReopened, work: TriageWork) -> None:
    hear_others.reopen(work.subject, event.cycle, event.target, work)


def on_referral_closed(event: followup.ReferralClosed, work: TriageWork) -> None:
    hear_others.close(work.subject, event.outcome, event.closed_at, work)


def on_referral_escalated(event: followup.ReferralEscalated, work: TriageWork) -> None:
    hear_others.hear_escalation(work.subject, event.level, work)


def on_supervision_ordered(_: followup.SupervisionOrdered, work: TriageWork) -> None:
    hear_others.hear_supervision(work.subject, work)


def on_timer(timer: Timer, work: TriageWork) -> None:
    """Stated once, by the ticker, in the transaction that marks the clock as run out."""
    clock = RunningClock(timer.clock, timer.key, timer.due_at, timer.rule, timer.calendar)
    hear_others.run_out(timer.referral_id, clock, work, is_met=timer.ended_at is not None)


CONTRACTS = Contracts(
    service=SERVICE,
    topic=stream_topic(SERVICE),
    producers={stream_topic(producer): producer for producer in ("intake", "mediation", "followup")},
    models=EVENTS,
    topics=topics_of(SERVICE),
)
_FROM_FOLLOWUP: Handlers = {
    followup.VisitRecorded: on_visit_recorded,
    followup.ReferralReopened: on_referral_reopened,
    followup.ReferralClosed: on_referral_closed,
    followup.ReferralEscalated: on_referral_escalated,
    followup.SupervisionOrdered: on_supervision_ordered,
}
HANDLERS: Handlers = {
    intake.ReferralOpened: on_referral_opened,
    intake.CallLinked: on_call_linked,
    intake.CallCorrected: on_call_corrected,
    intake.CallWithdrawn: on_call_withdrawn,
    intake.BlockSet: on_block_set,
    intake.BlockLifted: on_block_lifted,
    intake.ReturnDecided: on_return_decided,
    intake.ReferredAgain: on_referred_again,
    mediation.AgreementEffective: on_agreement_effective,
    mediation.CaseTerminated: on_case_terminated,
    mediation.ObligationBreached: on_obligation_breached,
    **_FROM_FOLLOWUP,
}

PATIENT = tuple(_FROM_FOLLOWUP)
"""What followup decides is between it and a person, who has been answered: nobody waits for what is made of it here."""


def _send_or_wait(opened: Opened, work: TriageWork) -> None:
    office = opened.routing.office
    if office is None:
        wait_for_dispatcher(opened.referral, work)
        return
    clocks = start_office_clocks(opened.referral, work)
    fact = ReferralDispatched(office, opened.referral.hop, opened.finding.decision_id, clocks)
    work.state(work.subject, fact)


def _cause(work: TriageWork) -> UUID:
    assert work.cause is not None
    return work.cause


def _seq_of_present_event(work: TriageWork) -> int:
    """The gate lets an event to its handler only when it is the next of its producer's stream."""
    return work.gates[work.subject].last("intake") + 1


def _place(told: intake.Place, station_code: str | None, rules: Rulebook) -> Place:
    words = "，".join(word for word in (told.street, told.community, told.road) if word)
    return Place(
        station_code,
        told.area_code,
        tuple(candidate.area_code for candidate in told.candidates),
        matching_copy(words, rules.simplified),
    )


def _classified(opened: Opened) -> ReferralClassified:
    found = opened.judgement.classification
    return ReferralClassified(
        category=Category(found.category),
        confidence=found.confidence,
        runner_up=Category(found.runner_up) if found.runner_up else None,
        grade=Grade(opened.judgement.grading.grade),
        review=opened.judgement.needs_review or bool(opened.judgement.blocks),
        reasons=tuple(strongest(found.reasons, limit=REASONS_TOLD)),
        decision_id=opened.judging.decision_id,
        versions=dict(opened.judging.versions),
    )
