"""The lock rule: whatever touches referrals locks their streams first, in id order, and so never deadlocks."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from chassis.delivery.batch import Applier
from chassis.delivery.lanes import Lanes
from chassis.delivery.quarantine import Quarantine
from chassis.delivery.statements import ACTING
from chassis.failpoints import FailpointError
from chassis.ids import new_id
from support.arrivals import a_pinged
from support.stack import KafkaServer, eventually
from support.toys import HANDLERS, Pinged, Ponged, Toy, Toys, ToyWork, toys

ROUNDS = 25


def an_applier(toy: Toy) -> Applier[ToyWork]:
    quarantine = Quarantine(toy.database, toy.service, toy.settings.keyring, consumer=ACTING)
    return Applier(toy.units, toy.contracts, HANDLERS[toy.service], quarantine)


@pytest.fixture
def database(new_database: str) -> str:
    return new_database


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


async def test_commands_batches_and_inserts_on_overlapping_referrals_never_deadlock(pair: Toys, database: str) -> None:
    toy, referrals = pair.pong, [new_id() for _ in range(12)]
    heads = dict.fromkeys(referrals, 0)

    async def command(rng: random.Random) -> None:
        for _ in range(ROUNDS):
            chosen = rng.sample(referrals, 5)
            async with toy.units.begin(chosen) as work:
                for referral_id in chosen:
                    work.record(referral_id, Ponged(n=1))

    async def batch(rng: random.Random) -> None:
        applier = an_applier(toy)
        for _ in range(ROUNDS):
            chosen = rng.sample(referrals, 6)
            arrivals = []
            for referral_id in chosen:
                heads[referral_id] += 1
                arrivals.append(a_pinged(referral_id, heads[referral_id]))
            await applier.apply(arrivals)

    async def insert(rng: random.Random) -> None:
        """New referrals beside known ones: the rows that are missing come first, sorted."""
        for n in range(ROUNDS):
            fresh = [UUID(int=UUID(int=n).int + k) for k in range(6)]
            async with toy.units.begin([*rng.sample(referrals, 2), *rng.sample(fresh, 6)]):
                pass

    workers = [command, command, command, batch, batch, insert, insert, insert]
    async with asyncio.timeout(60):
        await asyncio.gather(*(worker(random.Random(n)) for n, worker in enumerate(workers)))
    admin = await asyncpg.connect(database)
    deadlocks = await admin.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    await admin.close()
    assert deadlocks == 0
    holes = await toy.value(
        "SELECT count(*) FROM (SELECT referral_id, max(seq) m, count(DISTINCT seq) c FROM pong.event_log GROUP BY 1) t"
        " WHERE m <> c"
    )
    assert holes == 0


async def test_the_first_event_of_a_stream_has_its_effect_once_when_two_consumers_hold_it(pair: Toys) -> None:
    """A row lock covers nothing for a row that is not there yet: the stream's row comes first."""
    referral_id = new_id()
    arrival = a_pinged(referral_id, 1)
    await asyncio.gather(*(an_applier(pair.pong).apply([arrival]) for _ in range(5)))
    assert (await pair.pong.tally(referral_id)).count == 1
    assert await pair.pong.value("SELECT head FROM pong.stream WHERE referral_id = $1", referral_id) == 1


async def test_a_number_is_never_left_out_when_a_command_fails(pair: Toys) -> None:
    referral_id = new_id()
    await pair.ping.ping(referral_id, 1)

    async def failing() -> None:
        async with pair.ping.units.begin([referral_id]) as work:
            work.record(referral_id, Pinged(n=2))
            raise FailpointError("the command fails after recording")

    with pytest.raises(FailpointError):
        await failing()
    await pair.ping.ping(referral_id, 3)
    rows = await pair.ping.value("SELECT array_agg(seq ORDER BY seq) FROM ping.event_log")
    assert rows == [1, 2]


async def test_an_event_on_a_stream_that_is_not_locked_is_refused(pair: Toys) -> None:
    with pytest.raises(KeyError):
        async with pair.ping.units.begin([new_id()]) as work:
            work.record(new_id(), Pinged(n=1))


async def test_two_relays_share_the_lanes_and_one_takes_all_when_the_other_is_gone(pair: Toys) -> None:
    one, two = (Lanes(pair.ping.database.dedicated, "ping") for _ in range(2))
    assert len(await one.balance()) == 12
    await two.balance()
    assert len(await one.balance()) == 6
    assert len(await two.balance()) == 6
    assert one.held.isdisjoint(two.held)
    await one.close()

    async def all_taken() -> bool:
        return len(await two.balance()) == 12

    await eventually(all_taken, within=5)
    await two.close()


async def test_a_relay_that_says_nothing_for_long_loses_its_lanes(pair: Toys) -> None:
    """A stopped process keeps its connection: its silence alone frees what it holds."""
    stopped, other = (Lanes(pair.ping.database.dedicated, "ping", idle_seconds=0.5) for _ in range(2))
    assert len(await stopped.balance()) == 12

    async def all_taken() -> bool:
        return len(await other.balance()) == 12

    await eventually(all_taken, within=10)
    await stopped.open()
    assert stopped.held == set()
    await stopped.close()
    await other.close()


async def test_a_restored_producer_is_noticed_and_nothing_more_is_applied_from_it(pair: Toys) -> None:
    """Its head stands below what we applied, or another event under the same number: a person must decide."""
    referral_id = new_id()
    await pair.ping.ping(referral_id, 1, 2)
    await an_applier(pair.pong).apply([a_pinged(referral_id, 1), a_pinged(referral_id, 2), a_pinged(referral_id, 3)])
    async with pair.running():
        distrusted = "SELECT distrusted FROM pong.comparison WHERE producer = 'ping'"
        assert await eventually(lambda: pair.pong.value(distrusted), within=20)
        await eventually(lambda: _paused(pair), within=10)


async def _paused(pair: Toys) -> bool:
    return pair.pong.delivery.paused_topics == {pair.ping.contracts.topic}
