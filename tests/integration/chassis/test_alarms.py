"""Each alarm that delivery raises, raised: cheaply, by the part that raises it, over a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, MutableMapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.structs import RecordMetadata, TopicPartition
from chassis.clock import Clock
from chassis.delivery import audit_loop, refilling
from chassis.delivery.batch import Applier
from chassis.delivery.broker import BrokerWatch
from chassis.delivery.comparing import Comparison
from chassis.delivery.consumer import Consumer
from chassis.delivery.lacks import Lack, LackStore
from chassis.delivery.lanes import Lanes
from chassis.delivery.marks import BrokerMarks
from chassis.delivery.peers import Heads
from chassis.delivery.quarantine import Quarantine, Unplaced
from chassis.delivery.relay import Relay
from chassis.delivery.repair import MOST_ROUNDS, Repair
from chassis.delivery.statements import ACTING
from chassis.delivery.states import States
from chassis.delivery.topics import TopicsRefused, ensure_topics
from chassis.ids import new_id
from structlog.testing import capture_logs
from support.arrivals import a_pinged
from support.stack import PostgresServer, eventually, fresh_database
from support.toys import HANDLERS, Toy, ToyWork, states_of, toys

Lines = Sequence[MutableMapping[str, Any]]


@pytest.fixture(scope="module")
async def pong(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Toy]:
    """Its worker never runs, so no broker is needed."""
    async with (
        fresh_database(postgres) as url,
        toys(url, "127.0.0.1:1", tmp_path_factory.mktemp("alarms")) as made,
    ):
        yield made.pong


@pytest.fixture
def lines() -> Iterator[Lines]:
    with capture_logs() as captured:
        yield captured


def alarms(lines: Lines) -> list[str]:
    return [line["event"] for line in lines if line["log_level"] == "error"]


def an_applier(pong: Toy) -> Applier[ToyWork]:
    quarantine = Quarantine(pong.database, "pong", pong.settings.keyring, consumer=ACTING)
    return Applier(pong.units, pong.contracts, HANDLERS["pong"], quarantine)


async def test_a_handler_that_raises_is_an_alarm(pong: Toy, lines: Lines) -> None:
    await an_applier(pong).apply([a_pinged(new_id(), 1, -1)])
    assert alarms(lines) == ["event_failed"]


async def test_data_that_the_database_refuses_are_an_alarm(pong: Toy, lines: Lines) -> None:
    await an_applier(pong).apply([a_pinged(new_id(), 1, 2**31 + 1)])
    assert alarms(lines)[0] == "event_refused_by_database"


async def test_another_event_under_a_known_number_is_an_alarm(pong: Toy, lines: Lines) -> None:
    referral_id = new_id()
    await an_applier(pong).apply([a_pinged(referral_id, 1)])
    await an_applier(pong).apply([a_pinged(referral_id, 1)])
    assert alarms(lines) == ["event_conflict"]


async def test_bytes_without_a_place_are_an_alarm(pong: Toy, lines: Lines) -> None:
    await an_applier(pong).apply([], [Unplaced("ping.v1", 0, 7, "no subject", None, (), b"\xff")])
    assert alarms(lines) == ["record_quarantined"]


class Refusing:
    """A producer whose broker takes nothing of this size."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def partitions_for(self, _topic: str) -> set[int]:
        return set(range(12))

    async def send(self, *_: object, **__: object) -> None:
        raise MessageSizeTooLargeError


async def test_a_record_too_large_for_the_broker_is_an_alarm(pong: Toy, lines: Lines) -> None:
    await pong.ping(new_id(), 1)
    topics_stand, lanes = asyncio.Event(), Lanes(pong.database.dedicated, "pong")
    topics_stand.set()
    states = States({}, "pong", limit_seconds=1, clock=lambda: 0.0)
    relay = Relay(
        lanes, Refusing, BrokerMarks("pong"), states, "pong", pong.contracts.topic, wake=asyncio.Event(),
        topics_stand=topics_stand,
    )  # fmt: skip
    await lanes.balance()
    await relay.send_batch()
    await lanes.close()
    assert set(alarms(lines)) == {"record_unsendable"}


async def test_an_acknowledgement_that_comes_back_lower_is_an_alarm(pong: Toy, lines: Lines) -> None:
    marks, partition = BrokerMarks("pong"), TopicPartition("pong.v1", 0)
    async with pong.database.connection() as connection:
        for offset in (9, 3):
            record = RecordMetadata("pong.v1", 0, partition, offset, None, None, None)
            await marks.acknowledged(connection, [record], [])
    assert alarms(lines) == ["broker_lost_data"]


class ABroker:
    """The administration of a broker that changes its name, or refuses topics."""

    def __init__(self, *cluster_ids: str, refuses: int = 0) -> None:
        self._cluster_ids, self._refuses = list(cluster_ids), refuses

    async def describe_cluster(self) -> dict[str, str]:
        return {"cluster_id": self._cluster_ids.pop(0)}

    async def list_topics(self) -> list[str]:
        return ["there"]

    async def create_topics(self, _topics: object, timeout_ms: int) -> Any:
        return SimpleNamespace(topic_errors=[("missing", self._refuses, "")])


