"""Read models beside the handlers that act: complete, in order, and in nobody's way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from chassis.clock import Clock
from chassis.delivery import Delivery
from chassis.delivery.consuming import GIVES_WAY_SECONDS
from chassis.delivery.reader import MAX_RECORDS
from chassis.ids import new_id
from support.projections import make_seen_table, seeing, seen_of
from support.stack import KafkaServer, eventually
from support.toys import HANDLERS, Ponged, Toys, ToyWork, toys


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path, projections={"ping": [seeing()]}) as made:
        await make_seen_table(made.ping)
        yield made


async def acted_on(pair: Toys, referral_id: UUID, count: int) -> bool:
    return (await pair.ping.tally(referral_id)).count == count


async def sees(pair: Toys, referral_id: UUID, producer: str, *numbers: int) -> bool:
    return await seen_of(pair.ping, referral_id, producer) == list(numbers)


async def test_a_projection_sees_the_events_of_all_services_its_own_too_once_and_in_order(pair: Toys) -> None:
    referral_id = new_id()
    async with pair.running():
        for n in range(1, 6):
            await pair.ping.ping(referral_id, n)
        await eventually(lambda: sees(pair, referral_id, "ping", 1, 2, 3, 4, 5), within=30)
        await eventually(lambda: sees(pair, referral_id, "pong", 1, 2, 3, 4, 5), within=30)
    assert await pair.ping.value("SELECT sum(last) FROM ping.stream_pos WHERE consumer = 'seen'") == 10
    assert await pair.ping.value("SELECT sum(last) FROM ping.stream_pos WHERE consumer = 'acting'") == 5


async def test_what_a_projection_cannot_take_waits_in_its_name_and_the_handlers_act_on(pair: Toys) -> None:
    referral_id = new_id()
    async with pair.running():
        async with pair.pong.units.begin([referral_id]) as work:
            for n in (1, -2, 3):
                work.record(referral_id, Ponged(n=n))
        await eventually(lambda: acted_on(pair, referral_id, 3), within=30)
        await eventually(lambda: sees(pair, referral_id, "pong", 1), within=30)
        parked = "SELECT array_agg(consumer || ':' || seq || ':' || reason ORDER BY seq) FROM ping.parked"
        await eventually(lambda: is_now(pair, parked, ["seen:2:failed", "seen:3:waiting"]), within=30)


async def test_a_projection_that_is_broken_stops_alone(database: str, kafka: KafkaServer, tmp_path: Path) -> None:
    broken = {"ping": [seeing(breaks=True)]}
    async with toys(database, kafka.bootstrap_servers, tmp_path, projections=broken) as pair, pair.running():
        await make_seen_table(pair.ping)
        for referral_id in (new_id(), new_id()):
            await pair.ping.ping(referral_id, 1)
            await eventually(partial(acted_on, pair, referral_id, 1), within=30)
        assert await pair.ping.value("SELECT coalesce(sum(last), 0) FROM ping.stream_pos WHERE consumer = 'seen'") == 0


async def test_a_projection_added_later_catches_up(pair: Toys) -> None:
    """It begins at the log's start; what the log has lost its repair asks for."""
    referral_id = new_id()
    async with pair.pong.serving(), pair.ping.serving(), pair.pong.working():
        async with a_ping_without_projections(pair):
            await pair.ping.ping(referral_id, 1, 2, 3)
            await eventually(lambda: acted_on(pair, referral_id, 3), within=30)
        assert await seen_of(pair.ping, referral_id, "ping") == []
        async with pair.ping.working():
            await eventually(lambda: sees(pair, referral_id, "ping", 1, 2, 3), within=30)
            await eventually(lambda: sees(pair, referral_id, "pong", 1, 2, 3), within=30)


async def test_a_projection_waits_for_no_command(pair: Toys) -> None:
    """A transaction that holds the referral's stream for long holds up the handlers, not the read model."""
    referral_id = new_id()
    async with pair.running():
        await pair.ping.ping(referral_id, 1)
        await eventually(lambda: sees(pair, referral_id, "pong", 1), within=30)
        async with pair.ping.units.begin([referral_id]):
            async with pair.pong.units.begin([referral_id]) as work:
                work.record(referral_id, Ponged(n=5))
            await eventually(lambda: sees(pair, referral_id, "pong", 1, 2), within=8)
            assert await acted_on(pair, referral_id, 1)


async def test_a_projection_lets_the_handlers_go_first_through_a_backlog_but_not_for_ever(pair: Toys) -> None:
    """They share a process, and nobody waits for a read model. Here the handlers stand still in their first batch."""
    referral_ids = sorted(new_id() for _ in range(2 * MAX_RECORDS))
    async with pair.pong.units.begin(referral_ids) as work:
        for referral_id in referral_ids:
            work.record(referral_id, Ponged(n=1))
    async with pair.pong.serving(), pair.ping.serving(), pair.pong.working():
        await eventually(partial(is_now, pair, "SELECT count(*) FROM pong.outbox", 0), within=30)
        async with pair.ping.units.begin(referral_ids), pair.ping.working():
            began = asyncio.get_running_loop().time()
            await eventually(partial(is_now, pair, "SELECT count(*) > 0 FROM ping.seen", True), within=60)
            assert asyncio.get_running_loop().time() - began >= GIVES_WAY_SECONDS


async def test_a_projection_may_tell_nobody_anything(pair: Toys) -> None:
    work = seeing().make_work(Clock().now())
    with pytest.raises(TypeError):
        work.record(new_id(), None)
    with pytest.raises(TypeError):
        work.publish_state("t", "k", referral_id=new_id())


@asynccontextmanager
async def a_ping_without_projections(pair: Toys) -> AsyncIterator[None]:
    toy = pair.ping
    delivery = Delivery(toy.settings, toy.contracts, HANDLERS["ping"], toy_work, toy.database, Clock())
    task = asyncio.create_task(delivery.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def toy_work(now: datetime) -> ToyWork:
    return ToyWork(now, schema="ping")


async def is_now(pair: Toys, statement: str, expected: object) -> bool:
    return bool(await pair.ping.value(statement) == expected)
