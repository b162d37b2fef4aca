"""A CloudEvents library written by others reads our messages."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event, to_binary_event
from cloudevents.core.v1.event import CloudEvent
from referral_schemas.envelope import Envelope, from_headers, to_headers
from referral_schemas.registry import EVENTS, NOTICES

WRITTEN = sorted((Path(__file__).parent / "examples").glob("*/*.json"))
EXAMPLES = [path for path in WRITTEN if path.parent.name in EVENTS]
TOLD = [path for path in WRITTEN if path.parent.name in NOTICES]
STANDARD = {"specversion", "id", "source", "type", "subject", "time", "dataschema", "datacontenttype"}


def message_of(path: Path) -> tuple[KafkaMessage, Envelope, Any]:
    """The record as a relay would send it, rebuilt by our models and not copied from the file; and its data."""
    written = json.loads(path.read_text(encoding="utf-8"))
    envelope = from_headers((name, text.encode()) for name, text in written["headers"].items())
    body = EVENTS[path.parent.name].parse(json.dumps(written["body"]).encode())
    value = body.model_dump_json().encode()
    message = KafkaMessage(headers=dict(to_headers(envelope)), key=str(envelope.subject).encode(), value=value)
    return message, envelope, json.loads(value)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_sdk_reads_every_attribute_and_the_data(path: Path) -> None:
    message, envelope, data = message_of(path)
    event = from_binary_event(message)
    assert isinstance(event, CloudEvent)
    attributes = dict(event.get_attributes())
    assert event.get_specversion() == "1.0"
    assert event.get_id() == str(envelope.event_id)
    assert event.get_type() == envelope.event_type
    assert event.get_subject() == str(envelope.subject) == attributes.pop("partitionkey")
    assert event.get_time() == envelope.time
    assert isinstance(event.get_time(), datetime)
    assert event.get_datacontenttype() == "application/json"
    assert f"{event.get_source()} {event.get_dataschema()}" == source_and_schema(envelope.event_type)
    assert {name: attributes[name] for name in attributes.keys() - STANDARD} == extensions(envelope)
    assert event.get_data() == data


def source_and_schema(event_type: str) -> str:
    _, _, service, fact, version = event_type.split(".")
    return f"/liandong/{service} urn:liandong:{service}:{fact}:{version}"


def extensions(envelope: Envelope) -> dict[str, str]:
    texts = {
        "streamseq": str(envelope.streamseq),
        "after": ",".join(f"{service}:{envelope.after[service]}" for service in sorted(envelope.after)),
        "causationid": str(envelope.causation_id) if envelope.causation_id else "",
        "urgent": "true" if envelope.urgent else "",
        "traceparent": envelope.traceparent or "",
    }
    return {name: text for name, text in texts.items() if text}


def test_the_examples_carry_every_extension() -> None:
    seen = {name for path in EXAMPLES for name in json.loads(path.read_text(encoding="utf-8"))["headers"]}
    assert {"ce_streamseq", "ce_after", "ce_causationid", "ce_urgent", "ce_traceparent"} <= seen


@pytest.mark.parametrize("path", TOLD, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_sdk_reads_what_partners_and_sources_are_told(path: Path) -> None:
    written = json.loads(path.read_text(encoding="utf-8"))
    headers = {name: text.encode() for name, text in written["headers"].items()}
    value = json.dumps(written["body"], ensure_ascii=False).encode()
    event = from_binary_event(KafkaMessage(headers=headers, key=written["key"].encode(), value=value))
    assert event.get_type() == path.parent.name
    assert event.get_subject() == written["headers"]["ce_subject"]
    assert event.get_extension("version") == str(written["body"]["version"])
    assert NOTICES[path.parent.name].model.parse(json.dumps(event.get_data()).encode()).model_dump_json() == (
        NOTICES[path.parent.name].model.parse(value).model_dump_json()
    )


def test_we_read_what_the_sdk_writes() -> None:
    message, envelope, data = message_of(EXAMPLES[0])
    written = to_binary_event(from_binary_event(message))
    assert from_headers(written.headers.items()) == envelope
    assert json.loads(EVENTS[envelope.event_type].parse(written.value).model_dump_json()) == data
