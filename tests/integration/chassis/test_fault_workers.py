"""Workers told to end while they work, and a service that was off while events passed.

FAULTS_OFF_EVENTS is how many pass: a few thousand in the suite, 100,000 for the real figure.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
from chassis.ids import new_id
from chassis.serve import GRACE_SECONDS
from support.faults import note
from support.stack import KafkaServer, eventually
from support.toy_worker import worker_process
from support.toys import Pinged, Toys, toys

EVENTS = int(os.environ.get("FAULTS_OFF_EVENTS", "4000"))
OF_EACH, AT_ONCE = 4, 250


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


async def test_workers_told_to_end_under_load_end_in_order_and_leave_nothing_half_done(
    pair: Toys, tmp_path: Path
) -> None:
    """Both of them, again and again, at whatever they are just doing."""
    referrals = [new_id() for _ in range(24)]
    with worker_process(pair.ping, tmp_path, "ping") as ping, worker_process(pair.pong, tmp_path, "pong") as pong:
        async with pair.ping.serving(), pair.pong.serving(), pinging(pair, referrals):
            for _ in range(2):
                await asyncio.gather(ping.ready(), pong.ready())
                goal = await total(pair) + 100
                await eventually(lambda: is_past(pair, goal), within=30)  # noqa: B023
                ping.signal(signal.SIGTERM)
                pong.signal(signal.SIGTERM)
                told = time.monotonic()
                assert [*await asyncio.gather(ping.ended(), pong.ended())] == [0, 0]
                took = time.monotonic() - told
                assert took < GRACE_SECONDS, "by its last word, not by itself"
                note("SIGTERM under load", "two workers end with 0", took)
                assert await pair.pong.value("SELECT count(*) FROM pong.worker_run") == 0
                ping.start()
                pong.start()
        stated = await pair.ping.value("SELECT count(*) FROM ping.event_log")
        await eventually(lambda: is_past(pair, stated), within=40)
    await assert_each_once(pair)


@pytest.mark.timeout(120 + EVENTS / 100)
async def test_a_service_that_was_off_while_events_passed_catches_up_and_each_has_its_effect_once(pair: Toys) -> None:
    async with pair.ping.working(), pair.ping.serving(), pair.pong.serving():
        await state(pair, EVENTS)
        await eventually(lambda: all_sent(pair), within=60 + EVENTS / 500)
        assert await total(pair) == 0
        began = time.monotonic()
        async with pair.pong.working():
            await eventually(lambda: is_past(pair, EVENTS), within=60 + EVENTS / 200)
        took = time.monotonic() - began
    note(f"a service off while {EVENTS} events pass", f"{EVENTS / took:.0f} events/s when it is back", took)
    await assert_each_once(pair)


async def state(pair: Toys, events: int) -> None:
    """Several numbers of each referral, many referrals a transaction."""
    for _ in range(0, events, AT_ONCE * OF_EACH):
        referrals = [new_id() for _ in range(AT_ONCE)]
        async with pair.ping.units.begin(referrals) as work:
            for referral_id in referrals:
                for n in range(OF_EACH):
                    work.record(referral_id, Pinged(n=n))


@asynccontextmanager
async def pinging(pair: Toys, referrals: list[UUID]) -> AsyncIterator[None]:
    enough = asyncio.Event()

    async def ping() -> None:
        while not enough.is_set():
            for referral_id in referrals:
                await pair.ping.ping(referral_id, 1)

    task = asyncio.create_task(ping())
    try:
        yield
    finally:
        enough.set()
        await task


async def total(pair: Toys) -> int:
    return int(await pair.pong.value("SELECT coalesce(sum(count), 0) FROM pong.tally"))


async def is_past(pair: Toys, count: int) -> bool:
    return await total(pair) >= count


async def all_sent(pair: Toys) -> bool:
    return not await pair.ping.value("SELECT count(*) FROM ping.outbox")


async def assert_each_once(pair: Toys) -> None:
    counts = """SELECT (SELECT count(*) FROM ping.event_log), count(*), count(DISTINCT causation_id),
                       (SELECT sum(count) FROM pong.tally) FROM pong.event_log"""
    assert len(set(await pair.pong.row(counts))) == 1
    assert await pair.pong.value("SELECT count(*) FROM pong.parked") == 0
