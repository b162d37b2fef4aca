"""A topic read by nobody's group, from its first record to its present end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord

from chassis.delivery.clients import start_client, stop_client

READ_SECONDS = 600.0
ASSIGNED_SECONDS = 10.0
POLL_MS = 200


async def last_versions(make_consumer: Callable[[], AIOKafkaConsumer], topic: str) -> dict[str, int]:
    """Of a compacted topic the version that each key has last; a key that was last told as gone is not in it.

    Raises TimeoutError when the broker does not answer in time.
    """
    found: dict[str, int] = {}
    async with asyncio.timeout(READ_SECONDS):
        async for records in all_records(make_consumer, topic):
            for record in records:
                key = record.key.decode()
                if record.value is None:
                    found.pop(key, None)
                else:
                    found[key] = int(dict(record.headers)["ce_version"])
    return found


async def all_records(make_consumer: Callable[[], AIOKafkaConsumer], topic: str) -> AsyncIterator[list[ConsumerRecord]]:
    """By partition, in portions. Raises TimeoutError for a topic that is not there."""
    consumer = make_consumer()
    consumer.subscribe([topic])
    await start_client(consumer.start, consumer.stop)
    try:
        async with asyncio.timeout(ASSIGNED_SECONDS):
            while not consumer.assignment():  # noqa: ASYNC110 - all partitions, as soon as the broker has told of them
                await asyncio.sleep(0.05)
        partitions = list(consumer.assignment())
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                yield records
    finally:
        await stop_client(consumer.stop)
