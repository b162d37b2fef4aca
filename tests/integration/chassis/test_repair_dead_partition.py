"""A partition that alone does not answer stops its own lane; every other lane of the relay goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from chassis.delivery import relay as relaying
from chassis.delivery.lanes import Lanes
from chassis.delivery.marks import BrokerMarks
from chassis.delivery.relay import Relay
from chassis.delivery.states import States
from chassis.delivery.topics import ensure_topics
from chassis.ids import new_id
from support.scripted_log import partition_of
from support.stack import KafkaServer, eventually
from support.toys import Toy, Toys, toys


class OneIsDead(AIOKafkaProducer):  # type: ignore[misc]  # aiokafka is not typed
    """The real producer, but for one partition, of which nothing is ever heard."""

    def __init__(self, dead: int | None, tried: list[str], **settings: Any) -> None:
        super().__init__(**settings)
        self._dead_one, self._tried = dead, tried

    async def send(self, topic: str, value: Any = None, *, key: bytes, **more: Any) -> Any:
        if partition_of(UUID(key.decode())) == self._dead_one:
            self._tried.append(key.decode())
            return asyncio.get_running_loop().create_future()
        return await super().send(topic, value, key=key, **more)


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
        await admin.start()
        await ensure_topics(admin, made.ping.contracts.topics, replication=1)
        await admin.close()
        yield made


async def test_a_dead_partition_stops_its_own_lane_alone(pair: Toys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relaying, "SEND_SECONDS", 0.5)
    monkeypatch.setattr(relaying, "REST_SECONDS", 60.0)
    ping, dead, tried = pair.ping, new_id(), list[str]()
    others = [one for one in (new_id() for _ in range(20)) if partition_of(one) != partition_of(dead)]
    await ping.ping(dead, 1, 2)
    async with a_relay(ping, partition_of(dead), tried):
        for n in range(4):
            for one in others:
                await ping.ping(one, n)
            await eventually(lambda: waiting(ping, str(dead), str(dead)))
    assert tried == [str(dead)] * 2  # once: then the lane rests, and holds up no later batch
    async with a_relay(ping, None, tried):
        await eventually(lambda: waiting(ping))


async def waiting(ping: Toy, *keys: str) -> bool:
    return bool(await ping.value("SELECT coalesce(array_agg(key), '{}') FROM ping.outbox") == list(keys))


@asynccontextmanager
async def a_relay(toy: Toy, dead: int | None, tried: list[str]) -> AsyncIterator[None]:
    def producer() -> AIOKafkaProducer:
        return OneIsDead(
            dead, tried, bootstrap_servers=toy.settings.kafka_bootstrap_servers, enable_idempotence=True, acks="all"
        )

    topics_stand = asyncio.Event()
    topics_stand.set()
    states = States({}, toy.service, limit_seconds=1.0, clock=asyncio.get_running_loop().time)
    relay = Relay(
        Lanes(toy.database.dedicated, toy.service), producer, BrokerMarks(toy.service), states, toy.service,
        toy.contracts.topic, wake=asyncio.Event(), topics_stand=topics_stand,
    )  # fmt: skip
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
