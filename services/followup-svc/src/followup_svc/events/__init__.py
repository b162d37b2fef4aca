"""Public events into followup. Handlers see what the transaction has loaded, in memory, and do no I/O."""

from chassis.delivery import Contracts, Handlers
from referral_schemas import intake, triage
from referral_schemas.registry import EVENTS
from referral_schemas.topics import stream_topic, topics_of

from followup_svc.events import from_intake, from_mediation, from_triage

SERVICE = "followup"

HANDLERS: Handlers = {**from_intake.HANDLERS, **from_triage.HANDLERS, **from_mediation.HANDLERS}

PATIENT = (intake.ReferralOpened, triage.ReferralClassified)
"""Nobody waits for what is noted of these: the dispatch comes right behind them, and one batch takes all three."""

CONTRACTS = Contracts(
    service=SERVICE,
    topic=stream_topic(SERVICE),
    producers={stream_topic(producer): producer for producer in ("intake", "triage", "mediation")},
    models=EVENTS,
    topics=topics_of(SERVICE),
)
