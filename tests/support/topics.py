"""A topic as somebody reads it who knows nothing else: every record of it, or what its last values make."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError


@dataclass(frozen=True)
class Read:
    key: str
    headers: dict[str, str]
    body: Any

    @property
    def version(self) -> int:
        return int(self.headers["ce_version"])


async def records_of(bootstrap_servers: str, topic: str) -> list[Read]:
    """All that stands in the topic now; each partition in its order. Nothing while the broker does not answer."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    found: list[Read] = []
    try:
        async with asyncio.timeout(8):
            await consumer.start()
            while not consumer.assignment():  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            partitions = list(consumer.assignment())
            await consumer.seek_to_beginning(*partitions)
            ends = await consumer.end_offsets(partitions)
            while any([await consumer.position(one) < ends[one] for one in partitions]):
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    found += [_read(record) for record in records]
    except (KafkaError, TimeoutError):
        return []
    finally:
        await consumer.stop()
    return found


async def versions_of(bootstrap_servers: str, topic: str, key: object) -> list[int]:
    return [read.version for read in await records_of(bootstrap_servers, topic) if read.key == str(key)]


async def last_values(bootstrap_servers: str, topic: str) -> dict[str, Any]:
    """What compaction leaves, and a reader who begins anew ends with."""
    values: dict[str, Any] = {}
    for read in await records_of(bootstrap_servers, topic):
        values[read.key] = read.body
    return {key: body for key, body in values.items() if body is not None}


def _read(record: Any) -> Read:
    headers = {name: value.decode() for name, value in record.headers}
    return Read(record.key.decode(), headers, None if record.value is None else json.loads(record.value))
