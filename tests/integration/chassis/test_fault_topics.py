"""What an operator may do to a broker by mistake: delete a topic, add partitions, move a group's offsets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from chassis.delivery.topics import ensure_topics
from chassis.delivery.watchdog import group_of
from chassis.ids import new_id
from chassis.metrics_counting import REGISTRY
from support.faults import note
from support.stack import KafkaServer, eventually
from support.toys import Toy, Toys, toys


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path, session_seconds=1.5) as made:
        yield made


@pytest.fixture
async def admin(pair: Toys) -> AsyncIterator[AIOKafkaAdminClient]:
    made = AIOKafkaAdminClient(bootstrap_servers=pair.ping.settings.kafka_bootstrap_servers)
    await made.start()
    await ensure_topics(made, pair.ping.contracts.topics, replication=1)
    yield made
    await made.close()


@pytest.fixture
def referrals() -> list[UUID]:
    return [new_id() for _ in range(24)]


async def test_a_topic_deleted_under_its_clients_comes_back_and_what_stood_unread_in_it_is_sent_again(
    pair: Toys, admin: AIOKafkaAdminClient, referrals: list[UUID]
) -> None:
    async with pair.ping.serving(), pair.pong.serving(), pair.ping.working():
        async with pair.pong.working():
            await ping_all(pair, referrals, 1)
            await eventually(lambda: all_applied(pair.pong, referrals, 1), within=20)
        await ping_all(pair, referrals, 2)
        await eventually(lambda: all_sent(pair.ping), within=20)
        async with pair.pong.anew().working():
            await admin.delete_topics([pair.ping.contracts.topic])
            gone = time.monotonic()
            await ping_all(pair, referrals, 3)
            await eventually(lambda: all_applied(pair.pong, referrals, 3), within=40)
    note("topic deleted", f"{len(referrals)} unread records went with it", time.monotonic() - gone)
    await assert_once_and_in_order(pair, referrals, 3)


async def test_partitions_added_under_load_lose_nothing_and_keep_the_order_of_every_stream(
    pair: Toys, admin: AIOKafkaAdminClient, referrals: list[UUID]
) -> None:
    topic, rounds, enough = pair.ping.contracts.topic, 0, asyncio.Event()

    async def keep_pinging() -> None:
        nonlocal rounds
        while not enough.is_set():
            rounds += 1
            await ping_all(pair, referrals, rounds)

    async with pair.running():
        flow = asyncio.create_task(keep_pinging())
        await eventually(lambda: all_applied(pair.pong, referrals, 2), within=20)
        await admin.create_partitions({topic: NewPartitions(18)})
        added = time.monotonic()
        await eventually(lambda: written_beyond(pair, 12), within=20)
        enough.set()
        await flow
        await eventually(lambda: all_applied(pair.pong, referrals, rounds), within=30)
    note("partitions added", f"{rounds * len(referrals)} events meanwhile", time.monotonic() - added)
    await assert_once_and_in_order(pair, referrals, rounds)


async def test_offsets_moved_to_the_end_skip_events_and_comparison_brings_them(
    pair: Toys, admin: AIOKafkaAdminClient, referrals: list[UUID]
) -> None:
    async with pair.ping.serving(), pair.pong.serving(), pair.ping.working():
        await ping_all(pair, referrals, 1)
        await eventually(lambda: all_sent(pair.ping), within=20)
        moved = await move_offsets(pair, to_end=True)
        assert sum(moved.values()) == len(referrals)
        began = time.monotonic()
        async with pair.pong.working():
            await eventually(lambda: all_applied(pair.pong, referrals, 1), within=40)
    note("offsets moved to the end", f"{len(referrals)} events skipped", time.monotonic() - began)
    await assert_once_and_in_order(pair, referrals, 1)


async def test_offsets_moved_to_the_start_bring_everything_again_and_nothing_has_its_effect_twice(
    pair: Toys, admin: AIOKafkaAdminClient, referrals: list[UUID]
) -> None:
    async with pair.ping.serving(), pair.pong.serving(), pair.ping.working():
        async with pair.pong.working():
            for n in (1, 2):
                await ping_all(pair, referrals, n)
            await eventually(lambda: all_applied(pair.pong, referrals, 2), within=20)
        await move_offsets(pair, to_end=False)
        before, began = dropped_as_duplicates(), time.monotonic()
        async with pair.pong.anew().working():
            await ping_all(pair, referrals, 3)
            await eventually(lambda: all_applied(pair.pong, referrals, 3), within=40)
        dropped = dropped_as_duplicates() - before
        assert dropped >= 2 * len(
            referrals
        )  # a slow machine asks its peers meanwhile, and has some of them a third time
    note("offsets moved to the start", f"{dropped:.0f} duplicates dropped", time.monotonic() - began)
    await assert_once_and_in_order(pair, referrals, 3)


async def ping_all(pair: Toys, referrals: list[UUID], n: int) -> None:
    for referral_id in referrals:
        await pair.ping.ping(referral_id, n)


async def all_applied(toy: Toy, referrals: list[UUID], count: int) -> bool:
    return bool(
        await toy.value(
            f"SELECT count(*) FROM {toy.service}.tally WHERE referral_id = ANY ($1) AND count >= $2", referrals, count
        )
        == len(referrals)
    )


async def all_sent(toy: Toy) -> bool:
    return not await toy.value(f"SELECT count(*) FROM {toy.service}.outbox")


async def written_beyond(pair: Toys, partition: int) -> bool:
    """The new partitions hold events, by what the relay has had acknowledged."""
    found = "SELECT count(*) FROM ping.broker_mark WHERE topic = $1 AND partition >= $2"
    return bool(await pair.ping.value(found, pair.ping.contracts.topic, partition))


def dropped_as_duplicates() -> float:
    """In this process, of which both workers are part."""
    samples = [sample for family in REGISTRY.collect() for sample in family.samples]
    return sum(one.value for one in samples if one.labels.get("outcome") == "duplicate")


async def move_offsets(pair: Toys, *, to_end: bool) -> Mapping[TopicPartition, int]:
    """As an operator's tool does it; the group must be empty, and its last member says no goodbye."""
    contracts = pair.pong.contracts
    consumer = AIOKafkaConsumer(
        bootstrap_servers=pair.ping.settings.kafka_bootstrap_servers, group_id=group_of(contracts, "acting"),
        enable_auto_commit=False,
    )  # fmt: skip
    await consumer.start()
    try:
        partitions = [TopicPartition(pair.ping.contracts.topic, n) for n in range(12)]
        consumer.assign(partitions)
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        wanted = ends if to_end else dict.fromkeys(partitions, 0)

        async def moved() -> bool:
            try:
                await consumer.commit(wanted)
            except KafkaError:
                return False
            return True

        await eventually(moved, within=20, every=0.2)
        return wanted
    finally:
        await consumer.stop()


async def assert_once_and_in_order(pair: Toys, referrals: list[UUID], rounds: int) -> None:
    digest = 0
    for n in range(1, rounds + 1):
        digest = (digest * 31 + n) % 2**31
    found = {(tally.count, tally.digest) for one in referrals if (tally := await pair.pong.tally(one))}
    assert found == {(rounds, digest)}
    assert await pair.pong.value("SELECT count(*) FROM pong.event_log") == rounds * len(referrals)
    assert await pair.pong.value("SELECT count(*) FROM pong.parked") == 0
