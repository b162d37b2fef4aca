"""A producer that says nothing holds up nobody but itself, and who says much is not asked by everybody at once."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from chassis.delivery.lacks import Lack
from chassis.delivery.peers import Heads, Peers
from chassis.delivery.slices import Slices
from chassis.ids import new_id
from support.scripted_log import ScriptedLog, repairing, store_of
from support.stack import KafkaServer, eventually
from support.toys import Toys, toys


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


async def test_a_silent_producer_keeps_nobody_from_being_compared_and_asked(pair: Toys) -> None:
    """The silent one comes first in both: in comparing by its topic, in asking by its name."""
    lost = new_id()
    await pair.ping.ping(lost, 1)
    await pair.ping.execute("DELETE FROM ping.outbox")
    await store_of(pair.pong).write([Lack("deaf", new_id(), 1)], [])
    known = pair.pong.contracts
    contracts = replace(known, producers={"deaf.v1": "deaf", **known.producers})
    async with pair.ping.serving(), saying_nothing() as silent:
        peers = Peers({"deaf": silent, "ping": pair.ping.url}, pair.pong.settings.service_token, seconds=0.3)
        async with repairing(pair.pong, ScriptedLog(list(contracts.producers)), peers, contracts=contracts):
            await eventually(lambda: pair.ping.value("SELECT key FROM ping.outbox WHERE resend"))
        await peers.close()
    assert await pair.ping.value("SELECT array_agg(key) FROM ping.outbox") == [str(lost)]
    assert await pair.pong.value("SELECT array_agg(producer) FROM pong.comparison") == ["ping"]
    assert await pair.pong.value("SELECT rounds FROM pong.lacking WHERE producer = 'deaf'") == 0


async def test_only_who_did_not_answer_is_asked_again_before_the_next_round(pair: Toys) -> None:
    """Comparing costs the producers, and ourselves, most when something is down already."""
    contracts = replace(pair.pong.contracts, producers={"deaf.v1": "deaf", **pair.pong.contracts.producers})
    async with pair.ping.serving(), saying_nothing() as silent:
        peers = Asked({"deaf": silent, "ping": pair.ping.url}, pair.pong.settings.service_token, seconds=0.1)
        log = ScriptedLog(list(contracts.producers))
        async with repairing(pair.pong, log, peers, contracts=contracts, compare_seconds=3600):
            await eventually(lambda: asyncio.sleep(0, peers.asked["deaf"] == 3))
        await peers.close()
    assert peers.asked["ping"] == 1


async def test_comparisons_that_began_together_come_apart_and_keep_their_distance(
    pair: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All consumers of a system start together: sixteen listings of the last minute at once hold up a full road."""
    shares = iter([0.25, 0.75])
    monkeypatch.setattr("chassis.delivery.repair.uniform", lambda *_: next(shares))
    contracts = replace(pair.pong.contracts, producers={"ping.v1": "ping", "twin.v1": "twin"})
    async with pair.ping.serving():
        peers = Asked({"twin": pair.ping.url, "ping": pair.ping.url}, pair.pong.settings.service_token)
        log = ScriptedLog(list(contracts.producers))
        async with repairing(pair.pong, log, peers, contracts=contracts, compare_seconds=2):
            await eventually(lambda: peers.at["ping"][2:] and peers.at["twin"][2:])
        await peers.close()
    ping, twin = peers.at["ping"], peers.at["twin"]
    assert ping[0] == pytest.approx(twin[0], abs=0.5)
    assert twin[1] - ping[1] == pytest.approx(1, abs=0.5)
    assert twin[2] - ping[2] == pytest.approx(1, abs=0.5)
    assert ping[2] - ping[1] == pytest.approx(2, abs=0.5)


class Asked(Peers):
    """Notes whose heads, or sums of them, were asked for, and when."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.asked: Counter[str] = Counter()
        self.at: defaultdict[str, list[float]] = defaultdict(list)

    async def slices(self, producer: str, *, changed_since: datetime) -> Slices:
        self.at[producer].append(asyncio.get_running_loop().time())
        return await super().slices(producer, changed_since=changed_since)

    async def heads(
        self, producer: str, *, changed_since: datetime | None, changed_before: datetime | None = None
    ) -> AsyncIterator[Heads]:
        self.asked[producer] += 1
        if changed_since is None:
            self.at[producer].append(asyncio.get_running_loop().time())
        async for page in super().heads(producer, changed_since=changed_since, changed_before=changed_before):
            yield page


@asynccontextmanager
async def saying_nothing() -> AsyncIterator[str]:
    """It takes every connection and never answers."""
    over = asyncio.Event()

    async def listen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        over.set()
        server.close()
        await server.wait_closed()
