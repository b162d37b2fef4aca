"""Public events into mediation. Handlers see what the transaction has loaded, in memory, and do no I/O."""

from chassis.delivery import Contracts, Handlers
from referral_schemas.intake import CallLinked, ReferralOpened
from referral_schemas.registry import EVENTS
from referral_schemas.topics import stream_topic, topics_of
from referral_schemas.triage import ReferralClassified, ReferralDispatched

from mediation_svc.domain.case import ReferralId
from mediation_svc.domain.mirror import Mirror
from mediation_svc.store.work import MediationWork

SERVICE = "mediation"


def on_referral_opened(event: ReferralOpened, work: MediationWork) -> None:
    work.mirrors.put(work.subject, _mirror(work).opened(at=work.stated_at))


def on_call_linked(event: CallLinked, work: MediationWork) -> None:
    work.mirrors.put(work.subject, _mirror(work).joined_by_call(calls=event.counters.calls))


def on_referral_classified(event: ReferralClassified, work: MediationWork) -> None:
    work.mirrors.put(work.subject, _mirror(work).classified(event.category, event.grade))


def on_referral_dispatched(event: ReferralDispatched, work: MediationWork) -> None:
    work.mirrors.put(work.subject, _mirror(work).dispatched(event.office.code, hop=event.hop, at=work.stated_at))


def _mirror(work: MediationWork) -> Mirror:
    return work.mirrors.find(work.subject) or Mirror(ReferralId(work.subject))


HANDLERS: Handlers = {
    ReferralOpened: on_referral_opened,
    CallLinked: on_call_linked,
    ReferralClassified: on_referral_classified,
    ReferralDispatched: on_referral_dispatched,
}

CONTRACTS = Contracts(
    service=SERVICE,
    topic=stream_topic(SERVICE),
    producers={stream_topic(producer): producer for producer in ("intake", "triage", "followup")},
    models=EVENTS,
    topics=topics_of(SERVICE),
)
