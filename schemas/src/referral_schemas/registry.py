"""Every event type the services know, by its CloudEvents type."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from referral_schemas.envelope import PublicEvent, dataschema_of, split_type
from referral_schemas.followup import WatchOpened
from referral_schemas.intake import CallLinked, ReferralOpened
from referral_schemas.triage import ReferralClassified, ReferralDispatched

MODELS: tuple[type[PublicEvent], ...] = (
    ReferralOpened,
    CallLinked,
    ReferralClassified,
    ReferralDispatched,
    WatchOpened,
)

EVENTS: Mapping[str, type[PublicEvent]] = MappingProxyType({model.TYPE: model for model in MODELS})


def service_of(event_type: str) -> str:
    """The service that states it; the type need not be known, ValueError when it is not one of ours."""
    return split_type(event_type)[0]


__all__ = ["EVENTS", "MODELS", "dataschema_of", "service_of"]
