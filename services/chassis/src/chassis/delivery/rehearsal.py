"""Before a worker reads anything it goes once through the motions, in a transaction that is undone.

Plans are made, connections know their statements, code has run: the first real event does not wait for all that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from chassis.delivery.contracts import EventModel, producer_of
from chassis.delivery.gate import Arrival
from chassis.delivery.wire import Envelope, write_headers
from chassis.ids import new_id


class Undone(Exception):
    """Ends a rehearsal: the transaction rolls back and nothing of it remains."""


def rehearsed(models: Iterable[type[EventModel]], *, at: datetime) -> Sequence[Arrival]:
    """One event of each type, numbered as their producers would number them, all of one referral that never was."""
    subject, numbers = new_id(), Counter[str]()
    arrivals = []
    for model in models:
        producer = producer_of(model.TYPE)
        numbers[producer] += 1
        envelope = Envelope(new_id(), model.TYPE, subject, numbers[producer], {}, None, at)
        headers = write_headers(
            event_id=envelope.event_id, event_type=model.TYPE, subject=subject, at=at, seq=envelope.seq, after={},
            causation_id=None,
        )  # fmt: skip
        pairs = tuple((name, value.encode()) for name, value in headers.items())
        arrivals.append(Arrival(producer, envelope, pairs, model.example().model_dump_json().encode()))
    return arrivals
