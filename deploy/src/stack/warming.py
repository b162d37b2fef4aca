"""The broker is cold after a start, and the first calls would wait for it: a moment of traffic on a topic of its own.

A broker that runs for days needs none of it; one on a desk has just been started whenever somebody looks.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

TOPIC = "stack.warming"
PARTITIONS = 12
RECORDS = 2500
AT_ONCE = 4
MOST_SECONDS = 6.0


async def warm(bootstrap_servers: str) -> None:
    """Ends after some seconds whatever happens, and leaves no topic behind; a failure is nobody's concern."""
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(MOST_SECONDS):
            await _exchange(bootstrap_servers)
    with suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(MOST_SECONDS):
            await _remove(bootstrap_servers)


async def _exchange(bootstrap_servers: str) -> None:
    """As the services do it: keyed records, each acknowledged, read one by one by a member of a group."""
    await _create(bootstrap_servers)
    consumer = AIOKafkaConsumer(
        TOPIC, bootstrap_servers=bootstrap_servers, group_id=TOPIC, auto_offset_reset="earliest",
        enable_auto_commit=False, metadata_max_age_ms=5_000,
    )  # fmt: skip
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, enable_idempotence=True, acks="all", linger_ms=0)
    await producer.start()
    try:
        await consumer.start()
        reading = asyncio.create_task(_read(consumer))
        try:
            for first in range(0, RECORDS, AT_ONCE):
                sends = [
                    producer.send_and_wait(TOPIC, b"x" * 1500, key=str(first + n).encode()) for n in range(AT_ONCE)
                ]
                await asyncio.gather(*sends)
            await reading
        finally:
            reading.cancel()
            await asyncio.wait([reading])
            await consumer.stop()
    finally:
        await producer.stop()


async def _read(consumer: AIOKafkaConsumer) -> None:
    seen = 0
    while seen < RECORDS:
        seen += sum(len(records) for records in (await consumer.getmany(timeout_ms=200)).values())
        await consumer.commit()


async def _create(bootstrap_servers: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])
    finally:
        await admin.close()


async def _remove(bootstrap_servers: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        await admin.delete_topics([TOPIC])
    finally:
        await admin.close()
