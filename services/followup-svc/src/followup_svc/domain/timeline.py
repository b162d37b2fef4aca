"""One line of a referral's story: which service stated what, when, in codes alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

SHOWN = frozenset(
    {
        "accepted_at", "addressee", "agreement_no", "area_code", "awaits_acknowledgement", "body_code",
        "category", "cause", "channel", "clock", "closed_at", "code", "committee_code", "cycle", "decision",
        "due_at", "effective_at", "end", "file_no", "form", "found_by", "grade", "hop", "kind", "level",
        "milestone", "number", "office_code", "order_id", "outcome", "plan_version", "previous",
        "proposed_grade", "reason", "review", "satisfaction", "target", "version", "visit_id", "volume",
    }
)  # fmt: skip
"""Fields of events that hold codes, numbers, instants or ids. Nobody's words: a field not named here is not kept."""
PARTS = {"office": "office_code", "committee": "committee_code"}
"""Parts of which the code is shown."""


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    referral_id: UUID
    producer: str
    seq: int
    event_id: UUID
    at: datetime
    type: str
    codes: Mapping[str, Any]


def codes_of(body: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in body.items() if name in SHOWN and isinstance(value, str | int | bool)}
    for part, name in PARTS.items():
        inner = body.get(part)
        if isinstance(inner, dict) and isinstance(inner.get("code"), str):
            found[name] = inner["code"]
    return dict(sorted(found.items()))
