"""An event whose handler ends the process: after three deaths it stands aside as failed; everything else goes on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from chassis.database import Database
from chassis.delivery.batch import Applier
from chassis.delivery.crashes import CrashLedger
from chassis.delivery.quarantine import Quarantine
from chassis.ids import new_id
from support.arrivals import a_pinged
from support.faults import note
from support.stack import KafkaServer, eventually
from support.toy_worker import DEADLY, WorkerProcess, worker_process
from support.toys import HANDLERS, Toys, ToyWork, toys


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


async def test_a_suspect_is_alone_in_hand_and_its_neighbours_come_in_batches(pair: Toys) -> None:
    """Neither it, nor one that was committed before the death and never comes again, may make its successors slow."""
    gone = new_id()
    for suspects in ((), (gone,)):  # two runs that end without a word, the second with one event in hand
        ledger = CrashLedger(pair.pong.database, "pong")
        await ledger.begin("pong-worker-0")
        if suspects:
            await ledger.take_in_hand("acting", suspects)
        ledger.close()
    counting = Counting(pair.pong.database, "pong")
    await counting.begin("pong-worker-0")
    assert counting.suspects_any("acting", [gone])
    quarantine = Quarantine(pair.pong.database, "pong", pair.pong.settings.keyring, consumer="acting")
    applier: Applier[ToyWork] = Applier(pair.pong.units, pair.pong.contracts, HANDLERS["pong"], quarantine, counting)

    fresh, again = [[a_pinged(new_id(), 1) for _ in range(20)] for _ in range(2)]
    await applier.apply(fresh)
    assert counting.in_hand == [20]
    suspect = replace(again[7], envelope=again[7].envelope._replace(event_id=gone))
    await applier.apply([*again[:7], suspect, *again[8:]])
    assert counting.in_hand == [20, 5, 2, 1, 2, 10]
    assert not counting.suspects_any("acting", [gone])
    await applier.apply([a_pinged(new_id(), 1) for _ in range(20)])
    assert counting.in_hand[-1] == 20
    await counting.end()


class Counting(CrashLedger):
    """Remembers how many events were in hand at a time."""

    def __init__(self, database: Database, schema: str) -> None:
        super().__init__(database, schema)
        self.in_hand: list[int] = []

    async def take_in_hand(self, consumer: str, event_ids: Collection[UUID]) -> None:
        self.in_hand.append(len(event_ids))
        await super().take_in_hand(consumer, event_ids)


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
