"""A backlog is applied by two transactions at once, with the effect that its events have one by one."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from chassis.delivery.batch import A_BACKLOG, Applier
from chassis.delivery.crashes import CrashLedger
from chassis.delivery.gate import Arrival
from chassis.delivery.outages import OUTAGES
from chassis.delivery.quarantine import Quarantine
from chassis.delivery.statements import ACTING
from chassis.ids import new_id
from support.arrivals import a_pinged
from support.stack import KafkaServer, eventually
from support.toys import HANDLERS, Toys, ToyWork, tally_of, toys

EVENTS_EACH = 5
REFERRALS = A_BACKLOG // EVENTS_EACH
POISON, REFUSED = -1, 2**31 + 1
TRANSACTIONS = "SELECT count(DISTINCT xmin::text) FROM pong.stream_pos"


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


def applying(pair: Toys, crashes: CrashLedger | None = None) -> Applier[ToyWork]:
    toy = pair.pong
    quarantine = Quarantine(toy.database, toy.service, toy.settings.keyring, consumer=ACTING)
    return Applier(toy.units, toy.contracts, HANDLERS[toy.service], quarantine, crashes)


def a_backlog(referral_ids: Sequence[UUID]) -> list[Arrival]:
    return [a_pinged(one, seq, seq) for seq in range(1, EVENTS_EACH + 1) for one in referral_ids]


async def test_two_transactions_share_a_backlog_and_one_takes_less(pair: Toys) -> None:
    arrivals = a_backlog([new_id() for _ in range(REFERRALS)])
    await applying(pair).apply(arrivals[1:])
    assert await pair.pong.value(TRANSACTIONS) == 1
    await applying(pair).apply(a_backlog([new_id() for _ in range(REFERRALS)]))
    assert await pair.pong.value(TRANSACTIONS) == 3


async def test_after_a_death_one_transaction_takes_all(pair: Toys) -> None:
    crashes = CrashLedger(pair.pong.database, pair.pong.service)
    crashes.is_wary = True
    await applying(pair, crashes).apply(a_backlog([new_id() for _ in range(REFERRALS)]))
    crashes.close()
    assert await pair.pong.value(TRANSACTIONS) == 1


@pytest.mark.parametrize("seed", range(3))
async def test_a_backlog_in_any_order_with_bad_events_in_it_has_the_effect_of_its_events_one_by_one(
    pair: Toys, seed: int
) -> None:
    """Twice each, shuffled; of some referrals an event is poison, or the database refuses it, or it has not come."""
    chance = random.Random(seed)
    referral_ids = [new_id() for _ in range(REFERRALS)]
    stops = {
        one: (chance.choice([POISON, REFUSED, None]), chance.randint(1, EVENTS_EACH)) for one in referral_ids[::20]
    }
    arrivals = []
    for arrival in a_backlog(referral_ids):
        what, where = stops.get(arrival.referral_id, (0, 0))
        if where != arrival.envelope.seq:
            arrivals.append(arrival)
        elif what is not None:
            arrivals.append(a_pinged(arrival.referral_id, where, what))
    arrivals *= 2
    chance.shuffle(arrivals)
    await applying(pair).apply(arrivals)
    for one in referral_ids:
        _, where = stops.get(one, (0, EVENTS_EACH + 1))
        assert await pair.pong.tally(one) == tally_of(*range(1, where))
        sent = "SELECT array_agg(e.seq ORDER BY o.n) FROM pong.outbox o JOIN pong.event_log e ON e.id = o.event_id"
        assert await pair.pong.value(f"{sent} WHERE o.key = $1", str(one)) == (list(range(1, where)) or None)


async def test_a_backlog_of_which_one_half_is_cut_off_is_whole_after_the_next_try(pair: Toys) -> None:
    referral_ids = [new_id() for _ in range(REFERRALS)]
    arrivals, applier = a_backlog(referral_ids), applying(pair)
    held = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    async with pair.pong.units.begin([referral_ids[0]]):
        applied = asyncio.create_task(applier.apply(arrivals))
        await eventually(partial(pair.pong.value, held))
        await pair.pong.value(f"SELECT pg_terminate_backend(pid) FROM ({held}) waiting")
        with pytest.raises(OUTAGES):
            await applied
    await applier.apply(arrivals)
    for one in referral_ids:
        assert await pair.pong.tally(one) == tally_of(*range(1, EVENTS_EACH + 1))
