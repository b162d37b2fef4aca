"""A source's message about one call, and how it stands to what we hold: the version key of DESIGN §5."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from intake_svc.domain.instants import read_instant

TIMES = frozenset({"reported_at", "answered_at", "finished_at"})
NOT_CONTENT = frozenset({"created_at", "updated_at"})


class Standing(StrEnum):
    REPEAT = "repeat"
    CONFIRMED = "confirmed"
    NEWER = "newer"
    OLDER = "older"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Submission:
    source: str
    call_no: str
    reported_at: datetime
    updated_at: datetime | None
    content_hash: bytes
    fields: Mapping[str, object] = field(repr=False)
    body: bytes = field(repr=False)
    identity_key: bytes | None
    station_code: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """What we hold of the same call as current."""

    updated_at: datetime | None
    content_hash: bytes


def standing(held: Held, new: Submission) -> Standing:
    """`updated_at` alone orders versions. Content without one never replaces other content.

    CONFIRMED is equal content under a newer `updated_at`: no version, but what is older than it is now older.
    """
    is_equal = held.content_hash == new.content_hash
    if new.updated_at is not None and (held.updated_at is None or new.updated_at > held.updated_at):
        return Standing.CONFIRMED if is_equal else Standing.NEWER
    if is_equal and (new.updated_at is None or new.updated_at == held.updated_at):
        return Standing.REPEAT
    if new.updated_at is not None and held.updated_at is not None and new.updated_at < held.updated_at:
        return Standing.OLDER
    return Standing.CONFLICT


def content_of(fields: Mapping[str, object]) -> dict[str, object]:
    """A null says the same as a field that is not there, and an instant is the same however it is written."""
    return {
        name: read_instant(value).isoformat() if name in TIMES and isinstance(value, str) else value
        for name, value in fields.items()
        if name not in NOT_CONTENT and value is not None
    }


def differing_fields(one: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    left, right = content_of(one), content_of(other)
    return sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))


OTHER_FIELD = "other_field"


def published_names(fields: Iterable[str], published: frozenset[str]) -> tuple[str, ...]:
    """What may be told of fields: those we publish by name, the rest as one, since a name may say who or what."""
    return tuple(sorted({name if name in published else OTHER_FIELD for name in fields}))
