"""A read model made anew from the producers' logs, while events go on: nothing is lost and nothing doubled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
from chassis.delivery.peers import Peers
from chassis.delivery.rebuilding import Rebuild, Rebuilt
from chassis.ids import new_id
from structlog.testing import capture_logs
from support.projections import make_seen_table, seeing, seen_of
from support.stack import KafkaServer, eventually
from support.toys import Ponged, Toys, toys

SPOILED = "UPDATE ping.seen SET body = 'wrong' WHERE seq % 2 = 0; DELETE FROM ping.seen WHERE seq % 3 = 0"


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path, projections={"ping": [seeing()]}) as made:
        await make_seen_table(made.ping)
        with capture_logs():
            yield made


@pytest.fixture
async def rebuild(pair: Toys) -> AsyncIterator[Rebuild]:
    peers = Peers(pair.ping.settings.peers, pair.ping.settings.service_token)
    yield Rebuild(seeing(), pair.ping.contracts, pair.ping.database, peers, pair.ping.settings.keyring)
    await peers.close()


@asynccontextmanager
async def load(pair: Toys, referral_ids: Sequence[UUID]) -> AsyncIterator[dict[UUID, int]]:
    """A hundred events a second, one stream after the other; how many of each were said."""
    said, over = dict.fromkeys(referral_ids, 0), asyncio.Event()

    async def go() -> None:
        while not over.is_set():
            for referral_id in referral_ids:
                await pair.ping.ping(referral_id, said[referral_id] + 1)
                said[referral_id] += 1
                await asyncio.sleep(0.01)

    task = asyncio.create_task(go())
    try:
        yield said
    finally:
        over.set()
        await task


async def is_whole(pair: Toys, said: dict[UUID, int]) -> bool:
    for referral_id, count in said.items():
        for producer in ("ping", "pong"):
            if await seen_of(pair.ping, referral_id, producer) != list(range(1, count + 1)):
                return False
    return True


async def spoil(pair: Toys) -> None:
    await pair.ping.execute(SPOILED)


async def test_a_read_model_is_rebuilt_while_events_pass_and_nothing_is_lost_or_doubled(
    pair: Toys, rebuild: Rebuild
) -> None:
    referral_ids = [new_id() for _ in range(30)]
    async with pair.running():
        async with load(pair, referral_ids) as said:
            await eventually(lambda: pair.ping.value("SELECT count(*) > 100 FROM ping.seen"), within=30)
            await spoil(pair)
            for _ in range(3):
                assert await rebuild.run() == Rebuilt(30)
        await eventually(lambda: is_whole(pair, said), within=30)
    bodies = "SELECT count(*) FROM ping.seen WHERE body <> '{\"n\":' || seq || '}'"
    assert await pair.ping.value(bodies) == 0
    assert await pair.ping.value("SELECT count(*) FROM ping.parked") == 0
    positions = "SELECT sum(last) FROM ping.stream_pos WHERE consumer = 'seen'"
    assert await pair.ping.value(positions) == 2 * sum(said.values())
    for referral_id, count in said.items():
        assert (await pair.ping.tally(referral_id)).count == count  # who acts has seen nothing of it


async def test_what_the_consumer_applies_between_fetching_and_locking_is_fetched_again(
    pair: Toys, rebuild: Rebuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    referral_id, fetched = new_id(), list[int]()
    fetch = rebuild._fetch

    async def overtaken(wanted: Sequence[UUID]) -> object:
        logs = await fetch(wanted)
        fetched.append(len(logs[referral_id]))
        if len(fetched) == 1:
            await pair.ping.ping(referral_id, 2)
            await eventually(lambda: is_whole(pair, {referral_id: 2}), within=20)
        return logs

    monkeypatch.setattr(rebuild, "_fetch", overtaken)
    async with pair.running():
        await pair.ping.ping(referral_id, 1)
        await eventually(lambda: is_whole(pair, {referral_id: 1}), within=30)
        assert await rebuild.run() == Rebuilt(1)
        assert fetched == [2, 4]
        assert await is_whole(pair, {referral_id: 2})


async def test_a_referral_whose_log_no_longer_leads_to_where_the_read_model_is_stays_as_it_was(
    pair: Toys, rebuild: Rebuild
) -> None:
    """As after operators have given up an event; the others are rebuilt all the same."""
    kept, other = new_id(), new_id()
    async with pair.running():
        for referral_id in (kept, other):
            await pair.ping.ping(referral_id, 1, 2, 3)
            await eventually(lambda one=referral_id: is_whole(pair, {one: 3}), within=30)  # type: ignore[misc]
        await pair.ping.execute(f"DELETE FROM ping.event_log WHERE seq = 3 AND referral_id = '{kept}'")
        assert await rebuild.run() == Rebuilt(1, (kept,))
        assert await is_whole(pair, {kept: 3, other: 3})


async def test_what_a_rebuild_cannot_take_is_parked_in_its_turn_as_ever(pair: Toys, rebuild: Rebuild) -> None:
    referral_id = new_id()
    async with pair.running():
        async with pair.pong.units.begin([referral_id]) as work:
            for n in (1, -2, 3):
                work.record(referral_id, Ponged(n=n))
        parked = "SELECT array_agg(consumer || ':' || seq || ':' || reason ORDER BY seq) FROM ping.parked"
        stands_aside = ["seen:2:failed", "seen:3:waiting"]
        await eventually(lambda: _is_now(pair, parked, stands_aside), within=30)
        assert await rebuild.run() == Rebuilt(1)
        assert await _is_now(pair, parked, stands_aside)
        assert await seen_of(pair.ping, referral_id, "pong") == [1]


async def _is_now(pair: Toys, statement: str, expected: object) -> bool:
    return bool(await pair.ping.value(statement) == expected)
