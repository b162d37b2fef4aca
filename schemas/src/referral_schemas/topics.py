"""Every topic of the deployment: whoever writes or reads one creates it from this list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DAY_MS = 86_400_000

SERVICES = ("intake", "triage", "mediation", "followup")
SOURCES = ("sources",)
PARTNERS = ("partners",)
OPS = ("ops",)


@dataclass(frozen=True)
class TopicSpec:
    """`retention_ms` None: kept for good, by compaction. Writers and readers are what the ACLs will say."""

    name: str
    partitions: int
    cleanup: Literal["delete", "compact"]
    retention_ms: int | None
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]


def stream_topic(service: str) -> str:
    return f"{service}.v1"


def dead_letter_topic(service: str) -> str:
    return f"{service}.dlq.v1"


TOPICS: tuple[TopicSpec, ...] = (
    *(TopicSpec(stream_topic(service), 12, "delete", 7 * DAY_MS, (service,), SERVICES) for service in SERVICES),
    TopicSpec("reference.v1", 1, "compact", None, ("triage",), SERVICES),
    TopicSpec("referrals.v1", 12, "delete", 30 * DAY_MS, ("followup",), PARTNERS),
    TopicSpec("referral-status.v1", 12, "compact", None, ("followup",), PARTNERS),
    TopicSpec("police.calls.v1", 12, "delete", 3 * DAY_MS, SOURCES, ("intake",)),
    TopicSpec("police.receipts.v1", 12, "delete", 30 * DAY_MS, ("intake",), SOURCES),
    TopicSpec("police.feedback.v1", 12, "delete", 30 * DAY_MS, ("intake",), SOURCES),
    *(TopicSpec(dead_letter_topic(service), 3, "delete", 30 * DAY_MS, (service,), OPS) for service in SERVICES),
)


def topics_of(service: str) -> tuple[TopicSpec, ...]:
    """What a worker of this service writes or reads, and therefore creates where it is missing."""
    return tuple(topic for topic in TOPICS if service in (*topic.written_by, *topic.read_by))
