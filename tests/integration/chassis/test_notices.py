"""Notices and state changes: written with the events of their transaction, in one statement, and sent in order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest
from chassis.ids import new_id
from support.stack import KafkaServer, eventually
from support.toys import Pinged, Toys, toys


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


async def test_events_notices_and_states_of_one_transaction_are_written_in_this_order(pair: Toys) -> None:
    referral_id = new_id()
    async with pair.ping.units.begin([referral_id]) as work:
        work.publish_state("status", str(referral_id), referral_id=referral_id)
        notice_id = work.notify(
            "notices", "k", "cn.toy.told.opened.v1", Pinged(n=1), referral_id=referral_id, version=7
        )
        work.record(referral_id, Pinged(n=2))
        work.publish_state("status", str(referral_id), referral_id=referral_id)
    rows = await pair.ping.value("SELECT array_agg(topic || ':' || key ORDER BY n) FROM ping.outbox")
    assert rows == [f"{pair.ping.contracts.topic}:{referral_id}", f"status:{referral_id}", "notices:k"]
    headers = await pair.ping.value("SELECT headers FROM ping.notice WHERE id = $1", notice_id)
    assert headers["ce_version"] == "7"
    assert headers["ce_source"] == "/toy/ping"
    assert not {"ce_after", "ce_streamseq", "ce_causationid"} & headers.keys()


async def test_a_notice_alone_is_written_without_an_event(pair: Toys) -> None:
    referral_id = new_id()
    async with pair.ping.units.begin([referral_id]) as work:
        work.notify("notices", "k", "cn.toy.told.opened.v1", Pinged(n=1), referral_id=referral_id, version=1)
    assert await pair.ping.value("SELECT head FROM ping.stream") == 0
    assert await pair.ping.value("SELECT count(*) FROM ping.outbox JOIN ping.notice ON id = event_id") == 1


async def test_a_handler_that_fails_tells_nobody(pair: Toys) -> None:
    referral_id = new_id()
    async with pair.ping.units.begin([referral_id]) as work:
        work.notify("notices", "k", "cn.toy.told.opened.v1", Pinged(n=1), referral_id=referral_id, version=1)
        work.publish_state("status", "k", referral_id=referral_id)
        work.forget()
    assert await pair.ping.value("SELECT count(*) FROM ping.outbox") == 0


async def test_nobody_is_told_of_a_referral_that_is_not_locked(pair: Toys) -> None:
    with pytest.raises(KeyError):
        async with pair.ping.units.begin([new_id()]) as work:
            work.publish_state("status", "k", referral_id=new_id())


async def test_an_urgent_event_is_marked_for_those_who_must_not_wait(pair: Toys) -> None:
    referral_id = new_id()
    async with pair.ping.units.begin([referral_id]) as work:
        work.record(referral_id, Alarmed(n=1))
        work.record(referral_id, Pinged(n=1))
    headers = await pair.ping.value("SELECT array_agg(headers->>'ce_urgent' ORDER BY seq) FROM ping.event_log")
    assert headers == ["true", None]


async def test_the_relay_reads_what_it_sends_and_not_the_whole_log(pair: Toys) -> None:
    """Its statement is planned while every table is empty: a join that is not pinned would read all of them later."""
    async with pair.ping.working():
        await pair.ping.tell(new_id(), 1)
        await eventually(lambda: _sent(pair), within=20)
        await pair.ping.execute(OLD_ONES)
        before = await _read_from_logs(pair)
        for _ in range(5):
            await pair.ping.ping(referral_id := new_id(), 1)
            await pair.ping.tell(referral_id, 1)
            await eventually(lambda: _sent(pair), within=20)
        read = await eventually(lambda: _read_since(pair, before, least=5), within=20)  # statistics come a second later
        assert read < 100


class Alarmed(Pinged):
    URGENT: ClassVar[bool] = True


OLD_ONES = """
    INSERT INTO ping.event_log (id, referral_id, seq, type, headers, body)
        SELECT gen_random_uuid(), gen_random_uuid(), 1, 't', '{}', '{}' FROM generate_series(1, 3000);
    INSERT INTO ping.notice (id, referral_id, lane, topic, key, type, version, headers, body)
        SELECT gen_random_uuid(), gen_random_uuid(), 1, 'x', 'k', 't', 1, '{}', '{}' FROM generate_series(1, 3000);
"""


async def _sent(pair: Toys) -> bool:
    return not await pair.ping.value("SELECT count(*) FROM ping.outbox")


async def _read_since(pair: Toys, before: int, *, least: int) -> int:
    read = await _read_from_logs(pair) - before
    return read if read >= least else 0


async def _read_from_logs(pair: Toys) -> int:
    return int(
        await pair.ping.value(
            """SELECT sum(coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0)) FROM pg_stat_user_tables
               WHERE schemaname = 'ping' AND (relname LIKE 'event_log%' OR relname = 'notice')"""
        )
    )
