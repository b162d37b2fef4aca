"""A compacted topic read to its end by nobody's group: the version that each key has last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer

from chassis.delivery.clients import start_client, stop_client

READ_SECONDS = 600.0
ASSIGNED_SECONDS = 10.0
POLL_MS = 200


async def last_versions(make_consumer: Callable[[], AIOKafkaConsumer], topic: str) -> dict[str, int]:
    """A key that was last told as gone is not in it. Raises TimeoutError when the broker does not answer in time."""
    consumer = make_consumer()
    consumer.subscribe([topic])
    await start_client(consumer.start, consumer.stop)
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await _read(consumer, topic)
    finally:
        await stop_client(consumer.stop)


async def _read(consumer: AIOKafkaConsumer, topic: str) -> dict[str, int]:
    async with asyncio.timeout(ASSIGNED_SECONDS):
        while not consumer.assignment():  # noqa: ASYNC110 - all partitions, as soon as the broker has told of them
            await asyncio.sleep(0.05)
    partitions = list(consumer.assignment())
    await consumer.seek_to_beginning(*partitions)
    ends = await consumer.end_offsets(partitions)
    found: dict[str, int] = {}
    while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
        for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
            for record in records:
                key = record.key.decode()
                if record.value is None:
                    found.pop(key, None)
                else:
                    found[key] = int(dict(record.headers)["ce_version"])
    return found
