"""What every public event shares: the strict model of its body, and the CloudEvents headers around it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self, TypeVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.fields import FieldInfo

T = TypeVar("T")
Headers = list[tuple[str, bytes]]


def in_utc(at: datetime) -> datetime:
    """Raises ValueError at the ends of time, where an offset leads out of what can be written."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("the instant cannot be told in UTC") from None


Instant = Annotated[AwareDatetime, AfterValidator(in_utc)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]

NUMBER_LIMIT = 2**31  # CloudEvents integers are signed and 32 bits wide
TYPE = re.compile(r"cn\.liandong\.([a-z]+)\.([a-z][a-z0-9_]*)\.(v[1-9][0-9]*)", re.ASCII)
CAUSE = re.compile(r"([a-z]+):([1-9][0-9]{0,9})", re.ASCII)
NUMBER = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)


def says(zh: str, en: str, example: object, **limits: Any) -> FieldInfo:
    """A field's published description, in both languages, with an example."""
    return Field(description=f"{zh} · {en}", examples=[example], **limits)  # type: ignore[no-any-return]


class Part(BaseModel):
    """A piece of an event body. Built strictly: right types, no unknown field, never changed afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class PublicEvent(Part):
    """The body of one event type. The referral it speaks of is the subject of its envelope."""

    TYPE: ClassVar[str]
    MEANS: ClassVar[str]  # 中文 · English: what has happened, for the published documents
    URGENT: ClassVar[bool] = False  # takes effect on arrival, before its turn; its writer marks it `ce_urgent`

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """As a consumer reads: unknown fields are passed over at every depth; ValidationError on anything else."""
        return cls.model_validate_json(body, extra="ignore")

    @classmethod
    def example(cls) -> Self:
        """The event that the published examples of its fields make."""
        body = {name: field.examples[0] for name, field in cls.model_fields.items() if field.examples}
        return cls.parse(json.dumps(body, default=str).encode())

    def named_referrals(self) -> tuple[UUID, ...]:
        """Referrals that the event names besides its subject."""
        return ()


class UnreadableHeader(ValueError):
    """`attribute` is missing or not what the contract says."""

    def __init__(self, attribute: str) -> None:
        super().__init__(f"CloudEvents 属性无法读取 · unreadable CloudEvents attribute: {attribute}")
        self.attribute = attribute


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """The CloudEvents attributes of one event; source and dataschema follow from its type."""

    event_id: UUID
    event_type: str
    subject: UUID
    time: datetime
    streamseq: int
    after: Mapping[str, int] = field(default_factory=dict)
    causation_id: UUID | None = None
    urgent: bool = False
    traceparent: str | None = None


def split_type(event_type: str) -> tuple[str, str, str]:
    """`cn.liandong.intake.call_linked.v1` → ("intake", "call_linked", "v1"); ValueError on any other shape."""
    parts = TYPE.fullmatch(event_type)
    if parts is None:
        raise ValueError(f"not an event type: {event_type!r}")
    service, fact, version = parts.groups()
    return service, fact, version


def dataschema_of(event_type: str) -> str:
    return ":".join(("urn:liandong", *split_type(event_type)))


def to_headers(envelope: Envelope) -> Headers:
    """What does not apply is left out: an empty `after`, no cause, not urgent, no trace."""
    service, _, _ = split_type(envelope.event_type)
    texts = {
        "ce_specversion": "1.0",
        "ce_id": str(envelope.event_id),
        "ce_source": f"/liandong/{service}",
        "ce_type": envelope.event_type,
        "ce_subject": str(envelope.subject),
        "ce_time": envelope.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "ce_dataschema": dataschema_of(envelope.event_type),
        "ce_streamseq": str(envelope.streamseq),
        "ce_after": ",".join(f"{cause}:{number}" for cause, number in sorted(envelope.after.items())),
        "ce_causationid": str(envelope.causation_id or ""),
        "ce_urgent": "true" if envelope.urgent else "",
        "ce_traceparent": envelope.traceparent or "",
        "content-type": "application/json",
    }
    return [(name, text.encode()) for name, text in texts.items() if text]


def from_headers(headers: Iterable[tuple[str, bytes]]) -> Envelope:
    """Unknown headers are passed over. Raises UnreadableHeader, naming first what gives the event its place."""
    values = dict(headers)
    envelope = Envelope(
        subject=_read(values, "subject", UUID),
        streamseq=_read(values, "streamseq", _number),
        event_id=_read(values, "id", UUID),
        event_type=_read(values, "type", _event_type),
        time=_read(values, "time", _instant),
        after=_read(values, "after", _causes) if "ce_after" in values else {},
        causation_id=_read(values, "causationid", UUID) if "ce_causationid" in values else None,
        urgent=_read(values, "urgent", _truth) if "ce_urgent" in values else False,
        traceparent=_read(values, "traceparent", str) if "ce_traceparent" in values else None,
    )
    _read(values, "specversion", _one_dot_nought)
    return envelope


def _read(values: Mapping[str, bytes], attribute: str, reader: Callable[[str], T]) -> T:
    try:
        return reader(values[f"ce_{attribute}"].decode())
    except (KeyError, ValueError) as error:
        raise UnreadableHeader(attribute) from error


def _number(text: str) -> int:
    if NUMBER.fullmatch(text) is None or int(text) >= NUMBER_LIMIT:
        raise ValueError(text)
    return int(text)


def _causes(text: str) -> Mapping[str, int]:
    """`intake:3,triage:5` → {"intake": 3, "triage": 5}; each service once."""
    pairs = [CAUSE.fullmatch(entry) for entry in text.split(",")] if text else []
    causes = {pair[1]: _number(pair[2]) for pair in pairs if pair is not None}
    if len(causes) != len(pairs):
        raise ValueError(text)
    return causes


def _event_type(text: str) -> str:
    split_type(text)
    return text


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return instant.astimezone(UTC)


def _truth(text: str) -> bool:
    return {"true": True, "false": False}[text]


def _one_dot_nought(text: str) -> str:
    if text != "1.0":
        raise ValueError(text)
    return text
