"""What repair keeps of the events it misses: one row a stream, and only what has not arrived."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from chassis.delivery.lacks import Lack, LackStore
from chassis.delivery.statements import ACTING
from chassis.ids import new_id
from support.stack import KafkaServer, eventually
from support.toys import Toys, toys


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


async def test_several_parked_events_that_need_one_stream_are_one_lack_and_freed_in_turn(pair: Toys) -> None:
    """The producer does not answer at first, so only the parked events themselves can say what is missing."""
    referral_id = new_id()
    await pair.ping.ping(referral_id, 1, 2, 3, 4)
    await pair.ping.execute("DELETE FROM ping.outbox WHERE event_id = (SELECT id FROM ping.event_log WHERE seq = 1)")
    async with pair.ping.working(), pair.pong.working():
        await eventually(lambda: _parked(pair, referral_id, 3), within=20)
        await eventually(lambda: _lacks(pair, [3]), within=20)
        async with pair.ping.serving():
            await eventually(lambda: _parked(pair, referral_id, 0), within=30)
            await eventually(lambda: _lacks(pair, []), within=20)
    assert (await pair.pong.tally(referral_id)).count == 4


async def test_a_stream_whose_events_all_stand_parked_lacks_nothing_that_could_be_sent_again(pair: Toys) -> None:
    referral_id, other = new_id(), new_id()
    for seq in (1, 2):
        await _park(pair, referral_id, seq)
    await _park(pair, other, 2)
    store = LackStore(pair.pong.database, "pong", consumer=ACTING)
    lacks = [Lack("ping", referral_id, 2), Lack("ping", other, 2)]
    assert await store.parked(lacks) == {("ping", referral_id)}
    assert await store.parked([Lack("ping", referral_id, 3)]) == set()


async def _park(pair: Toys, referral_id: UUID, seq: int) -> None:
    await pair.pong.value(
        """INSERT INTO pong.parked (consumer, producer, referral_id, seq, event_id, type, reason, detail, needs,
               headers, body)
           VALUES ('acting', 'ping', $1, $2, $3, 't', 'failed', '', '', '{}', '') RETURNING 1""",
        referral_id,
        seq,
        new_id(),
    )


async def _parked(pair: Toys, referral_id: UUID, count: int) -> bool:
    found = await pair.pong.value("SELECT count(*) FROM pong.parked WHERE referral_id = $1", referral_id)
    return bool(found == count)


async def _lacks(pair: Toys, upto: list[int]) -> bool:
    return bool(await pair.pong.value("SELECT coalesce(array_agg(upto), '{}') FROM pong.lacking") == upto)
