"""A comparison is done when what it found is kept; what it must look at grows with what the broker has lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from chassis import failpoints
from chassis.clock import Clock
from chassis.delivery import Delivery
from chassis.failpoints import FailpointError
from chassis.ids import new_id
from support.stack import KafkaServer, eventually
from support.toys import HANDLERS, Toy, Toys, ToyWork, toys

LOST_SIX_DAYS_AGO = """
    CREATE FUNCTION ping.lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER lose BEFORE INSERT ON ping.outbox FOR EACH ROW EXECUTE FUNCTION ping.lose();
    CREATE FUNCTION ping.age() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN NEW.changed_at := now() - interval ''6 days''; RETURN NEW; END';
    CREATE TRIGGER age BEFORE INSERT OR UPDATE ON ping.stream FOR EACH ROW EXECUTE FUNCTION ping.age()
"""
AS_EVER = "DROP TRIGGER lose ON ping.outbox; DROP TRIGGER age ON ping.stream"


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


@pytest.fixture
def armed(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Arms a failpoint of this process; gives the file that proves it was met."""

    def arm(name: str) -> Path:
        failpoints.configure(tmp_path, "toy")
        (tmp_path / f"toy.{name}").write_text("raise")
        return tmp_path / f"toy.{name}.met"

    yield arm
    failpoints.configure(None, "")


async def test_a_worker_that_ends_between_comparison_and_note_compares_again_at_its_next_start(
    pair: Toys, armed: Callable[[str], Path]
) -> None:
    """The lost event is older than a comparison's window: one that was noted too early would never see it again."""
    referral_id = new_id()
    await pair.ping.ping(referral_id, 1)
    await pair.ping.execute("DELETE FROM ping.outbox; UPDATE ping.stream SET changed_at = now() - interval '1 day'")
    met = armed("repair.compared")
    async with pair.ping.serving():
        with pytest.RaisesGroup(FailpointError, flatten_subgroups=True):
            async with asyncio.timeout(30):
                await pair.pong.delivery.run()
        assert met.exists()
        assert await pair.pong.value("SELECT count(*) FROM pong.comparison") == 0
        async with pair.ping.working(), started_anew(pair.pong).working():
            await eventually(lambda: _has(pair.pong, referral_id, 1), within=20)


async def test_a_log_that_ends_below_what_it_acknowledged_has_everything_of_seven_days_compared(pair: Toys) -> None:
    seen, lost = new_id(), new_id()
    async with pair.running():
        await pair.ping.ping(seen, 1)
        await eventually(lambda: _has(pair.pong, seen, 1), within=20)
        await eventually(lambda: pair.ping.value("SELECT count(*) FROM ping.broker_mark"))
        await _compares_once_more(pair)
        await pair.ping.execute(LOST_SIX_DAYS_AGO)
        await pair.ping.ping(lost, 1)
        await pair.ping.execute(AS_EVER)
        await _compares_once_more(pair)
        assert not await _has(pair.pong, lost, 1)
        await pair.ping.execute("UPDATE ping.broker_mark SET acknowledged = acknowledged + 1000")
        await eventually(lambda: _has(pair.pong, lost, 1), within=20)
    reasons = await pair.ping.value("SELECT array_agg(reason) FROM ping.broker_loss")
    assert reasons == ["the log's end is below an acknowledged offset on 1 partitions"]


def started_anew(toy: Toy) -> Toy:
    """The next process of the same service: nothing of the last one's memory."""

    def make_work(now: Any) -> ToyWork:
        return ToyWork(now, schema=toy.service)

    delivery = Delivery(toy.settings, toy.contracts, HANDLERS[toy.service], make_work, toy.database, Clock())
    return replace(toy, delivery=delivery)


async def _has(toy: Toy, referral_id: UUID, count: int) -> bool:
    return (await toy.tally(referral_id)).count == count


async def _compares_once_more(pair: Toys) -> None:
    """A comparison that has begun from now on is done."""
    now = await pair.ping.value("SELECT clock_timestamp()")
    done = "SELECT 1 FROM pong.comparison WHERE producer = 'ping' AND succeeded_at > $1"
    await eventually(lambda: pair.pong.value(done, now), within=20)
