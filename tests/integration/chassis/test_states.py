"""State transfer: who reads the status topic alone ends with the present state, whatever befell the relay."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chassis.ids import new_id
from support.stack import KafkaServer, eventually
from support.topics import last_values, records_of, versions_of
from support.toys import Toys, toys


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


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
