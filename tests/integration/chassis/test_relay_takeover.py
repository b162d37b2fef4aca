"""A relay that is stopped, overtaken and continued, or killed, leaves no old value last and no record out of order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from chassis.delivery.statements import lane_of
from chassis.delivery.topics import ensure_topics
from chassis.ids import new_id
from support.stack import KafkaServer, eventually
from support.topics import versions_of
from support.toy_relay import RelayProcess, relay_process
from support.toys import Toys, toys


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
        await admin.start()
        await ensure_topics(admin, made.ping.contracts.topics, replication=1)
        await admin.close()
        yield made


async def states(pair: Toys, referral_id: UUID) -> list[int]:
    return await versions_of(pair.ping.settings.kafka_bootstrap_servers, pair.ping.status_topic, referral_id)


async def told(pair: Toys, referral_id: UUID) -> list[int]:
    return await versions_of(pair.ping.settings.kafka_bootstrap_servers, pair.ping.told_topic, referral_id)


async def sent(pair: Toys) -> bool:
    return not await pair.ping.value("SELECT count(*) FROM ping.outbox")


async def lose_its_locks(database: str) -> None:
    """What the server does by itself when a session says nothing for long."""
    admin = await asyncpg.connect(database)
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ping-relay'")
    await admin.close()


async def test_a_relay_stopped_between_reading_and_sending_sends_nothing_old_when_it_goes_on(
    pair: Toys, database: str, tmp_path: Path
) -> None:
    referral_id = new_id()
    with relay_process(pair.ping, tmp_path, "first", state_read="hang 3") as first:
        await pair.ping.count_up(referral_id)
        await eventually(lambda: first.met("relay.state_read"), within=20)
        first.stop()
        await overtake(pair, database, tmp_path, referral_id)
        await goes_on(pair, first)
        assert set(await states(pair, referral_id)) == {2}


async def test_an_old_state_that_was_on_its_way_is_followed_by_the_present_one(
    pair: Toys, database: str, kafka: KafkaServer, tmp_path: Path
) -> None:
    """The old value has left the relay, and reaches the log long after the newer one of the other relay."""
    referral_id = next(one for one in iter(new_id, None) if lane_of(one) == 0)  # the overtaker keeps its lower lanes
    with relay_process(pair.ping, tmp_path, "first", mid_batch="hang 3") as first:
        await pair.ping.count_up(referral_id)
        await eventually(lambda: first.met("relay.mid_batch"), within=20)
        first.stop()
        await pair.ping.count_up(referral_id)
        await lose_its_locks(database)
        with relay_process(pair.ping, tmp_path, "second"):
            await eventually(lambda: sent(pair), within=20)
            first.go_on()
            await eventually(lambda: last_is(pair, referral_id, 2, after=1), within=20, every=0.2)


async def test_a_killed_relay_sends_again_and_in_order(pair: Toys, tmp_path: Path) -> None:
    referral_id = new_id()
    await pair.ping.tell(referral_id, 1, 2, 3)
    await pair.ping.count_up(referral_id)
    with relay_process(pair.ping, tmp_path, "first", after_ack="kill") as first:
        await eventually(first.is_gone, within=20)
        assert first.met("relay.after_ack")
    await pair.ping.tell(referral_id, 4)
    with relay_process(pair.ping, tmp_path, "second"):
        await eventually(lambda: sent(pair), within=20)
    assert await told(pair, referral_id) == [1, 2, 3, 1, 2, 3, 4]
    assert (await states(pair, referral_id))[-1] == 1


async def test_notices_of_one_key_come_in_the_order_of_their_versions(pair: Toys, tmp_path: Path) -> None:
    referrals = [new_id() for _ in range(6)]
    with relay_process(pair.ping, tmp_path, "one"), relay_process(pair.ping, tmp_path, "two"):
        for n in range(1, 20):
            for referral_id in referrals:
                await pair.ping.tell(referral_id, n)
        await eventually(lambda: sent(pair), within=20)
    for referral_id in referrals:
        assert sorted(found := await told(pair, referral_id)) == found
        assert set(found) == set(range(1, 20))


async def overtake(pair: Toys, database: str, tmp_path: Path, referral_id: UUID) -> None:
    """The state changes, and another relay sends it."""
    await pair.ping.count_up(referral_id)
    await lose_its_locks(database)
    with relay_process(pair.ping, tmp_path, "second"):
        await eventually(lambda: sent(pair), within=20)


async def goes_on(pair: Toys, relay: RelayProcess) -> None:
    """Until it has done something more: a further change of another key is sent by it alone."""
    relay.go_on()
    await pair.ping.count_up(other := new_id())
    await eventually(lambda: was_sent(pair, other), within=30, every=0.2)


async def was_sent(pair: Toys, referral_id: UUID) -> bool:
    return bool(await states(pair, referral_id))


async def last_is(pair: Toys, referral_id: UUID, version: int, *, after: int) -> bool:
    """An old one has come late, and the present one after it."""
    found = await states(pair, referral_id)
    return after in found and found.index(after) < len(found) - 1 and found[-1] == version
