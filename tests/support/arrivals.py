"""Events as a consumer meets them, built by hand for the gate and the batch."""

from __future__ import annotations

from uuid import UUID

from chassis.delivery.gate import Arrival
from chassis.delivery.wire import Envelope
from chassis.ids import new_id
from support.toys import Pinged


def a_pinged(referral_id: UUID, seq: int, n: int = 1) -> Arrival:
    envelope = Envelope(
        event_id=new_id(), type=Pinged.TYPE, subject=referral_id, seq=seq, after={}, causation_id=None, time=None
    )
    headers = tuple(
        (name, value.encode())
        for name, value in {
            "ce_id": str(envelope.event_id), "ce_type": Pinged.TYPE, "ce_subject": str(referral_id),
            "ce_streamseq": str(seq),
        }.items()
    )  # fmt: skip
    return Arrival("ping", envelope, headers, b'{"n": %d}' % n)
