"""A unit of work without a database: handlers see only memory anyhow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from chassis.delivery.gate import Position, ReferralGate
from chassis.workdays import load_calendar
from mediation_svc.events import HANDLERS
from mediation_svc.publishing import PUBLISH
from mediation_svc.rules.loading import load_rulebook
from mediation_svc.store.work import MediationWork
from referral_schemas.envelope import PublicEvent
from support.mediation import NOW, REFERRAL

RULES, CALENDAR = load_rulebook(), load_calendar()


def a_work() -> MediationWork:
    work = MediationWork(NOW, rules=RULES, publish=PUBLISH, calendar=CALENDAR)
    work.gates = {REFERRAL: ReferralGate(REFERRAL)}
    return work


def tell(work: MediationWork, event: PublicEvent) -> None:
    """As the gate does it: the next number of its producer's stream, handled and kept."""
    producer = event.TYPE.split(".")[2]
    gate = work.gates[REFERRAL]
    seq = gate.last(producer) + 1
    event_id = uuid5(UUID(int=0), f"{producer}/{seq}")
    work.begin_event(REFERRAL, event_id, NOW - timedelta(minutes=1))
    HANDLERS[type(event)](event, work)
    work.keep()
    gate.positions[producer] = Position(seq, event_id)


def outcome(work: MediationWork) -> dict[str, Any]:
    """Everything that is kept of the referral: not in which order it came."""
    return {
        "mirror": work.mirrors.find(REFERRAL),
        "case": work.cases.find(REFERRAL),
        "halts": {halt.key for halt in work.standing_halts(REFERRAL)},
        "clocks": {
            timer.name: (timer.state, timer.due_at, tuple(pause.reason for pause in timer.pauses if not pause.until))
            for timer in work.clocks_of(REFERRAL)
        },
    }
