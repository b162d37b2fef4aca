"""Events between two services, over real PostgreSQL and Kafka: once in effect, in order, through every hindrance."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from chassis.ids import new_id
from support.stack import KafkaServer, eventually
from support.toys import Tally, Toy, Toys, tally_of, toys

LOSES_THE_NEXT = """
    CREATE FUNCTION ping.lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER lose BEFORE INSERT ON ping.outbox FOR EACH ROW EXECUTE FUNCTION ping.lose()
"""


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


async def test_what_one_service_states_has_its_effect_in_the_other_once_and_in_order(pair: Toys) -> None:
    referrals = [new_id() for _ in range(20)]
    async with pair.running():
        for n in range(10):
            for referral_id in referrals:
                await pair.ping.ping(referral_id, n)
        for referral_id in referrals:
            await eventually(partial(_is, pair.ping, referral_id, tally_of(*range(10))), within=20)
    assert await pair.ping.value("SELECT count(*) FROM ping.outbox") == 0
    for referral_id in referrals:
        assert await pair.pong.tally(referral_id) == tally_of(*range(10))
    assert await pair.pong.value("SELECT max(last) FROM pong.stream_pos") == 10


async def test_an_answer_carries_what_its_writer_had_applied(pair: Toys) -> None:
    referral_id = new_id()
    async with pair.running():
        await pair.ping.ping(referral_id, 1, 2)
        await eventually(lambda: _is(pair.ping, referral_id, tally_of(1, 2)), within=20)
    headers = await pair.pong.value(
        "SELECT headers FROM pong.event_log WHERE referral_id = $1 AND seq = 2", referral_id
    )
    assert headers["ce_after"] == "ping:2"
    assert headers["ce_source"] == "/toy/pong"


async def test_a_poisoned_event_parks_its_own_stream_and_an_operator_frees_it(
    pair: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned, healthy = new_id(), new_id()
    async with pair.running():
        await pair.ping.ping(poisoned, 1, -5, 3)
        await pair.ping.ping(healthy, 7)
        await eventually(lambda: _is(pair.ping, healthy, tally_of(7)), within=20)
        await eventually(lambda: _parked(pair, 2), within=20)
        assert await pair.pong.tally(poisoned) == tally_of(1)
        ops = {"Authorization": f"Bearer {pair.secrets.token('ops')}"}
        async with httpx.AsyncClient(base_url=pair.pong.url, headers=ops) as client:
            listed = (await client.get("/v1/ops/parked", params={"reason": "failed"})).json()["items"]
            assert [(row["seq"], row["detail"]) for row in listed] == [(2, "ValueError")]
            # The cure, as a deploy would bring it: the event in the log is what it should have been.
            await pair.pong.value("UPDATE pong.parked SET body = '{\"n\": 5}' WHERE seq = 2 RETURNING 1")
            path = f"/v1/ops/parked/ping/{poisoned}/2/retry"
            assert (await client.post(path, json={"reason": "repaired"})).status_code == 202
        await eventually(lambda: _is(pair.pong, poisoned, tally_of(1, 5, 3)), within=20)
        await eventually(lambda: _parked(pair, 0), within=20)


async def test_what_the_database_refuses_is_found_in_its_batch_and_parked_alone(pair: Toys) -> None:
    refused, healthy = new_id(), [new_id() for _ in range(5)]
    for referral_id in healthy[:2]:
        await pair.ping.ping(referral_id, 1)
    await pair.ping.ping(refused, 2**31 + 1)
    for referral_id in healthy[2:]:
        await pair.ping.ping(referral_id, 1)
    async with pair.running():
        for referral_id in healthy:
            await eventually(partial(_is, pair.ping, referral_id, tally_of(1)), within=20)
        await eventually(lambda: _parked(pair, 1), within=20)
    assert await pair.pong.value("SELECT reason FROM pong.parked") == "failed"


async def test_bytes_without_a_place_are_quarantined_and_the_road_goes_on(pair: Toys, kafka: KafkaServer) -> None:
    referral_id = new_id()
    async with pair.running():
        await pair.ping.ping(referral_id, 1)
        await eventually(lambda: _is(pair.pong, referral_id, tally_of(1)), within=20)
        producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers)
        await producer.start()
        await producer.send_and_wait(
            pair.ping.contracts.topic, b"\xff\x00 nonsense", key=b"k", headers=[("x", b"\xff")]
        )
        await producer.stop()
        await eventually(lambda: _count(pair, "quarantine", 1), within=20)
        await pair.ping.ping(referral_id, 2)
        await eventually(lambda: _is(pair.pong, referral_id, tally_of(1, 2)), within=20)
    sealed = await pair.pong.value("SELECT sealed FROM pong.quarantine")
    assert b"nonsense" not in sealed


async def test_an_event_lost_in_the_broker_is_asked_for_and_comes_again(pair: Toys) -> None:
    """A lost tail leaves no gap: only comparison by heads can find it."""
    referral_id = new_id()
    async with pair.running():
        await pair.ping.ping(referral_id, 1)
        await eventually(lambda: _is(pair.pong, referral_id, tally_of(1)), within=20)
        # Stated, but its outbox row is gone before any relay takes it: as if the broker had lost it.
        await pair.ping.execute(LOSES_THE_NEXT)
        await pair.ping.ping(referral_id, 2)
        await pair.ping.execute("DROP TRIGGER lose ON ping.outbox")
        await eventually(lambda: _is(pair.pong, referral_id, tally_of(1, 2)), within=30)
        await eventually(lambda: _count(pair, "lacking", 0), within=20)


async def test_a_wiped_broker_loses_nothing_that_was_stated(pair: Toys, kafka: KafkaServer) -> None:
    referrals = [new_id() for _ in range(30)]
    async with pair.running():
        for referral_id in referrals:
            await pair.ping.ping(referral_id, 1)
        for referral_id in referrals:
            await eventually(partial(_is, pair.ping, referral_id, tally_of(1)), within=20)
        kafka.wipe()
        for referral_id in referrals:
            await pair.ping.ping(referral_id, 2)
        for referral_id in referrals:
            await eventually(partial(_is, pair.ping, referral_id, tally_of(1, 2)), within=60)


async def _is(toy: Toy, referral_id: UUID, tally: Tally) -> bool:
    return await toy.tally(referral_id) == tally


async def _parked(pair: Toys, count: int) -> bool:
    return await _count(pair, "parked", count)


async def _count(pair: Toys, table: str, count: int) -> bool:
    return bool(await pair.pong.value(f"SELECT count(*) FROM pong.{table}") == count)
