"""An event whose handler ends the process: after three deaths it stands aside as failed; everything else goes on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from chassis.ids import new_id
from support.faults import note
from support.stack import KafkaServer, eventually
from support.toy_worker import DEADLY, WorkerProcess, worker_process
from support.toys import Toys, toys


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


async def test_an_event_that_ends_its_worker_three_times_is_parked_and_its_neighbours_have_their_effect_once(
    pair: Toys, tmp_path: Path
) -> None:
    deadly, others = new_id(), [new_id() for _ in range(20)]
    for n, referral_id in enumerate(others):
        if n == len(others) // 2:
            await pair.ping.ping(deadly, 1, DEADLY, 3)
        await pair.ping.ping(referral_id, 1, 2)
    async with pair.ping.serving(), pair.ping.working():
        with worker_process(pair.pong, tmp_path) as worker:
            began, deaths = time.monotonic(), 0
            while await dies(worker, pair):
                deaths += 1
                worker.start()
            assert deaths == 3
            await eventually(lambda: applied(pair, others, 2), within=20)
            note("a handler that ends its process", f"{deaths} deaths, then parked", time.monotonic() - began)
            assert await standing(pair) == [(deadly, 2, "failed", "WorkerDied")]
            assert (await pair.pong.tally(deadly)).count == 1
            await pair.ping.ping(others[0], 3)
            await eventually(lambda: applied(pair, others[:1], 3), within=20)
            # The cure comes with a deploy; here it is in the record. Whoever frees it finds no ledger against it.
            await pair.pong.execute("UPDATE pong.parked SET body = '{\"n\": 2}', reason = 'waiting', needs = ''")
            await eventually(lambda: applied(pair, [deadly], 3), within=20)
    assert await pair.pong.value("SELECT count(*) FROM pong.crash_suspect WHERE deaths > 0") == 0
    twice = "SELECT count(*) FROM (SELECT 1 FROM pong.event_log GROUP BY causation_id HAVING count(*) > 1) t"
    assert await pair.pong.value(twice) == 0


async def dies(worker: WorkerProcess, pair: Toys) -> bool:
    await eventually(lambda: has_died_or_parked(worker, pair), within=40)
    return worker.is_gone()


async def has_died_or_parked(worker: WorkerProcess, pair: Toys) -> bool:
    return worker.is_gone() or bool(await standing(pair))


async def standing(pair: Toys) -> list[tuple[UUID, int, str, str]]:
    """What will not free itself."""
    async with pair.pong.database.connection() as connection:
        rows = await connection.fetch(
            "SELECT referral_id, seq, reason, detail FROM pong.parked WHERE reason <> 'waiting' ORDER BY seq"
        )
    return [tuple(row) for row in rows]


async def applied(pair: Toys, referrals: list[UUID], count: int) -> bool:
    return all([(await pair.pong.tally(one)).count == count for one in referrals])
