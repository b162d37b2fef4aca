"""Partitions change hands while events keep coming: neither worker stands still, and nothing is applied twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from chassis.clock import Clock
from chassis.delivery import Delivery
from chassis.ids import new_id
from stack.ready import worker_answers
from support.stack import KafkaServer, eventually, free_port
from support.toys import HANDLERS, Toy, Toys, ToyWork, toys


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


async def test_a_worker_joins_and_leaves_under_load_and_every_event_is_applied_once(pair: Toys) -> None:
    referrals = {new_id(): 0 for _ in range(24)}
    async with pair.running():
        enough = asyncio.Event()
        flow = asyncio.create_task(_keep_pinging(pair.ping, referrals, enough))
        for _ in range(2):
            async with a_second_worker(pair.pong) as port:
                await eventually(lambda: worker_answers(port), within=40)
        enough.set()
        await flow
        await eventually(lambda: _all_applied(pair.pong, referrals), within=60)


async def _keep_pinging(ping: Toy, referrals: dict[UUID, int], enough: asyncio.Event) -> None:
    while not enough.is_set():
        for referral_id in referrals:
            await ping.ping(referral_id, 1)
            referrals[referral_id] += 1


async def _all_applied(pong: Toy, referrals: dict[UUID, int]) -> bool:
    return [(await pong.tally(one)).count for one in referrals] == list(referrals.values())


@asynccontextmanager
async def a_second_worker(toy: Toy) -> AsyncIterator[int]:
    """Of the same service, in the same group; gives the port on which it says whether it is ready."""
    port = free_port()
    settings = toy.settings.model_copy(update={"wake_port": port})

    def make_work(now: Any) -> ToyWork:
        return ToyWork(now, schema=toy.service)

    delivery = Delivery(settings, toy.contracts, HANDLERS[toy.service], make_work, toy.database, Clock())
    task = asyncio.create_task(delivery.run())
    try:
        yield port
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
