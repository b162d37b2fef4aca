"""How far the broker has acknowledged us: an offset that comes back lower means that it has lost data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import asyncpg
import structlog
from aiokafka.structs import RecordMetadata, TopicPartition

log = structlog.get_logger(__name__)


class BrokerMarks:
    """The highest acknowledged offset of each partition, in memory and, in every batch's last statement, on disk.

    Only this relay's own acknowledgements are compared with each other: another relay's may overtake ours.
    """

    def __init__(self, schema: str) -> None:
        self._own: dict[TopicPartition, int] = {}
        self._write = f"""
            WITH gone AS (DELETE FROM {schema}.outbox WHERE n = ANY ($4))
            INSERT INTO {schema}.broker_mark (topic, partition, acknowledged)
            SELECT t, p, o FROM unnest($1::text[], $2::int[], $3::bigint[]) AS u(t, p, o) ORDER BY t, p
            ON CONFLICT (topic, partition) DO UPDATE SET acknowledged = EXCLUDED.acknowledged
        """
        self._lost = f"INSERT INTO {schema}.broker_loss (reason) VALUES ($1)"
        self._read = f"SELECT topic, partition, acknowledged FROM {schema}.broker_mark"

    async def acknowledged(
        self, connection: asyncpg.Connection, records: Iterable[RecordMetadata], sent: Sequence[int]
    ) -> None:
        """The rows `sent` leave the outbox in the statement that notes how far the broker has them."""
        lowest: dict[TopicPartition, int] = {}
        highest: dict[TopicPartition, int] = {}
        for record in records:
            if record.offset < 0:  # a retry that the broker had already: it does not say where
                continue
            partition = record.topic_partition
            lowest[partition] = min(lowest.get(partition, record.offset), record.offset)
            highest[partition] = max(highest.get(partition, record.offset), record.offset)
        fallen = [partition for partition, offset in lowest.items() if offset <= self._own.get(partition, -1)]
        if fallen:
            await self.report_loss(connection, f"an acknowledgement came back lower on {len(fallen)} partitions")
        self._own.update(highest)
        if highest or sent:
            await self._mark(connection, highest, sent)

    async def marked(self, connection: asyncpg.Connection) -> dict[TopicPartition, int]:
        """Read before the logs' ends are asked for: an acknowledgement between the two is then no loss."""
        return {TopicPartition(row[0], row[1]): row[2] for row in await connection.fetch(self._read)}

    async def compare_ends(
        self, connection: asyncpg.Connection, marked: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> bool:
        """True, and a loss reported, when a log's end is not above what it had acknowledged."""
        fallen = {tp: ends[tp] for tp, offset in marked.items() if ends.get(tp, offset + 1) <= offset}
        if not fallen:
            return False
        await self.report_loss(connection, f"the log's end is below an acknowledged offset on {len(fallen)} partitions")
        for partition in fallen:
            self._own.pop(partition, None)
        await self._mark(connection, {partition: end - 1 for partition, end in fallen.items()})
        return True

    async def report_loss(self, connection: asyncpg.Connection, reason: str) -> None:
        """A row whose number the heads answer carries: every consumer that sees a new one compares at once."""
        log.error("broker_lost_data", reason=reason)
        await connection.execute(self._lost, reason)

    async def _mark(
        self, connection: asyncpg.Connection, offsets: Mapping[TopicPartition, int], sent: Sequence[int] = ()
    ) -> None:
        await connection.execute(
            self._write,
            [partition.topic for partition in offsets],
            [partition.partition for partition in offsets],
            list(offsets.values()),
            list(sent),
        )
