"""What no retry cures: data that the database refuses, versions that nobody knows yet, records that are no events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from chassis.delivery.batch import Applier
from chassis.delivery.lacks import LackStore
from chassis.delivery.lanes import Lanes
from chassis.delivery.quarantine import Quarantine
from chassis.delivery.statements import ACTING
from chassis.ids import new_id
from support.arrivals import a_pinged
from support.stack import KafkaServer, PostgresServer, eventually
from support.toys import HANDLERS, Toys, ToyWork, create_schema, toys


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


def an_applier(pair: Toys) -> Applier[ToyWork]:
    toy = pair.pong
    quarantine = Quarantine(toy.database, toy.service, toy.settings.keyring, consumer=ACTING)
    return Applier(toy.units, toy.contracts, HANDLERS[toy.service], quarantine)


async def reasons(pair: Toys) -> list[tuple[int, str]]:
    async with pair.pong.database.connection() as connection:
        rows = await connection.fetch("SELECT seq, reason FROM pong.parked ORDER BY seq")
    return [(row[0], row[1]) for row in rows]


async def retry_all(pair: Toys) -> None:
    await pair.pong.execute("UPDATE pong.parked SET reason = 'waiting', needs = ''")


async def test_a_refused_event_that_is_retried_is_refused_again_and_its_worker_lives(pair: Toys) -> None:
    referral_id = new_id()
    applier = an_applier(pair)
    await applier.apply([a_pinged(referral_id, 1, 2**31 + 1)])
    assert await reasons(pair) == [(1, "failed")]
    await retry_all(pair)
    await applier.drain([referral_id])
    assert await reasons(pair) == [(1, "failed")]


async def test_an_arrival_is_not_blamed_for_the_parked_event_that_it_frees(pair: Toys) -> None:
    referral_id = new_id()
    applier = an_applier(pair)
    await applier.apply([a_pinged(referral_id, 2, 2**31 + 1)])
    await applier.apply([a_pinged(referral_id, 1, 5)])
    assert await reasons(pair) == [(2, "failed")]
    assert (await pair.pong.tally(referral_id)).count == 1


async def test_an_event_of_an_unknown_version_waits_for_the_deploy_that_knows_it(pair: Toys) -> None:
    referral_id = new_id()
    arrival = a_pinged(referral_id, 1)
    newer = replace(arrival, envelope=arrival.envelope._replace(type="cn.toy.ping.pinged.v2"))
    applier = an_applier(pair)
    await applier.apply([replace(newer, headers=_with_type(newer.headers, "cn.toy.ping.pinged.v2"))])
    assert await reasons(pair) == [(1, "unknown_version")]
    store = LackStore(pair.pong.database, "pong", consumer=ACTING)
    await store.free_known_versions(["cn.toy.ping.pinged.v1"])
    assert await reasons(pair) == [(1, "unknown_version")]
    await store.free_known_versions(["cn.toy.ping.pinged.v2"])
    assert await reasons(pair) == [(1, "waiting")]


@pytest.mark.parametrize(
    "headers",
    [
        [("ce_subject", None), ("ce_streamseq", b"1")],
        [("ce_subject", b"%ID%"), ("ce_streamseq", b"1"), ("ce_id", b"%ID%"), ("ce_type", b"x.y\x00")],
        [("ce_subject", b"%ID%"), ("ce_streamseq", b"1"), ("ce_id", b"%ID%"), ("ce_type", b"x.y"),
         ("ce_after", b"ping:9999999999")],
    ],
)  # fmt: skip
async def test_a_record_that_has_no_readable_place_is_quarantined_and_the_worker_lives(
    pair: Toys, kafka: KafkaServer, headers: list[tuple[str, bytes | None]]
) -> None:
    async with pair.running():
        await _send(kafka, pair, _filled(headers, new_id()))
        await eventually(lambda: _quarantined(pair), within=20)
        referral_id = new_id()
        await pair.ping.ping(referral_id, 1)
        await eventually(lambda: _applied(pair, referral_id), within=20)


async def test_a_null_header_beside_good_ones_does_not_hinder_parking(pair: Toys, kafka: KafkaServer) -> None:
    referral_id = new_id()
    arrival = a_pinged(referral_id, 7)
    async with pair.running():
        await _send(kafka, pair, [*arrival.headers, ("tracestate", None)])
        await eventually(lambda: _is_parked(pair, 7), within=20)


async def test_relays_of_another_database_on_the_same_server_take_no_lanes_from_us(
    pair: Toys, postgres: PostgresServer
) -> None:
    admin = await asyncpg.connect(postgres.url())
    await admin.execute("CREATE DATABASE beside")
    try:
        await create_schema(postgres.url("beside"), "ping")
        beside = Lanes(lambda: asyncpg.connect(postgres.url("beside")), "ping")
        ours = Lanes(pair.ping.database.dedicated, "ping")
        assert len(await beside.balance()) == 12
        assert len(await ours.balance()) == 12
        await beside.close()
        await ours.close()
    finally:
        await admin.execute("DROP DATABASE beside WITH (FORCE)")
        await admin.close()


def _with_type(headers: tuple[tuple[str, bytes], ...], event_type: str) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, event_type.encode() if name == "ce_type" else value) for name, value in headers)


def _filled(headers: list[tuple[str, bytes | None]], one: UUID) -> list[tuple[str, bytes | None]]:
    return [(name, value and value.replace(b"%ID%", str(one).encode())) for name, value in headers]


async def _send(kafka: KafkaServer, pair: Toys, headers: list[tuple[str, bytes | None]]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers)
    await producer.start()
    await producer.send_and_wait(pair.ping.contracts.topic, b'{"n": 1}', key=b"k", headers=headers)
    await producer.stop()


async def _quarantined(pair: Toys) -> bool:
    return bool(await pair.pong.value("SELECT count(*) FROM pong.quarantine"))


async def _applied(pair: Toys, referral_id: UUID) -> bool:
    return (await pair.pong.tally(referral_id)).count == 1


async def _is_parked(pair: Toys, seq: int) -> bool:
    return bool(await pair.pong.value("SELECT count(*) FROM pong.parked WHERE seq = $1", seq))
