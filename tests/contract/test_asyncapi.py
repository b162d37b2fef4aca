"""The AsyncAPI document: valid by the official schema, complete, and true to its own examples."""

from __future__ import annotations

import copy
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, FormatChecker
from referral_schemas.__main__ import FOLDER, asyncapi_file
from referral_schemas.envelope import from_headers
from referral_schemas.publishing import PUBLISHED
from referral_schemas.registry import EVENTS, INBOUND, NOTICES

OFFICIAL = Path(__file__).parent / "official" / "asyncapi-3.0.0.json"
OFFICIAL_SHA256 = "abe96881dbfaad495ccbb6bd8d3fb43ca18a13b9d7564849ccb66f39d5e5b20f"
TOPICS = {
    *("intake.v1", "triage.v1", "mediation.v1", "followup.v1"),
    *("referrals.v1", "referral-status.v1", "police.feedback.v1", "police.calls.v1"),
}


@cache
def document() -> Any:
    return yaml.safe_load(asyncapi_file(FOLDER).read_text(encoding="utf-8"))


@cache
def official() -> Draft7Validator:
    return Draft7Validator(json.loads(OFFICIAL.read_text(encoding="utf-8")))


def resolved(reference: str) -> Any:
    node = document()
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return node


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references(value) for value in node.values()))
    return set().union(*(references(value) for value in node)) if isinstance(node, list) else set()


def both_languages(text: str) -> bool:
    has_chinese = any("\u4e00" <= letter <= "\u9fff" for letter in text)
    return has_chinese and any(letter.isascii() and letter.isalpha() for letter in text)


def message(event_type: str) -> Any:
    return document()["components"]["messages"][event_type]


def validator(schema: Any) -> Draft7Validator:
    return Draft7Validator({**schema, "components": document()["components"]}, format_checker=FormatChecker())


def test_the_official_schema_is_the_one_that_was_published() -> None:
    assert hashlib.sha256(OFFICIAL.read_bytes()).hexdigest() == OFFICIAL_SHA256


def test_it_satisfies_the_official_schema() -> None:
    assert [f"{error.json_path}: {error.message}" for error in official().iter_errors(document())] == []


@pytest.mark.parametrize("planted", ["a stray field", "an operation without action", "a channel reference of no shape"])
def test_the_official_schema_finds_a_planted_fault(planted: str) -> None:
    broken = copy.deepcopy(document())
    operation = next(iter(broken["operations"].values()))
    if planted == "a stray field":
        broken["topics"] = {}
    elif planted == "an operation without action":
        del operation["action"]
    else:
        operation["channel"] = "intake.v1"
    assert list(official().iter_errors(broken))


def test_every_reference_leads_somewhere() -> None:
    found = references(document())
    assert len(found) > 100
    for reference in found:
        resolved(reference)


def test_every_topic_that_carries_a_known_message_is_a_channel_and_each_message_stands_on_its_topic() -> None:
    channels = document()["channels"]
    assert set(channels) == TOPICS
    for event_type in EVENTS:
        assert event_type in channels[f"{event_type.split('.')[2]}.v1"]["messages"]
    for event_type, notice in {**NOTICES, **INBOUND}.items():
        assert event_type in channels[notice.topic]["messages"]
    assert sum(len(channel["messages"]) for channel in channels.values()) == len(PUBLISHED)


def test_each_channel_has_its_writer_and_its_readers() -> None:
    written = {name for name, operation in document()["operations"].items() if operation["action"] == "send"}
    assert written == {
        *(f"{service}.writes.{service}.v1" for service in ("intake", "triage", "mediation", "followup")),
        *("followup.writes.referrals.v1", "followup.writes.referral-status.v1", "intake.writes.police.feedback.v1"),
        "sources.writes.police.calls.v1",
    }
    read = set(document()["operations"]) - written
    assert {"partners.reads.referrals.v1", "partners.reads.referral-status.v1"} <= read
    assert {
        "sources.reads.police.feedback.v1",
        "intake.reads.police.calls.v1",
        "followup.reads.mediation.v1",
        "triage.reads.intake.v1",
    } <= read


def test_channels_operations_and_messages_speak_both_languages() -> None:
    for channel in document()["channels"].values():
        assert both_languages(channel["title"])
        assert both_languages(channel["description"])
    for operation in document()["operations"].values():
        assert both_languages(operation["summary"])
    for known in document()["components"]["messages"].values():
        assert both_languages(known["title"])


@pytest.mark.parametrize("event_type", PUBLISHED)
def test_the_example_of_a_message_satisfies_its_own_schemas_and_our_models(event_type: str) -> None:
    described = message(event_type)
    example = described["examples"][0]
    validator(resolved(described["payload"]["$ref"])).validate(example["payload"])
    validator(described["headers"]).validate(example["headers"])
    PUBLISHED[event_type].parse(json.dumps(example["payload"]).encode())
    assert example["headers"]["ce_type"] == event_type
    if event_type in EVENTS:
        read = from_headers((name, text.encode()) for name, text in example["headers"].items())
        assert read.urgent == EVENTS[event_type].URGENT


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.glob("examples/*/*.json")), ids=lambda path: path.stem)
def test_every_golden_example_satisfies_the_document(path: Path) -> None:
    written = json.loads(path.read_text(encoding="utf-8"))
    described = message(path.parent.name)
    validator(described["headers"]).validate(written["headers"])
    validator(resolved(described["payload"]["$ref"])).validate(written["body"])
    validator(described["bindings"]["kafka"]["key"]).validate(written["key"])


def test_headers_of_another_type_are_refused() -> None:
    described = message("cn.liandong.intake.block_set.v1")
    headers = {**described["examples"][0]["headers"], "ce_type": "cn.liandong.intake.block_lifted.v1"}
    assert list(validator(described["headers"]).iter_errors(headers))
