"""Sums of all streams by bucket find at night what neither heads nor lags nor gaps show."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from chassis.delivery import buckets
from chassis.delivery.buckets import BucketComparison, last_night
from chassis.delivery.comparing import Comparison
from chassis.delivery.lacks import Lack, LackStore
from chassis.delivery.peers import Peers
from chassis.ids import new_id
from structlog.testing import capture_logs
from support.clock import FixedClock
from support.stack import KafkaServer, eventually
from support.toys import Toy, Toys, toys

LOST_BEFORE_THE_BROKER_LONG_AGO = """
    DELETE FROM ping.outbox;
    UPDATE ping.stream SET changed_at = now() - interval '40 days'
"""
STANDS_AT_SUMS = "SELECT (SELECT sum(last) FROM pong.stream_pos) = (SELECT sum(head) FROM ping.stream)"
NOON = datetime(2026, 11, 25, 4, tzinfo=UTC)


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


@pytest.fixture
async def night(pair: Toys) -> AsyncIterator[Night]:
    made = Night(pair.pong)
    yield made
    await made.peers.close()


class Night:
    """Pong's comparison by bucket at an hour of the test's choice, and what repair is given to keep."""

    def __init__(self, pong: Toy) -> None:
        self.clock, self.kept = FixedClock(NOON), list[Lack]()
        self.peers = Peers(pong.settings.peers, pong.settings.service_token)
        store = LackStore(pong.database, "pong", consumer="acting")
        comparison = Comparison(self.peers, store, pong.database, "pong", self.clock, "acting")
        self.buckets = BucketComparison(self.peers, comparison, ["ping"], pong.database, "pong", self.clock, "acting")

    async def keep(self, lacks: Sequence[Lack]) -> None:
        self.kept += lacks

    async def looks(self) -> list[Lack]:
        self.kept.clear()
        await self.buckets.compare_when_due(self.keep)
        return list(self.kept)


async def stands(pair: Toys, referral_id: UUID, *, last: int, head: int) -> None:
    """As pong has applied it, and as ping has written it."""
    if head:
        await pair.ping.ping(referral_id, *range(1, head + 1))
    event_id = await pair.ping.value(
        "SELECT id FROM ping.event_log WHERE referral_id = $1 AND seq = $2", referral_id, last
    )
    async with pair.pong.database.connection() as connection:
        await connection.execute("INSERT INTO pong.stream (referral_id) VALUES ($1)", referral_id)
        positions = "INSERT INTO pong.stream_pos VALUES ('acting', 'ping', $1, $2, $3)"
        await connection.execute(positions, referral_id, last, event_id)


async def test_a_stream_that_stopped_short_long_ago_is_found_at_night_and_repaired(
    pair: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every offset is read, no gap stands anywhere, and the change is older than every window of comparison."""
    monkeypatch.setattr(buckets, "DUE_SECONDS", 0.2)
    short = new_id()
    async with pair.ping.serving(), pair.pong.serving():
        for referral_id in (short, *(new_id() for _ in range(20))):
            await pair.ping.ping(referral_id, 1)
        async with pair.ping.working(), pair.pong.working():
            await eventually(lambda: pair.pong.value(STANDS_AT_SUMS), within=30)
            await eventually(lambda: pair.pong.value("SELECT summed_at FROM pong.comparison"))
        await pair.ping.ping(short, 2)
        await pair.ping.execute(LOST_BEFORE_THE_BROKER_LONG_AGO)
        with capture_logs() as lines:
            async with pair.ping.anew().working(), pair.pong.anew().working():
                now = await pair.pong.value("SELECT clock_timestamp()")
                compared = "SELECT succeeded_at > $1 FROM pong.comparison"
                await eventually(lambda: pair.pong.value(compared, now), within=20)
                assert (await pair.pong.tally(short)).count == 1
                assert await pair.pong.value("SELECT count(*) FROM pong.lacking WHERE upto > 1") == 0
                await pair.pong.execute("UPDATE pong.comparison SET summed_at = now() - interval '2 days'")
                await eventually(lambda: pair.pong.value(STANDS_AT_SUMS), within=20)
                assert (await pair.pong.tally(short)).count == 2
    found = [line for line in lines if line["event"] in ("buckets_compared", "bucket_sums_lacked")]
    assert [(line["event"], line.get("opened"), line.get("lacking")) for line in found] == [
        ("buckets_compared", 1, 1), ("bucket_sums_lacked", None, None),
    ]  # fmt: skip


async def test_all_streams_are_compared_once_a_night_and_again_only_when_a_producer_did_not_answer(
    pair: Toys, night: Night
) -> None:
    short = new_id()
    await stands(pair, short, last=1, head=2)
    await stands(pair, new_id(), last=3, head=3)
    await pair.pong.execute("INSERT INTO pong.comparison (consumer, producer) VALUES ('acting', 'ping')")
    assert await night.looks() == []  # new: it has compared everything by heads
    night.clock.advance(timedelta(days=1))
    with pytest.raises(httpx.HTTPError):
        await night.looks()
    async with pair.ping.serving():
        assert await night.looks() == [Lack("ping", short, 2)]
        assert await night.looks() == []
        night.clock.advance(timedelta(days=1))
        assert await night.looks() == [Lack("ping", short, 2)]


async def test_a_stream_of_which_its_producer_knows_nothing_has_it_distrusted(pair: Toys, night: Night) -> None:
    """It stands in no page of heads: a database that came back from before the stream began."""
    gone = new_id()
    await stands(pair, gone, last=2, head=0)
    await pair.pong.execute("INSERT INTO pong.comparison (consumer, producer) VALUES ('acting', 'ping')")
    with capture_logs() as lines:
        async with pair.ping.serving():
            assert await night.buckets.compare("ping") == []
    assert "producer_restored" in [line["event"] for line in lines]
    assert await pair.pong.value("SELECT distrusted FROM pong.comparison") is not None


def test_a_night_is_two_in_the_morning_in_shanghai() -> None:
    assert last_night(NOON) == datetime(2026, 11, 24, 18, tzinfo=UTC)
    assert last_night(datetime(2026, 11, 24, 18, tzinfo=UTC)) == datetime(2026, 11, 24, 18, tzinfo=UTC)
    assert last_night(datetime(2026, 11, 24, 17, 59, tzinfo=UTC)) == datetime(2026, 11, 23, 18, tzinfo=UTC)
