"""Which referrals an event names besides its subject: their streams are locked before any handler runs."""

from __future__ import annotations

from uuid import UUID

from chassis.delivery.contracts import EventModel
from chassis.delivery.gate import Arrival


class NamedElsewhere(Exception):
    """Parked events name referrals that this transaction has not locked: begin again with these too."""

    def __init__(self, referral_ids: set[UUID]) -> None:
        super().__init__(f"{len(referral_ids)} more referrals named")
        self.referral_ids = referral_ids


def names_others(model: type[EventModel]) -> bool:
    """Whether a model has a `named_referrals` of its own: only then must a body be read before the locks."""
    return sum("named_referrals" in base.__dict__ for base in model.__mro__) > 1


def named_by(model: type[EventModel], arrival: Arrival) -> set[UUID]:
    try:
        return set(arrival.read(model).named_referrals())
    except ValueError:  # pydantic's ValidationError too: the handler's turn will park it as failed
        return set()
