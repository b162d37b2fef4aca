"""CloudEvents 1.0, Kafka binary mode: what travels in headers, written and read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from chassis.delivery.contracts import producer_of
from chassis.ids import read_id

NUMBER = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)
CAUSE = re.compile(r"([a-z]+):([1-9][0-9]{0,9})", re.ASCII)
TYPE = re.compile(r"(?=.{3,200}$)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+", re.ASCII)
Headers = list[tuple[str, bytes]]


class Unreadable(ValueError):
    """Subject, stream number or another attribute that places the event cannot be read: quarantine."""


class Envelope(NamedTuple):
    """Where an event stands: its stream and number, and what its writer had applied when it wrote it."""

    event_id: UUID
    type: str
    subject: UUID
    seq: int
    after: Mapping[str, int]
    causation_id: UUID | None
    time: datetime | None


def write_headers(
    *,
    event_id: UUID,
    event_type: str,
    subject: UUID,
    at: datetime,
    seq: int,
    after: Mapping[str, int],
    causation_id: UUID | None,
    urgent: bool = False,
) -> dict[str, str]:
    """Header names and values as text; kept in event_log, so that a resend carries the first ones."""
    service = producer_of(event_type)
    headers = _attributes(event_id, event_type, service, subject, at) | {"ce_streamseq": str(seq)}
    if after:
        headers["ce_after"] = ",".join(f"{service}:{number}" for service, number in sorted(after.items()))
    if causation_id is not None:
        headers["ce_causationid"] = str(causation_id)
    if urgent:
        headers["ce_urgent"] = "true"
    return headers


def write_notice_headers(
    *, notice_id: UUID, event_type: str, service: str, subject: UUID | str, at: datetime, version: int
) -> dict[str, str]:
    """Of a record for partners and sources: `version` numbers it under its key, and no internal number leaves."""
    return _attributes(notice_id, event_type, service, subject, at) | {"ce_version": str(version)}


def _attributes(event_id: UUID, event_type: str, service: str, subject: UUID | str, at: datetime) -> dict[str, str]:
    return {
        "ce_specversion": "1.0",
        "ce_id": str(event_id),
        "ce_subject": str(subject),
        "ce_time": at.isoformat().replace("+00:00", "Z"),
    } | _attributes_of_type(event_type, service)


@lru_cache(maxsize=256)
def _attributes_of_type(event_type: str, service: str) -> dict[str, str]:
    words = event_type.split(".")
    return {
        "ce_source": f"/{words[1]}/{service}",
        "ce_type": event_type,
        "ce_dataschema": "urn:" + ":".join(words[1:]),
        "content-type": "application/json",
    }


def read_headers(raw: Iterable[tuple[str, bytes]]) -> Envelope:
    """Raises Unreadable naming the attribute: such a record can be given no place in any stream."""
    attribute = "headers"
    try:
        values = {name: value for name, value in raw if value is not None}  # null is legal in Kafka
        attribute = "ce_subject"
        subject = read_id(values["ce_subject"].decode())
        attribute = "ce_streamseq"
        seq = _number(values["ce_streamseq"].decode())
        attribute = "ce_id"
        event_id = read_id(values["ce_id"].decode())
        attribute = "ce_type"
        event_type = _type(values["ce_type"])
        attribute = "ce_after"
        after = read_after(values.get("ce_after", b"").decode())
        attribute = "ce_causationid"
        causation = values.get("ce_causationid")
        causation_id = read_id(causation.decode()) if causation else None
        attribute = "ce_time"
        time = values.get("ce_time")
        return Envelope(
            event_id, event_type, subject, seq, after, causation_id, _instant(time.decode()) if time else None
        )
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise Unreadable(attribute) from error


@lru_cache(maxsize=256)  # few types there are, and each is read again and again
def _type(raw: bytes) -> str:
    text = raw.decode()
    if TYPE.fullmatch(text) is None:
        raise ValueError(text)
    return text


def _instant(text: str) -> datetime:
    """With its offset, and not where time ends: whatever compares or stores it may rely on that."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None or not 1 < at.year < 9999:
        raise ValueError(text)
    return at


@lru_cache(maxsize=256)
def _number(text: str) -> int:
    if NUMBER.fullmatch(text) is None or int(text) >= 2**31:
        raise ValueError(text)
    return int(text)


@lru_cache(maxsize=1024)  # streams are short: few numbers make up most of what is read
def read_after(text: str) -> Mapping[str, int]:
    """`intake:3,triage:5` → {"intake": 3, "triage": 5}; raises ValueError on anything else."""
    if not text:
        return MappingProxyType({})
    pairs = [CAUSE.fullmatch(entry) for entry in text.split(",")]
    after = {pair[1]: _number(pair[2]) for pair in pairs if pair is not None}
    if len(after) != len(pairs):
        raise ValueError(text)
    return MappingProxyType(after)
