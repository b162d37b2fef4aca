"""Records that the broker will not take, and two relays that both believe a lane to be theirs."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from chassis.delivery.topics import MAX_MESSAGE_BYTES, ensure_topics
from chassis.ids import new_id
from support.faults import note
from support.stack import KafkaServer, eventually
from support.topics import records_of
from support.toy_relay import relay_process
from support.toys import Pinged, Toys, toys


class Wordy(Pinged):
    words: str = ""


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
        await admin.start()
        await ensure_topics(admin, made.ping.contracts.topics, replication=1)
        yield made
        await admin.close()


async def say(pair: Toys, referral_id: UUID, n: int, *, size: int) -> None:
    async with pair.ping.units.begin([referral_id]) as work:
        work.record(referral_id, Wordy(n=n, words="x" * size))


async def test_a_message_beyond_every_limit_stands_aside_and_holds_up_its_own_stream_alone(pair: Toys) -> None:
    large, other = new_id(), new_id()
    await say(pair, large, 1, size=0)
    await say(pair, large, 2, size=MAX_MESSAGE_BYTES)
    await say(pair, large, 3, size=0)
    await pair.ping.ping(other, 1, 2)
    async with pair.running():
        await eventually(lambda: applied(pair, other, 2), within=20)
        await eventually(lambda: waits_for(pair, large, 3), within=20)
        assert await aside(pair) == [(str(large), "MessageSizeTooLargeError")]
        assert (await pair.pong.tally(large)).count == 1


async def test_the_brokers_own_lower_limit_sets_one_record_aside_and_none_of_its_neighbours(
    pair: Toys, kafka: KafkaServer
) -> None:
    """The broker refuses a whole batch for its size: its records are small, and each alone is welcome."""
    await limit(kafka, pair.ping.contracts.topic, 4000)
    large, others = new_id(), [new_id() for _ in range(60)]
    for n, other in enumerate(others):
        await say(pair, other, 1, size=200)
        if n == 30:
            await say(pair, large, 1, size=5000)
    began = time.monotonic()
    async with pair.running():
        for other in others:
            await eventually(lambda: applied(pair, other, 1), within=30)  # noqa: B023
        note("a record beyond the broker's own limit", f"{len(others)} neighbours go on", time.monotonic() - began)
        await eventually(lambda: nothing_waits(pair), within=20)
        assert await aside(pair) == [(str(large), "MessageSizeTooLargeError")]
        await limit(kafka, pair.ping.contracts.topic, MAX_MESSAGE_BYTES)
        await pair.ping.execute(
            """WITH back AS (DELETE FROM ping.unsendable RETURNING lane, topic, key, event_id)
               INSERT INTO ping.outbox (lane, topic, key, event_id, resend)
               SELECT lane, topic, key, event_id, true FROM back"""
        )
        await eventually(lambda: applied(pair, large, 1), within=20)


async def test_two_relays_on_one_lane_send_twice_and_every_event_has_its_effect_once(
    pair: Toys, database: str, tmp_path: Path
) -> None:
    """The first is stopped with a batch in hand, loses its locks, is overtaken, and goes on with what it had."""
    referrals = [new_id() for _ in range(10)]
    for n in range(3):
        for referral_id in referrals:
            await pair.ping.ping(referral_id, n)
    async with pair.pong.working(), pair.ping.serving():
        with relay_process(pair.ping, tmp_path, "first", mid_batch="hang 1") as first:
            await eventually(lambda: first.met("relay.mid_batch"), within=20)
            first.stop()
            await lose_its_locks(database)
            with relay_process(pair.ping, tmp_path, "second"):
                await eventually(lambda: nothing_waits(pair), within=20)
                for referral_id in referrals:
                    await pair.ping.ping(referral_id, 3)
                await eventually(lambda: nothing_waits(pair), within=20)
                first.go_on()
                began = time.monotonic()
                await eventually(lambda: sent_twice(pair), within=20, every=0.2)
                for referral_id in referrals:
                    await eventually(lambda: applied(pair, referral_id, 4), within=20)  # noqa: B023
                note("two relays on one lane", "numbers stand twice in the log", time.monotonic() - began)
    tallies = {(await pair.pong.tally(one)).digest for one in referrals}
    assert tallies == {((0 * 31 + 1) * 31 + 2) * 31 + 3}
    assert await pair.pong.value("SELECT count(*) FROM pong.parked") == 0


async def lose_its_locks(database: str) -> None:
    admin = await asyncpg.connect(database)
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ping-relay'")
    await admin.close()


async def limit(kafka: KafkaServer, topic: str, size: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs={"max.message.bytes": str(size)})
    await admin.alter_configs([resource])
    await admin.close()


async def sent_twice(pair: Toys) -> bool:
    """Numbers of a stream stand in the log more than once, the later ones behind higher numbers."""
    read = await records_of(pair.ping.settings.kafka_bootstrap_servers, pair.ping.contracts.topic)
    places = [(one.key, one.headers["ce_streamseq"]) for one in read]
    return len(places) > len(set(places))


async def aside(pair: Toys) -> list[tuple[str, str]]:
    async with pair.ping.database.connection() as connection:
        return [tuple(row) for row in await connection.fetch("SELECT key, reason FROM ping.unsendable ORDER BY n")]


async def applied(pair: Toys, referral_id: UUID, count: int) -> bool:
    return (await pair.pong.tally(referral_id)).count == count


async def waits_for(pair: Toys, referral_id: UUID, seq: int) -> bool:
    statement = "SELECT 1 FROM pong.parked WHERE referral_id = $1 AND seq = $2 AND reason = 'waiting'"
    return bool(await pair.pong.value(statement, referral_id, seq))


async def nothing_waits(pair: Toys) -> bool:
    return not await pair.ping.value("SELECT count(*) FROM ping.outbox")
