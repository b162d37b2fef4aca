"""How long mediation and what follows it may take (DOMAIN §1.7, §4.2; CONTRACTS §4). Spans are rule data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from chassis.workdays import Calendar, Span, due


class Clock(StrEnum):
    ACCEPT_OR_DECLINE = "accept_or_decline"
    GENERAL_LIMIT = "general_limit"
    MEDICAL_LIMIT = "medical_limit"
    PERFORMANCE = "performance"
    CONFIRMATION_WINDOW = "confirmation_window"


LIMITS_OF_THE_LAW = (Clock.GENERAL_LIMIT, Clock.MEDICAL_LIMIT)
RESPONSE_CLOCKS = (Clock.ACCEPT_OR_DECLINE,)
"""What a halt holds: limits of the law run on (CONTRACTS §3)."""


@dataclass(frozen=True, slots=True)
class Limits:
    rule: str
    spans: Mapping[Clock, Span]

    def limit_of(self, category: str) -> Clock:
        return Clock.MEDICAL_LIMIT if category == "medical" else Clock.GENERAL_LIMIT

    def confirmation_deadline(self, effective_at: datetime, calendar: Calendar) -> date:
        """The last day on which all parties together may ask the court (PML 33, CPL 205)."""
        return due(self.spans[Clock.CONFIRMATION_WINDOW], effective_at, calendar).on
