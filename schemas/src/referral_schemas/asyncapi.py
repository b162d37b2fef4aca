"""The AsyncAPI 3.0 document: every topic that carries a known message, who writes and reads it, and each message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from referral_schemas.asyncapi_headers import HEADER_SCHEMAS, example_headers, headers_of
from referral_schemas.asyncapi_words import CHANNELS, INFO, READERS, SECURITY_SCHEMES, SERVERS, WRITERS
from referral_schemas.envelope import PublicEvent
from referral_schemas.publishing import APART, shared_schemas
from referral_schemas.registry import EVENTS, service_of
from referral_schemas.topics import TOPICS, TopicSpec, stream_topic

Node = dict[str, Any]
BINDING = "0.5.0"


@dataclass(frozen=True)
class Message:
    """One type on one topic. A notice carries a version in its headers, an event of a stream its number there."""

    event_type: str
    topic: str
    writer: str
    model: type[PublicEvent]
    means: str
    is_notice: bool


def messages() -> Iterator[Message]:
    for event_type, model in EVENTS.items():
        service = service_of(event_type)
        yield Message(event_type, stream_topic(service), service, model, model.MEANS, is_notice=False)
    writers = {topic.name: topic.written_by[0] for topic in TOPICS}
    for notice in APART.values():
        writer = writers[notice.topic]
        yield Message(notice.event_type, notice.topic, writer, notice.model, notice.means, is_notice=True)


def asyncapi() -> Node:
    known = list(messages())
    schemas, names = shared_schemas({message.model for message in known})
    topics = [topic for topic in TOPICS if any(message.topic == topic.name for message in known)]
    return {
        "asyncapi": "3.0.0",
        "id": "urn:liandong",
        "info": INFO,
        "defaultContentType": "application/json",
        "servers": SERVERS,
        "channels": {topic.name: _channel(topic, known) for topic in topics},
        "operations": dict(_operations(topics, known)),
        "components": {
            "securitySchemes": SECURITY_SCHEMES,
            "messages": {message.event_type: _message(message, names[message.model]) for message in known},
            "schemas": {**HEADER_SCHEMAS, **schemas},
        },
    }


def asyncapi_text() -> str:
    return yaml.dump(asyncapi(), Dumper=_Plain, allow_unicode=True, sort_keys=False, width=120)


class _Plain(yaml.SafeDumper):
    """Everything is written out where it stands; strings never look like another type to a YAML 1.1 reader."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _channel(topic: TopicSpec, known: list[Message]) -> Node:
    title, description = CHANNELS[topic.name]
    configuration: Node = {"cleanup.policy": [topic.cleanup]}
    if topic.retention_ms is not None:
        configuration["retention.ms"] = topic.retention_ms
    return {
        "address": topic.name,
        "title": title,
        "description": description,
        "messages": {
            message.event_type: {"$ref": f"#/components/messages/{message.event_type}"}
            for message in known
            if message.topic == topic.name
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": configuration,
                "bindingVersion": BINDING,
            }
        },
    }


def _operations(topics: list[TopicSpec], known: list[Message]) -> Iterator[tuple[str, Node]]:
    for topic in topics:
        carried = [
            {"$ref": f"#/channels/{topic.name}/messages/{message.event_type}"}
            for message in known
            if message.topic == topic.name
        ]
        for who, action, says in (
            *((writer, "send", WRITERS) for writer in topic.written_by),
            *((reader, "receive", READERS) for reader in topic.read_by),
        ):
            verb = "writes" if action == "send" else "reads"
            yield (
                f"{who}.{verb}.{topic.name}",
                {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{topic.name}"},
                    "title": f"{who} {verb} {topic.name}",
                    "summary": says[who],
                    "messages": carried,
                },
            )


def _message(message: Message, schema: str) -> Node:
    body = message.model.example().model_dump(mode="json")
    return {
        "name": message.event_type,
        "title": message.means,
        "summary": message.means,
        "contentType": "application/json",
        "headers": headers_of(message.event_type, message.writer, is_notice=message.is_notice),
        "payload": {"$ref": f"#/components/schemas/{schema}"},
        "bindings": {"kafka": {"key": _key(message.topic), "bindingVersion": BINDING}},
        "examples": [
            {
                "name": "example",
                "summary": message.means,
                "headers": example_headers(
                    message.event_type,
                    message.writer,
                    body,
                    is_notice=message.is_notice,
                    is_urgent=message.model.URGENT,
                ),
                "payload": body,
            }
        ],
    }


def _key(topic: str) -> Node:
    if topic.startswith("police."):
        return {"type": "string", "description": "来源系统/接警单编号 · source/call number"}
    return {"type": "string", "format": "uuid", "description": "分流单编号 · referral id"}
