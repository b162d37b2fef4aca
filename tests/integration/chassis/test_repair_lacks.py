"""What lacks is asked for by the worker that reads its partition, once, and also when the log itself was lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from chassis.delivery.lacks import Lack
from chassis.ids import new_id
from support.scripted_log import ScriptedLog, ScriptedPeers, partition_of, repairing, store_of
from support.stack import KafkaServer, eventually
from support.toys import Toy, toys

LOW, HIGH = range(6), range(6, 12)


@pytest.fixture
async def pong(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toy]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made.pong


def a_log(pong: Toy, *, end: int, read: int) -> ScriptedLog:
    return ScriptedLog(list(pong.contracts.producers), end=end, read=read)


def a_referral_in(partitions: range) -> UUID:
    return next(one for one in iter(new_id, None) if partition_of(one) in partitions)


async def lacks(pong: Toy) -> int:
    return int(await pong.value("SELECT count(*) FROM pong.lacking"))


async def nothing_lacks(pong: Toy) -> bool:
    return await lacks(pong) == 0


async def has_looked_again(*logs: ScriptedLog) -> None:
    """Three times more: whatever is still to be asked for is asked for by then."""
    wanted = [log.looks + 3 for log in logs]
    await eventually(lambda: all(log.looks >= n for log, n in zip(logs, wanted, strict=True)))


async def test_what_may_still_be_on_its_way_is_not_asked_for(pong: Toy) -> None:
    await store_of(pong).write([Lack("ping", new_id(), 1)], [])
    log, peers = a_log(pong, end=100, read=99), ScriptedPeers(pong)
    async with repairing(pong, log, peers):
        await has_looked_again(log)
        assert peers.asked == []
        log.read = 100
        await eventually(lambda: peers.asked)


async def test_a_lack_noted_before_the_broker_lost_its_log_is_asked_for_all_the_same(pong: Toy) -> None:
    """Its noted end is one that the new log may never reach."""
    referral_id = new_id()
    await store_of(pong).write([Lack("ping", referral_id, 1)], [])
    log, peers = a_log(pong, end=100, read=50), ScriptedPeers(pong)
    async with repairing(pong, log, peers):
        await eventually(lambda: log.ends_asked >= 2)  # noted, and looked at once since
        assert peers.asked == []
        log.end = log.read = 3
        await eventually(lambda: peers.asked == [(referral_id, 1)])


async def test_what_one_worker_finds_is_asked_for_by_the_one_that_reads_it_and_once(pong: Toy) -> None:
    referral_id = a_referral_in(HIGH)
    finder, reader = a_log(pong, end=5, read=5), a_log(pong, end=5, read=5)
    finder.assigned, reader.assigned = LOW, HIGH
    told, asked = ScriptedPeers(pong, told={referral_id: 1}), ScriptedPeers(pong)
    async with repairing(pong, finder, told):
        await eventually(lambda: lacks(pong))
        async with repairing(pong, reader, asked):
            await eventually(lambda: asked.asked)
            await eventually(lambda: nothing_lacks(pong))
            await has_looked_again(finder, reader)
    assert (told.asked, asked.asked) == ([], [(referral_id, 1)])


async def test_a_lack_whose_partition_went_to_another_worker_is_that_workers(pong: Toy) -> None:
    referral_id = a_referral_in(HIGH)
    await store_of(pong).write([Lack("ping", referral_id, 1)], [])
    first, second = a_log(pong, end=5, read=4), a_log(pong, end=5, read=4)
    of_first, of_second = ScriptedPeers(pong), ScriptedPeers(pong)
    async with repairing(pong, first, of_first):
        await eventually(lambda: first.ends_asked >= 2)
        first.assigned, second.assigned = LOW, HIGH
        first.read = 5
        await has_looked_again(first)
        assert of_first.asked == []
        async with repairing(pong, second, of_second):
            second.read = 5
            await eventually(lambda: of_second.asked == [(referral_id, 1)])
            await has_looked_again(first, second)
    assert (of_first.asked, len(of_second.asked)) == ([], 1)
