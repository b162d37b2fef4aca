"""A comparison looks at ten minutes every time, and lists what it has compared already once."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from chassis.clock import Clock
from chassis.delivery import comparing as comparing_module
from chassis.delivery.comparing import Comparison
from chassis.delivery.lacks import Lack, LackStore
from chassis.delivery.peers import Heads, Peers
from chassis.delivery.statements import ACTING
from chassis.ids import new_id
from support.stack import KafkaServer
from support.toys import Toys, toys

AGED = "UPDATE ping.stream SET changed_at = changed_at - interval '1 minute'"
AS_OLD_AS_THE_OLDEST = """
    UPDATE ping.stream SET changed_at = (SELECT min(changed_at) FROM ping.stream) WHERE referral_id = $1 RETURNING 1
"""
SET_BACK = "UPDATE pong.comparison SET succeeded_at = succeeded_at - interval '1 minute'"


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


class Listing(Peers):
    """Notes which streams it was told of."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.told: set[UUID] = set()

    async def heads(
        self, producer: str, *, changed_since: datetime | None, changed_before: datetime | None = None
    ) -> AsyncIterator[Heads]:
        async for page in super().heads(producer, changed_since=changed_since, changed_before=changed_before):
            self.told |= {UUID(one) for one in page.referral_ids}
            yield page


class Compares:
    """Pong's comparison with ping, as repair runs it."""

    def __init__(self, pair: Toys, peers: Listing) -> None:
        pong = pair.pong
        self._peers = peers
        store = LackStore(pong.database, "pong", consumer=ACTING)
        self._comparison = Comparison(peers, store, pong.database, "pong", Clock(), ACTING)

    async def once(self, *, broker_lost_data: bool = False) -> tuple[set[UUID], list[Lack]]:
        """The streams it was told of, and those that lack."""
        self._peers.told.clear()
        found = await self._comparison.compare("ping", broker_lost_data=broker_lost_data)
        await self._comparison.note("ping", found)
        return set(self._peers.told), found.lacks


@asynccontextmanager
async def comparing(pair: Toys) -> AsyncIterator[Compares]:
    async with pair.ping.serving():
        peers = Listing(pair.pong.settings.peers, pair.pong.settings.service_token)
        try:
            yield Compares(pair, peers)
        finally:
            await peers.close()


async def two_slices_compared(pair: Toys, compares: Compares) -> tuple[UUID, UUID]:
    """An older stream and a newer one, listed once and therefore known."""
    old, new = new_id(), new_id()
    await pair.ping.ping(old, 1)
    await pair.ping.execute(AGED)
    await compares.once()
    await pair.ping.ping(new, 1)
    assert (await compares.once())[0] == {old, new}
    return old, new


async def test_what_was_compared_and_has_not_moved_is_not_listed_again(pair: Toys) -> None:
    async with comparing(pair) as compares:
        _, new = await two_slices_compared(pair, compares)
        assert (await compares.once())[0] == {new}


async def test_a_stream_that_moves_in_the_window_is_listed_again(pair: Toys) -> None:
    moved, still = new_id(), new_id()
    async with comparing(pair) as compares:
        for referral_id in (still, moved):
            await pair.ping.ping(referral_id, 1)
            await pair.ping.execute(AGED)
        await compares.once()
        await compares.once()
        await pair.ping.ping(moved, 2)
        told, lacks = await compares.once()
        assert moved in told
        assert (moved, 2) in {(lack.referral_id, lack.upto) for lack in lacks}
        assert still not in told


async def test_a_commit_that_comes_late_is_listed_in_the_slice_it_belongs_to(pair: Toys) -> None:
    late = new_id()
    async with comparing(pair) as compares:
        await two_slices_compared(pair, compares)
        await pair.ping.ping(late, 1)
        await pair.ping.value(AS_OLD_AS_THE_OLDEST, late)
        told, lacks = await compares.once()
        assert late in told
        assert late in {lack.referral_id for lack in lacks}


async def test_after_our_own_database_was_set_back_the_whole_window_is_listed(pair: Toys) -> None:
    async with comparing(pair) as compares:
        old, new = await two_slices_compared(pair, compares)
        assert (await compares.once())[0] == {new}
        await pair.pong.execute(SET_BACK)
        assert (await compares.once())[0] == {old, new}


async def test_the_comparison_of_every_minute_leaves_room_between_its_pages_and_one_after_a_loss_does_not(
    pair: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    async with comparing(pair) as compares:
        await two_slices_compared(pair, compares)
        monkeypatch.setattr(comparing_module, "asyncio", SimpleNamespace(sleep=rest, get_running_loop=get_running_loop))
        await compares.once(broker_lost_data=True)
        assert not rests
        await compares.once()
        assert rests
        assert all(seconds > 0 for seconds in rests)
