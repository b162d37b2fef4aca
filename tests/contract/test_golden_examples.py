"""Every event example ever published stays here and must be read for good: add files, never edit one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referral_schemas.__main__ import FOLDER
from referral_schemas.envelope import from_headers, to_headers
from referral_schemas.publishing import PUBLISHED
from referral_schemas.registry import EVENTS, NOTICES, dataschema_of, service_of
from referral_schemas.topics import TOPICS

HERE = Path(__file__).parent
EXAMPLES = sorted(HERE.glob("examples/*/*.json"))
FACTS = [path for path in EXAMPLES if path.parent.name in EVENTS]
TOLD = [path for path in EXAMPLES if path.parent.name in NOTICES]
WRITERS = {topic.name: topic.written_by[0] for topic in TOPICS}
KEPT = HERE / "examples" / "KEPT.sha256"


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def example(path: Path) -> tuple[list[tuple[str, bytes]], bytes, Any]:
    """Headers and body as they travel, and the body as data."""
    written = json.loads(path.read_text(encoding="utf-8"))
    headers = [(name, text.encode()) for name, text in written["headers"].items()]
    body = json.dumps(written["body"], ensure_ascii=False, separators=(",", ":")).encode()
    return headers, body, written["body"]


def examples_by_type() -> dict[str, list[Path]]:
    return {event_type: [path for path in EXAMPLES if path.parent.name == event_type] for event_type in PUBLISHED}


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_todays_model_reads_the_example_and_writes_it_back_alike(path: Path) -> None:
    _, body, data = example(path)
    event = PUBLISHED[path.parent.name].parse(body)
    assert json.loads(event.model_dump_json(exclude_unset=True)) == data


@pytest.mark.parametrize("path", FACTS, ids=name_of)
def test_todays_envelope_reads_the_headers_and_writes_them_back_alike(path: Path) -> None:
    headers, _, _ = example(path)
    envelope = from_headers(headers)
    assert envelope.event_type == path.parent.name
    assert to_headers(envelope) == headers
    assert json.loads(path.read_text(encoding="utf-8"))["key"] == str(envelope.subject)


@pytest.mark.parametrize("path", FACTS, ids=name_of)
def test_an_example_is_marked_urgent_where_its_type_is(path: Path) -> None:
    assert from_headers(example(path)[0]).urgent == EVENTS[path.parent.name].URGENT


@pytest.mark.parametrize("path", TOLD, ids=name_of)
def test_a_notice_carries_its_version_and_no_place_in_any_stream(path: Path) -> None:
    headers, _, data = example(path)
    texts = {name: text.decode() for name, text in headers}
    assert texts["ce_type"] == path.parent.name
    assert texts["ce_version"] == str(data["version"])
    assert texts.keys().isdisjoint({"ce_streamseq", "ce_after", "ce_causationid", "ce_urgent"})


@pytest.mark.parametrize("path", TOLD, ids=name_of)
def test_a_notice_stands_under_the_key_of_its_topic(path: Path) -> None:
    written = json.loads(path.read_text(encoding="utf-8"))
    data = written["body"]
    call = f"{data.get('source')}/{data.get('call_no')}"
    assert written["key"] == (call if NOTICES[path.parent.name].topic == "police.feedback.v1" else subject_of(written))


def subject_of(written: Any) -> str:
    subject: str = written["headers"]["ce_subject"]
    return subject


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_the_example_satisfies_the_published_schema(path: Path) -> None:
    _, _, data = example(path)
    schema = json.loads((FOLDER / f"{path.parent.name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(data)


@pytest.mark.parametrize("path", [*FACTS, *TOLD], ids=name_of)
def test_source_names_the_writer_and_dataschema_the_type(path: Path) -> None:
    headers, event_type = dict(example(path)[0]), path.parent.name
    notice = NOTICES.get(event_type)
    writer = WRITERS[notice.topic] if notice else service_of(event_type)
    assert headers["ce_source"].decode() == f"/liandong/{writer}"
    assert headers["ce_dataschema"].decode() == dataschema_of(event_type)


@pytest.mark.parametrize("event_type", PUBLISHED)
def test_each_event_type_has_at_least_two_examples(event_type: str) -> None:
    assert len(examples_by_type()[event_type]) >= 2


@pytest.mark.parametrize("event_type", PUBLISHED)
def test_every_field_is_seen_with_a_value_and_every_nullable_one_without(event_type: str) -> None:
    bodies = [example(path)[2] for path in examples_by_type()[event_type]]
    for name, field in PUBLISHED[event_type].model_fields.items():
        values = [body[name] for body in bodies if name in body]
        assert any(value is not None for value in values), name
        assert field.is_required() or None in values, name


def test_no_example_was_edited_or_taken_away() -> None:
    kept = {line[66:]: line[:64] for line in KEPT.read_text(encoding="utf-8").splitlines()}
    present = {str(path.relative_to(KEPT.parent)): hashlib.sha256(path.read_bytes()).hexdigest() for path in EXAMPLES}
    assert present == kept, f"a new example gets a line in {KEPT.name}; a kept one is never touched"
