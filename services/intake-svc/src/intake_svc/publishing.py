"""Facts out: the public form of everything intake states, to other services and to sources."""

from referral_schemas import intake as public
from referral_schemas import police
from referral_schemas.shared_facts import ClockMet, ClockSet
from referral_schemas.vocabulary import Milestone

from intake_svc.domain.facts import (
    BlockLifted,
    BlockSet,
    CallCorrected,
    CallLinked,
    CallWithdrawn,
    Deadline,
    DeadlineBreached,
    DeadlineMet,
    DeadlineSet,
    FeedbackAcknowledged,
    FeedbackDelivered,
    FeedbackFailed,
    FeedbackWaived,
    MilestoneTold,
    ReferralOpened,
    ReferredAgain,
    ReturnDecided,
)
from intake_svc.domain.feedback import Feedback
from intake_svc.domain.place import Place
from intake_svc.store.work import Publish


def referral_opened(fact: ReferralOpened) -> public.ReferralOpened:
    call = fact.call
    assert call.screening is not None
    return public.ReferralOpened(
        call_id=call.call_id,
        source=call.source,
        call_no=call.call_no,
        tracking_code=call.tracking_code,
        reported_at=call.reported_at,
        received_at=call.received_at,
        narrative=fact.narrative,
        redacted=False,
        place=_place(fact.place),
        station_code=call.station_code,
        source_category=fact.source_category,
        flags=public.Flags(
            dual_track=False, duty_unclear=False, confidential=fact.is_confidential, is_drill=fact.is_drill
        ),
        parties=tuple(public.Party(party_id=party.party_id, role=party.role.value) for party in fact.parties),
        screening=public.Screening(rule_version=call.screening.rule_version, outcome=call.screening.outcome.value),
    )


def call_linked(fact: CallLinked) -> public.CallLinked:
    call = fact.call
    return public.CallLinked(
        call_id=call.call_id,
        source=call.source,
        call_no=call.call_no,
        kind=public.LinkKind(fact.kind.value),
        reported_at=call.reported_at,
        narrative=fact.narrative,
        redacted=False,
        counters=public.Counters(calls=fact.calls, duplicates=fact.duplicates, repeats=fact.repeats),
    )


def _place(place: Place) -> public.Place:
    return public.Place(
        area_code=place.area_code,
        street=place.street,
        community=place.community,
        road=place.road,
        confidence=place.confidence,
        candidates=tuple(
            public.PlaceCandidate(area_code=one.area_code, confidence=one.confidence) for one in place.candidates
        ),
    )


def call_corrected(fact: CallCorrected) -> public.CallCorrected:
    call = fact.call
    return public.CallCorrected(
        call_id=call.call_id, source=call.source, call_no=call.call_no, version=fact.version, changed=fact.changed
    )


def call_withdrawn(fact: CallWithdrawn) -> public.CallWithdrawn:
    call = fact.call
    return public.CallWithdrawn(call_id=call.call_id, source=call.source, call_no=call.call_no)


def block_set(fact: BlockSet) -> public.BlockSet:
    block = fact.block
    return public.BlockSet(
        code=block.code, set_by=public.SetBy(block.set_by.value), call_id=block.call_id, at=block.set_at
    )


def block_lifted(fact: BlockLifted) -> public.BlockLifted:
    return public.BlockLifted(code=fact.code, lifts=fact.lifts, by=fact.role, at=fact.at)


def return_decided(fact: ReturnDecided) -> public.ReturnDecided:
    return public.ReturnDecided(decision=public.ReturnDecision(fact.decision.value), decided_at=fact.at)


def referred_again(fact: ReferredAgain) -> public.ReferredAgain:
    return public.ReferredAgain(hop=fact.hop)


def milestone_told(fact: MilestoneTold) -> police.MilestoneTold:
    call, told = fact.call, fact.feedback
    return police.MilestoneTold(
        source=call.source,
        call_no=call.call_no,
        tracking_code=call.tracking_code,
        milestone=_milestone(told),
        outcome=told.outcome,
        at=told.at,
        version=told.version,
        awaits_acknowledgement=told.awaits_acknowledgement,
    )


def feedback_delivered(fact: FeedbackDelivered) -> public.FeedbackDelivered:
    told = fact.feedback
    assert told.delivered_at is not None
    return public.FeedbackDelivered(
        milestone=_milestone(told),
        fact_id=told.fact_id,
        awaits_acknowledgement=told.awaits_acknowledgement,
        delivered_at=told.delivered_at,
    )


def feedback_acknowledged(fact: FeedbackAcknowledged) -> public.FeedbackAcknowledged:
    told = fact.feedback
    assert told.settled_at is not None
    return public.FeedbackAcknowledged(
        milestone=_milestone(told), fact_id=told.fact_id, acknowledged_at=told.settled_at
    )


def feedback_failed(fact: FeedbackFailed) -> public.FeedbackFailed:
    told = fact.feedback
    return public.FeedbackFailed(milestone=_milestone(told), fact_id=told.fact_id, reason=told.reason or "unknown")


def feedback_waived(fact: FeedbackWaived) -> public.FeedbackWaived:
    told = fact.feedback
    assert told.waived_by is not None
    return public.FeedbackWaived(
        milestone=_milestone(told), fact_id=told.fact_id, by=told.waived_by, reason=told.reason or "unknown"
    )


def deadline_set(fact: DeadlineSet) -> public.DeadlineSet:
    return public.DeadlineSet(clocks=tuple(_clock_set(one) for one in fact.clocks))


def deadline_met(fact: DeadlineMet) -> public.DeadlineMet:
    return public.DeadlineMet(
        clocks=tuple(ClockMet(clock=clock, key=key or None, met_at=fact.at) for clock, key in fact.clocks)
    )


def deadline_breached(fact: DeadlineBreached) -> public.DeadlineBreached:
    one = fact.deadline
    return public.DeadlineBreached(
        clock=one.clock, key=one.key or None, due_at=one.due_at, rule=one.rule, calendar=one.calendar
    )


def _clock_set(one: Deadline) -> ClockSet:
    return ClockSet(clock=one.clock, due_at=one.due_at, rule=one.rule, calendar=one.calendar, key=one.key or None)


def _milestone(told: Feedback) -> Milestone:
    return Milestone(told.milestone.value)


PUBLISH: Publish = {
    ReferralOpened: referral_opened,
    CallLinked: call_linked,
    CallCorrected: call_corrected,
    CallWithdrawn: call_withdrawn,
    BlockSet: block_set,
    BlockLifted: block_lifted,
    ReturnDecided: return_decided,
    ReferredAgain: referred_again,
    MilestoneTold: milestone_told,
    FeedbackDelivered: feedback_delivered,
    FeedbackAcknowledged: feedback_acknowledged,
    FeedbackFailed: feedback_failed,
    FeedbackWaived: feedback_waived,
    DeadlineSet: deadline_set,
    DeadlineMet: deadline_met,
    DeadlineBreached: deadline_breached,
}
