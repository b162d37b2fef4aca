"""Public events into followup. Handlers see what the transaction has loaded, in memory, and do no I/O."""

from chassis.delivery import Contracts, Handlers
from referral_schemas.followup import WatchOpened
from referral_schemas.intake import CallLinked, ReferralOpened
from referral_schemas.registry import EVENTS
from referral_schemas.topics import stream_topic, topics_of
from referral_schemas.triage import ReferralClassified, ReferralDispatched

from followup_svc.domain.noted import Noted
from followup_svc.domain.watch import ReferralId, Watch
from followup_svc.store.work import FollowupWork

SERVICE = "followup"


def on_referral_opened(event: ReferralOpened, work: FollowupWork) -> None:
    work.noted.put(work.subject, _noted(work).opened(at=work.stated_at))


def on_call_linked(event: CallLinked, work: FollowupWork) -> None:
    work.noted.put(work.subject, _noted(work).joined_by_call(calls=event.counters.calls))


def on_referral_classified(event: ReferralClassified, work: FollowupWork) -> None:
    work.noted.put(work.subject, _noted(work).classified(event.category, event.grade))


def on_referral_dispatched(event: ReferralDispatched, work: FollowupWork) -> None:
    """The first dispatch opens the watch; a further one moves it to the new office."""
    watch = work.watches.find(work.subject)
    if watch is None:
        watch = Watch(ReferralId(work.subject), opened_at=work.now)
        work.record(work.subject, WatchOpened(cycle=watch.cycle, opened_at=watch.opened_at))
    work.watches.put(work.subject, watch.dispatched_to(event.office.code, hop=event.hop))


def _noted(work: FollowupWork) -> Noted:
    return work.noted.find(work.subject) or Noted(ReferralId(work.subject))


HANDLERS: Handlers = {
    ReferralOpened: on_referral_opened,
    CallLinked: on_call_linked,
    ReferralClassified: on_referral_classified,
    ReferralDispatched: on_referral_dispatched,
}

CONTRACTS = Contracts(
    service=SERVICE,
    topic=stream_topic(SERVICE),
    producers={stream_topic(producer): producer for producer in ("intake", "triage", "mediation")},
    models=EVENTS,
    topics=topics_of(SERVICE),
)
