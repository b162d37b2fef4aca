"""State transfer: who reads the status topic alone ends with the present state, whatever befell the relay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from chassis.delivery.lanes import LANE_LOCKS, Lanes, lock_class
from chassis.delivery.refilling import Refilling
from chassis.delivery.statements import lane_of
from chassis.delivery.states import States
from chassis.ids import new_id
from support.stack import KafkaServer, eventually
from support.topics import last_values, records_of, versions_of
from support.toys import Toys, states_of, toys


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


async def versions_are(kafka: KafkaServer, pair: Toys, referral_id: UUID, versions: list[int]) -> bool:
    """Once each, however often: what is written while topics are compared is sent once more than it need be."""
    found = await versions_of(kafka.bootstrap_servers, pair.ping.status_topic, referral_id)
    return list(dict.fromkeys(found)) == versions and found[-1] == versions[-1]


async def value_is(kafka: KafkaServer, pair: Toys, referral_id: UUID, count: int) -> bool:
    read = await last_values(kafka.bootstrap_servers, pair.ping.status_topic)
    return bool(read.get(str(referral_id), {}).get("count") == count)


async def told_again(kafka: KafkaServer, pair: Toys, referral_id: UUID, *versions: int) -> bool:
    """The last that was said under the key is all of it, in order."""
    found = await versions_of(kafka.bootstrap_servers, pair.ping.told_topic, referral_id)
    return found[-len(versions) :] == list(versions)


async def _forget(kafka: KafkaServer, topic: str, referral_id: UUID) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers)
    await producer.start()
    await producer.send_and_wait(topic, None, key=str(referral_id).encode())
    await producer.stop()


async def sent(pair: Toys) -> bool:
    return not await pair.ping.value("SELECT count(*) FROM ping.outbox")


async def test_the_status_topic_alone_gives_the_present_state_of_every_key(pair: Toys, kafka: KafkaServer) -> None:
    referrals = [new_id() for _ in range(8)]
    async with pair.ping.working():
        for round_ in range(4):
            for referral_id in referrals:
                await pair.ping.count_up(referral_id, round_)
        await eventually(lambda: sent(pair), within=20)
    read = await last_values(kafka.bootstrap_servers, pair.ping.status_topic)
    for referral_id in referrals:
        tally = await pair.ping.tally(referral_id)
        assert read[str(referral_id)] == {"count": tally.count, "digest": tally.digest}


async def test_a_state_is_numbered_and_carries_no_internal_number(pair: Toys, kafka: KafkaServer) -> None:
    referral_id = new_id()
    await pair.ping.count_up(referral_id)
    async with pair.ping.working():
        await eventually(lambda: sent(pair), within=20)
    (read,) = await records_of(kafka.bootstrap_servers, pair.ping.status_topic)
    assert read.version == 1
    assert read.headers["ce_subject"] == str(referral_id)
    assert not {"ce_after", "ce_streamseq"} & read.headers.keys()


async def test_changes_that_wait_together_are_sent_as_one_state(pair: Toys, kafka: KafkaServer) -> None:
    referral_id = new_id()
    for _ in range(5):
        await pair.ping.count_up(referral_id)
    async with pair.ping.working():
        await eventually(lambda: sent(pair), within=20)
    assert await versions_of(kafka.bootstrap_servers, pair.ping.status_topic, referral_id) == [5]


async def test_a_key_that_is_gone_is_told_as_gone(pair: Toys, kafka: KafkaServer) -> None:
    referral_id = new_id()
    await pair.ping.count_up(referral_id)
    async with pair.ping.working():
        await eventually(lambda: sent(pair), within=20)
        await pair.ping.execute("DELETE FROM ping.tally")
        async with pair.ping.units.begin([referral_id]) as work:
            work.publish_state(pair.ping.status_topic, str(referral_id), referral_id=referral_id)
        await eventually(lambda: sent(pair), within=20)
    assert await last_values(kafka.bootstrap_servers, pair.ping.status_topic) == {}


async def test_a_value_that_the_topic_alone_has_wrong_is_found_by_comparison(pair: Toys, kafka: KafkaServer) -> None:
    """As after a write that no outbox row told of; and a key that the topic has lost."""
    wrong, lost, right = new_id(), new_id(), new_id()
    async with pair.ping.working():
        for referral_id in (wrong, lost, right):
            await pair.ping.count_up(referral_id)
        await eventually(lambda: sent(pair), within=20)
        before = await versions_of(kafka.bootstrap_servers, pair.ping.status_topic, right)
        await pair.ping.execute(f"UPDATE ping.tally SET count = 9 WHERE referral_id = '{wrong}'")
        await _forget(kafka, pair.ping.status_topic, lost)
        await pair.ping.execute("UPDATE ping.republished SET compared_at = '2020-01-01'")
        await eventually(lambda: versions_are(kafka, pair, wrong, [1, 9]), within=20, every=0.3)
        await eventually(lambda: value_is(kafka, pair, lost, 1), within=20, every=0.3)
    assert await versions_of(kafka.bootstrap_servers, pair.ping.status_topic, right) == before


async def test_a_wiped_broker_is_filled_again_with_notices_and_states(pair: Toys, kafka: KafkaServer) -> None:
    referrals = [new_id() for _ in range(2)]
    async with pair.running():
        for referral_id in referrals:
            await pair.ping.tell(referral_id, 1, 2, 3)
            await pair.ping.count_up(referral_id)
        await eventually(lambda: sent(pair), within=20)
        kafka.wipe()
        await pair.ping.tell(referrals[0], 4)
        await eventually(lambda: told_again(kafka, pair, referrals[0], 1, 2, 3, 4), within=60, every=0.5)
        await eventually(lambda: told_again(kafka, pair, referrals[1], 1, 2, 3), within=60, every=0.5)
        await eventually(lambda: value_is(kafka, pair, referrals[0], 1), within=60, every=0.5)
        await eventually(lambda: value_is(kafka, pair, referrals[1], 1), within=60, every=0.5)


async def test_a_relay_reads_no_state_of_a_lane_that_its_session_does_not_hold(pair: Toys) -> None:
    """The proof is in the statement that reads: what a relay believes to hold does not count."""
    held, not_held = (next(one for one in iter(new_id, None) if lane_of(one) == lane) for lane in (3, 4))
    for referral_id in (held, not_held):
        await pair.ping.count_up(referral_id)
    lanes = Lanes(pair.ping.database.dedicated, "ping")
    await lanes.balance()
    connection = await lanes.open()
    await connection.execute("SELECT pg_advisory_unlock($1, 4)", lock_class("ping", LANE_LOCKS))
    topic, clock = pair.ping.status_topic, asyncio.get_running_loop().time
    states = States({topic: states_of("ping")}, "ping", limit_seconds=1, clock=clock)
    assert (await states.read(connection, topic, [str(held), str(not_held)])).keys() == {str(held)}
    await lanes.close()


async def test_after_a_loss_the_service_says_which_notices_its_readers_still_need(pair: Toys) -> None:
    one, other = new_id(), new_id()
    await pair.ping.tell(one, 1, 2)
    await pair.ping.tell(other, 1)
    await pair.ping.execute(f"DELETE FROM ping.outbox WHERE key <> '{other}'")
    topic, needed = pair.ping.told_topic, "SELECT id FROM ping.notice WHERE version = 2"
    refilling = Refilling(
        pair.ping.database, "ping", [topic], {}, {topic: needed}, a_consumer, lambda: None, asyncio.Event(),
        check_seconds=1, compare_seconds=1,
    )  # fmt: skip
    await pair.ping.execute("INSERT INTO ping.broker_loss (reason) VALUES ('a test')")
    assert await refilling.fill_after_loss(0) == 1
    await refilling.fill_after_loss(0)  # another worker: it is done once
    again = (
        "SELECT array_agg(o.key || ':' || version) FROM ping.outbox o JOIN ping.notice ON id = event_id WHERE resend"
    )
    assert await pair.ping.value(again) == [f"{one}:2"]
    await pair.ping.tell(one, 3)
    assert await pair.ping.value(again) == [f"{one}:2", f"{one}:3"]


def a_consumer() -> AIOKafkaConsumer:
    raise AssertionError("nothing is read from the broker")
