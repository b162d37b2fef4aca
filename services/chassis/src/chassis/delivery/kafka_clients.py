"""How each of a worker's Kafka clients is set, and why so: what the defaults would do is written in DELIVERY §6."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from chassis.delivery.contracts import Contracts
from chassis.delivery.membership import Membership
from chassis.delivery.statements import ACTING
from chassis.delivery.topics import MAX_MESSAGE_BYTES
from chassis.delivery.watchdog import group_of
from chassis.settings import ServiceSettings

GATHERED_BYTES, GATHERED_MS = 512 * 1024, 800
PARTITION_BYTES = 256 * 1024  # of a backlog; a larger record comes all the same, alone


class KafkaClients:
    """Makes them; nothing is opened until they are started. `membership` has its name by then."""

    def __init__(self, settings: ServiceSettings, contracts: Contracts, membership: Membership) -> None:
        self._settings, self._contracts, self._membership = settings, contracts, membership
        self._schema = contracts.service

    def producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            client_id=f"{self._schema}-relay",
            enable_idempotence=True,
            acks="all",
            linger_ms=0,
            max_batch_size=128 * 1024,
            max_request_size=MAX_MESSAGE_BYTES,
            request_timeout_ms=10_000,
            metadata_max_age_ms=5_000,
            retry_backoff_ms=50,
        )

    def consumer(self, name: str, hurries: bool) -> AIOKafkaConsumer:
        """For one that nobody waits for the broker gathers: a poll for each record costs both sides more than it."""
        member = self._membership.name if name == ACTING else f"{self._membership.name}-{name}"
        return AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            client_id=f"{self._schema}-{name}",
            group_id=group_of(self._contracts, name),
            group_instance_id=member,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            metadata_max_age_ms=5_000,
            session_timeout_ms=int(self._settings.session_seconds * 1000),
            heartbeat_interval_ms=500,
            request_timeout_ms=10_000,
            retry_backoff_ms=50,
            fetch_min_bytes=1 if hurries else GATHERED_BYTES,
            fetch_max_wait_ms=200 if hurries else GATHERED_MS,
            max_partition_fetch_bytes=PARTITION_BYTES,
            max_poll_interval_ms=900_000,
        )

    def lone_consumer(self) -> AIOKafkaConsumer:
        """Of no group: it looks and leaves no trace."""
        return AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            client_id=f"{self._schema}-compare",
            auto_offset_reset="earliest",
            metadata_max_age_ms=5_000,
            request_timeout_ms=10_000,
        )

    def admin(self) -> AIOKafkaAdminClient:
        return AIOKafkaAdminClient(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            client_id=f"{self._schema}-watch",
            request_timeout_ms=10_000,
        )
