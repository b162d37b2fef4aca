"""Topics are created from the deployment's one list; the broker's auto-creation is off."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from chassis.delivery.contracts import Topic

TOPIC_ALREADY_EXISTS = 36
MAX_MESSAGE_BYTES = 1_000_000

log = structlog.get_logger(__name__)


class TopicsRefused(KafkaError):  # type: ignore[misc]  # aiokafka is not typed
    """The broker would not create a topic now: too few brokers, a leader missing. Tried again, and said aloud."""


async def ensure_topics(admin: AIOKafkaAdminClient, topics: Sequence[Topic], *, replication: int) -> None:
    """Creates what is missing. Raises TopicsRefused when the broker would not."""
    present = set(await admin.list_topics())
    missing = [topic for topic in topics if topic.name not in present]
    if not missing:
        return
    answer = await admin.create_topics([_new_topic(topic, replication) for topic in missing], timeout_ms=10_000)
    refused = [entry[:2] for entry in answer.topic_errors if entry[1] not in (0, TOPIC_ALREADY_EXISTS)]
    if refused:
        log.error("topics_refused", topics=refused)
        raise TopicsRefused(f"topics refused by the broker: {refused}")
    log.info("topics_created", topics=[topic.name for topic in missing])


def _new_topic(topic: Topic, replication: int) -> NewTopic:
    configs = {"cleanup.policy": topic.cleanup, "max.message.bytes": str(MAX_MESSAGE_BYTES)}
    if topic.retention_ms is not None:
        configs["retention.ms"] = str(topic.retention_ms)
    return NewTopic(
        name=topic.name, num_partitions=topic.partitions, replication_factor=replication, topic_configs=configs
    )
