"""Notices and state changes: written with the events of their transaction, in one statement, and sent in order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chassis.ids import new_id
from support.stack import KafkaServer
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