async def test_another_cluster_under_the_same_address_is_an_alarm(pong: Toy, lines: Lines) -> None:
    compared: list[str] = []
    nothing_read: Any = SimpleNamespace(assignment=frozenset())
    contracts: Any = SimpleNamespace(topics=[SimpleNamespace(name="there")])
    watch = BrokerWatch(
        lambda: None, contracts, nothing_read, nothing_read, BrokerMarks("pong"), pong.database, replication=1,
        topics_stand=asyncio.Event(), compare_all=compared.append,
    )  # fmt: skip
    watch._admin = ABroker("one", "two")
    await watch.look()
    await watch.look()
    assert alarms(lines) == ["broker_is_another"]
    assert compared == ["another cluster"]


async def test_a_topic_that_the_broker_will_not_make_is_an_alarm(lines: Lines) -> None:
    missing: Any = SimpleNamespace(name="missing", cleanup="delete", retention_ms=None, partitions=1)
    broker: Any = ABroker(refuses=38)
    with pytest.raises(TopicsRefused):
        await ensure_topics(broker, [missing], replication=3)
    assert alarms(lines) == ["topics_refused"]


async def test_a_lack_that_five_resends_have_not_filled_is_an_alarm(pong: Toy, lines: Lines) -> None:
    store = LackStore(pong.database, "pong", consumer=ACTING)
    lack = Lack("ping", new_id(), 3, state="real", rounds=MOST_ROUNDS)
    unused: Any = None
    repair = Repair(pong.contracts, unused, unused, unused, unused, store, unused, gap_seconds=1, compare_seconds=1)
    await repair._ask([lack])
    assert alarms(lines) == ["stream_unrepairable"]
    assert [(one.state, one.referral_id) for one in await store.load()] == [("unrepairable", lack.referral_id)]


async def compare_with(pong: Toy, page: Heads) -> None:
    """With a producer that gives this page."""

    class Reporting:
        async def heads(self, _producer: str, **_window: object) -> AsyncIterator[Heads]:
            yield page

    peers: Any = Reporting()
    store = LackStore(pong.database, "pong", consumer=ACTING)
    comparison = Comparison(peers, store, pong.database, "pong", Clock(), ACTING)
    await comparison.compare("ping", broker_lost_data=False)


async def test_a_producer_that_reports_a_loss_of_the_broker_is_an_alarm(pong: Toy, lines: Lines) -> None:
    await compare_with(pong, Heads([], [], [], loss=1, as_of=datetime.now(UTC)))
    assert alarms(lines) == ["comparing_wider"]


async def test_a_producer_that_has_another_event_under_a_number_is_an_alarm(pong: Toy, lines: Lines) -> None:
    referral_id = new_id()
    await an_applier(pong).apply([a_pinged(referral_id, 1)])
    await compare_with(pong, Heads([str(referral_id)], [1], [str(new_id())], as_of=datetime.now(UTC)))
    assert alarms(lines) == ["producer_restored"]


async def test_a_projection_that_breaks_is_an_alarm(lines: Lines) -> None:
    class Broken(Consumer):
        def __init__(self) -> None:
            self.name = "seen"

        async def run(self) -> None:
            raise LookupError

    async with asyncio.TaskGroup() as group:
        task = group.create_task(Broken().run_apart())
        await eventually(lambda: alarms(lines))
        task.cancel()
    assert alarms(lines) == ["projection_stopped"]


async def test_a_status_topic_that_differs_from_its_table_is_an_alarm(
    pong: Toy, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def values(_make: object, _topic: str) -> dict[str, int]:
        return {str(new_id()): 4}

    monkeypatch.setattr(refilling, "last_versions", values)
    filling = refilling.Refilling(
        pong.database, "pong", [], {pong.status_topic: states_of("pong")}, {}, lambda: None, lambda: None,
        asyncio.Event(), check_seconds=1, compare_seconds=1,
    )  # fmt: skip
    await filling.compare_states()
    assert alarms(lines) == ["states_differed"]


async def test_an_audit_that_nobody_seals_is_an_alarm(pong: Toy, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> None:
        return None

    async def an_hour(*_: object) -> float:
        return 3600.0

    monkeypatch.setattr(audit_loop, "_LATE_SECONDS", 0.0)
    monkeypatch.setattr(audit_loop, "seal", nothing)
    monkeypatch.setattr(audit_loop, "seconds_unsealed", an_hour)
    with suppress(TimeoutError):
        async with asyncio.timeout(0.1):
            await audit_loop.seal_loop(pong.database, "pong", every=0.01)
    assert set(alarms(lines)) == {"audit_unsealed"}
