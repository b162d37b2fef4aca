"""The runtime has its own reading of headers and knows no contract package: it must agree with what is published."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from chassis.delivery.wire import read_headers, write_headers, write_notice_headers
from referral_schemas.envelope import from_headers
from referral_schemas.registry import EVENTS, NOTICES
from referral_schemas.topics import TOPICS

WRITTEN = sorted((Path(__file__).parent / "examples").glob("*/*.json"))
EXAMPLES = [path for path in WRITTEN if path.parent.name in EVENTS]
TOLD = [path for path in WRITTEN if path.parent.name in NOTICES]


def headers_of(path: Path) -> dict[str, str]:
    headers: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))["headers"]
    return headers


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_runtime_reads_what_is_published(path: Path) -> None:
    raw = [(name, text.encode()) for name, text in headers_of(path).items()]
    published, read = from_headers(raw), read_headers(raw)
    assert (read.subject, read.seq, dict(read.after)) == (published.subject, published.streamseq, published.after)
    assert (read.event_id, read.type, read.time) == (published.event_id, published.event_type, published.time)
    assert read.causation_id == published.causation_id


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_runtime_writes_what_is_published(path: Path) -> None:
    expected = {name: text for name, text in headers_of(path).items() if name != "ce_traceparent"}
    published = from_headers((name, text.encode()) for name, text in expected.items())
    written = write_headers(
        event_id=published.event_id,
        event_type=published.event_type,
        subject=published.subject,
        at=published.time,
        seq=published.streamseq,
        after=published.after,
        causation_id=published.causation_id,
        urgent=published.urgent,
    )
    assert written == expected


@pytest.mark.parametrize("path", TOLD, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_runtime_writes_what_outsiders_are_told(path: Path) -> None:
    expected = headers_of(path)
    writers = {topic.name: topic.written_by[0] for topic in TOPICS}
    written = write_notice_headers(
        notice_id=UUID(expected["ce_id"]),
        event_type=path.parent.name,
        service=writers[NOTICES[path.parent.name].topic],
        subject=UUID(expected["ce_subject"]),
        at=datetime.fromisoformat(expected["ce_time"]),
        version=int(expected["ce_version"]),
    )
    assert written == expected
