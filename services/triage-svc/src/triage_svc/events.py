"""Public events in, use cases, public events out."""

from datetime import date, datetime, timedelta, timezone

from chassis.delivery import Contracts, Handlers
from referral_schemas.intake import CallLinked, ReferralOpened
from referral_schemas.intake import Place as PlaceTold
from referral_schemas.registry import EVENTS
from referral_schemas.topics import stream_topic, topics_of
from referral_schemas.triage import Category, Grade, Office, ReferralClassified, ReferralDispatched

from triage_svc.domain.classification import strongest
from triage_svc.domain.errors import AlreadyOpened
from triage_svc.domain.matching import matching_copy
from triage_svc.domain.referral import Counters, ReferralId
from triage_svc.domain.routing import Place
from triage_svc.rules.loading import Rulebook
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.open_referral import Opened, OpenReferral, open_referral

CHINA = timezone(timedelta(hours=8))  # one time for the whole country, all year
REASONS_TOLD = 8
SERVICE = "triage"


def on_referral_opened(event: ReferralOpened, work: TriageWork) -> None:
    if work.referrals.find(work.subject) is not None:
        raise AlreadyOpened(str(work.subject))
    command = OpenReferral(
        ReferralId(work.subject),
        text=event.narrative or "",
        place=_place(event.place, event.station_code, work.rules),
        source=event.source,
        on=_day(event.reported_at),
    )
    opened = open_referral(command, work.rules, work.directory, at=work.now)
    work.referrals.put(work.subject, opened.referral)
    for decision in (opened.judging, opened.finding):
        work.decisions.put(decision.decision_id, decision)
    work.record(work.subject, _classified(opened))
    if dispatched := _dispatched(opened):
        work.record(work.subject, dispatched)


def on_call_linked(event: CallLinked, work: TriageWork) -> None:
    """Counts only; what a further call does to the grade comes with the re-grading rules."""
    told = event.counters
    referral = work.referrals.get(work.subject)
    work.referrals.put(work.subject, referral.count(Counters(told.calls, told.duplicates, told.repeats)))


CONTRACTS = Contracts(
    service=SERVICE,
    topic=stream_topic(SERVICE),
    producers={stream_topic(producer): producer for producer in ("intake", "mediation", "followup")},
    models=EVENTS,
    topics=topics_of(SERVICE),
)
HANDLERS: Handlers = {ReferralOpened: on_referral_opened, CallLinked: on_call_linked}


def _place(told: PlaceTold, station_code: str | None, rules: Rulebook) -> Place:
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


def _dispatched(opened: Opened) -> ReferralDispatched | None:
    office = opened.routing.office
    if office is None:
        return None
    return ReferralDispatched(
        office=Office(code=office.code, name=office.name),
        hop=opened.referral.hop,
        decision_id=opened.finding.decision_id,
        clocks=(),
    )


def _day(reported_at: datetime) -> date:
    return reported_at.astimezone(CHINA).date()
