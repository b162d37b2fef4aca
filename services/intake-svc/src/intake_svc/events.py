"""Public events in, facts out. Nothing that others state changes a call yet: their events move positions, no more."""

from chassis.delivery import Contracts, Handlers
from referral_schemas import intake as public
from referral_schemas.registry import EVENTS
from referral_schemas.topics import stream_topic, topics_of

from intake_svc.domain.facts import CallLinked, ReferralOpened
from intake_svc.domain.place import Place
from intake_svc.store.work import Publish

SERVICE = "intake"

HANDLERS: Handlers = {}

CONTRACTS = Contracts(
    service=SERVICE,
    topic=stream_topic(SERVICE),
    producers={stream_topic(producer): producer for producer in ("triage", "mediation", "followup")},
    models=EVENTS,
    topics=topics_of(SERVICE),
)


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


PUBLISH: Publish = {ReferralOpened: referral_opened, CallLinked: call_linked}
