"""Members of a group that get nothing, come, go, or come back from the dead."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from chassis.delivery import watchdog as watchdogs
from chassis.delivery.contracts import Contracts
from chassis.delivery.lacks import Lack
from chassis.delivery.lasting import EndedByItself
from chassis.delivery.reader import Reader
from chassis.delivery.topics import ensure_topics
from chassis.delivery.watchdog import AssignmentWatch, ReadingWatch, WorkerStuck, group_of
from chassis.ids import new_id
from support.faults import note
from support.scripted_log import store_of
from support.stack import KafkaServer, eventually
from support.toy_worker import worker_process
from support.toys import Toy, Toys, ToyTopic, contracts_of, toys


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


@pytest.fixture
async def admin(kafka: KafkaServer) -> AsyncIterator[AIOKafkaAdminClient]:
    made = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdogs, "EMPTY_ASSIGNMENT_SECONDS", 0.5)
    monkeypatch.setattr(watchdogs, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(watchdogs, "IN_VAIN_SECONDS", 0.5)
    monkeypatch.setattr(watchdogs, "UNREAD_SECONDS", 0.5)
    monkeypatch.setattr(watchdogs, "ASK_SECONDS", 0.1)


@dataclass(frozen=True)
class Member:
    reader: Reader
    watch: CountingWatch
    task: asyncio.Task[None]


class CountingWatch(AssignmentWatch):
    asked = 0

    async def _ask(self) -> tuple[int, int]:
        self.asked += 1
        return await super()._ask()


@asynccontextmanager
async def a_member(
    contracts: Contracts, bootstrap_servers: str, *, metadata_max_age_ms: int = 5000
) -> AsyncIterator[Member]:
    """One that reads nothing, with the watch over what it is given."""

    def consumer() -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=bootstrap_servers, group_id=group_of(contracts, "acting"), enable_auto_commit=False,
            metadata_max_age_ms=metadata_max_age_ms, session_timeout_ms=6000, heartbeat_interval_ms=500,
            auto_offset_reset="earliest",
        )  # fmt: skip

    reader = Reader(contracts, consumer)
    await reader.start()
    watch = CountingWatch(
        reader, contracts, "acting", partial(AIOKafkaAdminClient, bootstrap_servers=bootstrap_servers)
    )
    task = asyncio.create_task(watch.run())
    try:
        yield Member(reader, watch, task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await reader.stop()


@pytest.mark.usefixtures("impatient")
async def test_a_worker_that_is_given_nothing_although_there_is_something_ends(
    kafka: KafkaServer, admin: AIOKafkaAdminClient
) -> None:
    """A leader that has seen its topics go deals out nothing until it asks again, here for five minutes."""
    contracts = contracts_of("pong", f"{new_id().hex}.v1")
    topics = [topic.name for topic in contracts.topics]
    await ensure_topics(admin, contracts.topics, replication=1)
    async with a_member(contracts, kafka.bootstrap_servers, metadata_max_age_ms=300_000) as stuck:
        await eventually(lambda: len(stuck.reader.assignment) == 12)
        await admin.delete_topics(topics)
        await eventually(lambda: learns_that_they_are_gone(stuck.reader), within=20)
        await eventually(lambda: stuck.watch.asked > 1)
        assert not stuck.task.done(), "there is nothing to read"
        await ensure_topics(admin, contracts.topics, replication=1)
        back = time.monotonic()
        with pytest.raises(WorkerStuck):
            async with asyncio.timeout(10):
                await stuck.task
        assert not stuck.reader.assignment
    async with a_member(contracts, kafka.bootstrap_servers) as next_one:
        await eventually(lambda: len(next_one.reader.assignment) == 12)
    note("an empty assignment", "the worker ends after 0.5 s (15 s outside tests)", time.monotonic() - back)


async def learns_that_they_are_gone(reader: Reader) -> bool:
    """As it would by a fetch that is refused, or by asking at the wrong moment."""
    consumer: Any = reader._consumer
    await consumer._client.force_metadata_update()
    return not reader.assignment


@pytest.mark.usefixtures("impatient")
async def test_a_worker_for_which_no_partition_is_left_stands_by_and_takes_over(
    kafka: KafkaServer, admin: AIOKafkaAdminClient
) -> None:
    contracts = contracts_of("pong", f"{new_id().hex}.v1")
    contracts = replace(contracts, topics=tuple(ToyTopic(topic.name, 1) for topic in contracts.topics))
    await ensure_topics(admin, contracts.topics, replication=1)
    async with AsyncExitStack() as one, AsyncExitStack() as two:
        members = [
            await stack.enter_async_context(a_member(contracts, kafka.bootstrap_servers)) for stack in (one, two)
        ]
        await eventually(lambda: sum(member.watch.stands_by for member in members) == 1)
        assert not any(member.task.done() for member in members)
        holder, standby = sorted(members, key=lambda member: member.watch.stands_by)
        await (one, two)[members.index(holder)].aclose()
        await eventually(lambda: standby.reader.assignment)
        await eventually(lambda: not standby.watch.stands_by)


@dataclass(frozen=True)
class Halted:
    """A member that has read `read`, and whose client fetches no more, as after a write to a connection just gone."""

    topic: str
    producer: AIOKafkaProducer
    watch: asyncio.Task[None]
    read: list[Any]


@asynccontextmanager
async def a_halted_member(kafka: KafkaServer, contracts: Contracts, *, after: int) -> AsyncIterator[Halted]:
    """The task that fetches is over, everything else goes on; `after` records are read by then."""
    topic, read = next(iter(contracts.producers)), list[Any]()
    async with a_member(contracts, kafka.bootstrap_servers) as member, a_producer(kafka) as producer:
        reading, watching = asyncio.create_task(keep_reading(member.reader, read)), ReadingWatch(member.reader)
        watch = asyncio.create_task(watching.run())
        for n in range(after):
            await producer.send_and_wait(topic, b"%d" % n, partition=0)
        await eventually(lambda: len(read) == after)
        await eventually(lambda: member.reader.in_vain_seconds > 1)
        assert not watch.done(), "there is nothing to read"
        consumer: Any = member.reader._consumer
        fetcher = consumer._fetcher
        for task in (fetcher._fetch_task, *fetcher._pending_tasks):
            task.cancel()
        try:
            yield Halted(topic, producer, watch, read)
        finally:
            reading.cancel()
            watch.cancel()
            await asyncio.gather(reading, watch, return_exceptions=True)


@pytest.mark.usefixtures("impatient")
async def test_a_worker_whose_client_has_stopped_fetching_ends(kafka: KafkaServer, admin: AIOKafkaAdminClient) -> None:
    contracts = contracts_of("pong", f"{new_id().hex}.v1")
    await ensure_topics(admin, contracts.topics, replication=1)
    async with a_halted_member(kafka, contracts, after=1) as halted:
        await halted.producer.send_and_wait(halted.topic, b"2", partition=0)
        began = time.monotonic()
        with pytest.raises(WorkerStuck):
            async with asyncio.timeout(20):
                await halted.watch
        assert len(halted.read) == 1
    seen = "the worker ends after 0.5 s of unread records (25 s outside tests), the next one reads"
    note("a client that has stopped fetching", seen, time.monotonic() - began)


@pytest.mark.usefixtures("impatient")
async def test_a_worker_whose_client_has_stopped_fetching_ends_when_the_log_is_a_shorter_one(
    kafka: KafkaServer, admin: AIOKafkaAdminClient
) -> None:
    """The broker has lost its disk: what is to be read ends before the place at which the member stands."""
    contracts = contracts_of("pong", f"{new_id().hex}.v1")
    await ensure_topics(admin, contracts.topics, replication=1)
    async with a_halted_member(kafka, contracts, after=3) as halted:
        await admin.delete_topics([halted.topic])
        await eventually(partial(is_there_again, admin, contracts), within=20)
        await eventually(partial(is_written, halted.producer, halted.topic), within=20)
        with pytest.raises(WorkerStuck):
            async with asyncio.timeout(30):
                await halted.watch
        assert len(halted.read) == 3


async def is_there_again(admin: AIOKafkaAdminClient, contracts: Contracts) -> bool:
    """A topic that is being deleted cannot be made yet."""
    await ensure_topics(admin, contracts.topics, replication=1)
    return {topic.name for topic in contracts.topics} <= set(await admin.list_topics())


async def is_written(producer: AIOKafkaProducer, topic: str) -> bool:
    with suppress(KafkaError):
        await producer.send_and_wait(topic, b"another", partition=0)
        return True
    return False


@pytest.fixture
def watchful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdogs, "STANDSTILL_LOOK_SECONDS", 0.5)
    monkeypatch.setattr(watchdogs, "STANDSTILL_LOOKS", 5)


@pytest.mark.usefixtures("watchful")
async def test_a_worker_that_stands_still_without_a_word_ends_and_the_next_one_repairs(
    pair: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event was lost, and Kafka's client hangs when it is asked for ends, here as no time limit would find it."""
    referral_id = await a_lost_ping(pair)
    async with pair.ping.serving(), pair.ping.working():
        monkeypatch.setattr(pair.pong.delivery._acting.reader, "ends", never)
        began = time.monotonic()
        with pytest.raises(ExceptionGroup) as ended:
            async with asyncio.timeout(30):
                await pair.pong.delivery.run()
        assert ended.group_contains(WorkerStuck)
        note("a worker that hangs silently", "ends after 2.5 s (45 s outside tests)", time.monotonic() - began)
        async with pair.pong.anew().working():
            await eventually(lambda: applied(pair.pong, referral_id, 1), within=20)


@pytest.mark.usefixtures("watchful")
async def test_a_worker_whose_producer_does_not_answer_goes_on_asking(pair: Toys) -> None:
    """Nothing is read, something lacks, and a start would change nothing: it says so, and that is enough."""
    await store_of(pair.pong).write([Lack("ping", await a_lost_ping(pair), 1)], [])
    async with pair.ping.working(), pair.pong.working():
        repair = pair.pong.delivery._acting.repair
        await eventually(lambda: repair.steps_told > 15, within=30)
        assert repair.has_unfinished


async def test_what_stands_parked_for_an_operator_is_nothing_to_end_for(pair: Toys) -> None:
    """All through a quiet night it lacks what nobody will send: the poisoned event has come, and what follows it."""
    referral_id = new_id()
    async with pair.ping.serving(), pair.ping.working(), pair.pong.working():
        for n in (1, -1, 2):
            await pair.ping.ping(referral_id, n)
        repair = pair.pong.delivery._acting.repair
        await eventually(lambda: pair.pong.value("SELECT count(*) FROM pong.lacking"), within=20)
        await eventually(lambda: repair._parked and not repair.has_unfinished, within=20)
        assert await pair.pong.value("SELECT count(*) FROM pong.parked WHERE reason = 'failed'") == 1


async def test_a_worker_whose_reading_was_cancelled_by_nobody_ends_and_leaves_no_client_behind(
    pair: Toys,
) -> None:
    """The client's coordinating task ends by the cancelling of another (a heartbeat that had not begun), and whoever
    asks for records is given that CancelledError. A client that lived on would fight the next one for its partitions,
    both under one name."""
    referral_id = new_id()
    reader = pair.pong.delivery._acting.reader
    async with pair.ping.serving(), pair.ping.working():
        running = asyncio.create_task(pair.pong.delivery.run())
        await eventually(lambda: len(reader.assignment) == 12, within=20)
        consumer: Any = reader._consumer
        await pair.ping.ping(referral_id, 1)
        await eventually(lambda: applied(pair.pong, referral_id, 1), within=20)
        reader._done = dict.fromkeys(reader.assignment, 0)  # something is still to be noted when it ends
        consumer._coordinator._coordination_task.cancel()
        with pytest.raises(ExceptionGroup) as ended:
            async with asyncio.timeout(30):
                await running
        assert ended.group_contains(EndedByItself)
        assert consumer._closed
        async with pair.pong.anew().working():
            await pair.ping.ping(referral_id, 2)
            await eventually(lambda: applied(pair.pong, referral_id, 2), within=20)


async def a_lost_ping(pair: Toys) -> UUID:
    referral_id = new_id()
    await pair.ping.ping(referral_id, 1)
    await pair.ping.execute("DELETE FROM ping.outbox")
    return referral_id


async def never(*_: object) -> None:
    await asyncio.Event().wait()


async def keep_reading(reader: Reader, read: list[Any]) -> None:
    while True:
        read += await reader.fetch()


@asynccontextmanager
async def a_producer(kafka: KafkaServer) -> AsyncIterator[AIOKafkaProducer]:
    made = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def test_a_batch_in_flight_while_a_worker_joins_and_leaves_has_its_effect_once(
    pair: Toys, database: str, tmp_path: Path
) -> None:
    """The batch is held by a lock on its stream, from before the second worker comes until after it has gone."""
    held, others = new_id(), [new_id() for _ in range(12)]
    await pair.ping.ping(held, 1)
    async with pair.running():
        await eventually(lambda: applied(pair.pong, held, 1), within=20)
        async with stream_held(database, held):
            await pair.ping.ping(held, 2)
            for referral_id in others:
                await pair.ping.ping(referral_id, 1)
            await eventually(lambda: is_waited_for(database), within=10)
            with worker_process(pair.pong, tmp_path) as second:
                await second.ready()
                await eventually(lambda: is_waited_for(database), within=10)
                second.signal(signal.SIGTERM)
                assert await second.ended() == 0
        freed = time.monotonic()
        await eventually(lambda: applied(pair.pong, held, 2), within=30)
        for referral_id in others:
            await eventually(partial(applied, pair.pong, referral_id, 1), within=30)
    note("a worker joins and leaves, a batch in flight", "waited for throughout", time.monotonic() - freed)


async def test_a_worker_back_from_the_dead_applies_nothing_that_others_have_applied(pair: Toys, tmp_path: Path) -> None:
    """Stopped with a batch read and not applied, until its session is over and another has applied the same."""
    referrals = [new_id() for _ in range(24)]
    async with pair.ping.working(), pair.ping.serving():
        with worker_process(pair.pong, tmp_path, "zombie", consumer_in_transaction="hang 1") as zombie:
            await zombie.ready()
            await ping_all(pair, referrals, 1)
            await eventually(lambda: zombie.met("consumer.in_transaction"), within=20)
            zombie.signal(signal.SIGSTOP)
            stopped = time.monotonic()
            with worker_process(pair.pong, tmp_path, "heir") as heir:
                await heir.ready()
                await ping_all(pair, referrals, 2)
                await eventually(lambda: all_applied(pair, referrals, 2), within=40)
                note("a worker stopped for good", "another takes over (session 6 s)", time.monotonic() - stopped)
                zombie.signal(signal.SIGCONT)
                await ping_all(pair, referrals, 3)
                await zombie.ready()
                await eventually(lambda: all_applied(pair, referrals, 3), within=40)
                await ping_all(pair, referrals, 4)
                await eventually(lambda: all_applied(pair, referrals, 4), within=40)
    assert {(await pair.pong.tally(one)).digest for one in referrals} == {((1 * 31 + 2) * 31 + 3) * 31 + 4}
    assert await pair.pong.value("SELECT count(*) FROM pong.event_log") == 4 * len(referrals)


async def ping_all(pair: Toys, referrals: list[UUID], n: int) -> None:
    for referral_id in referrals:
        await pair.ping.ping(referral_id, n)


async def all_applied(pair: Toys, referrals: list[UUID], count: int) -> bool:
    return all([await applied(pair.pong, one, count) for one in referrals])


async def applied(toy: Toy, referral_id: UUID, count: int) -> bool:
    return (await toy.tally(referral_id)).count == count


@asynccontextmanager
async def stream_held(database: str, referral_id: UUID) -> AsyncIterator[None]:
    """Nobody else gets beyond its first lock."""
    holder = await asyncpg.connect(database)
    try:
        async with holder.transaction():
            await holder.execute("SELECT 1 FROM pong.stream WHERE referral_id = $1 FOR UPDATE", referral_id)
            yield
    finally:
        await holder.close()


async def is_waited_for(database: str) -> bool:
    admin = await asyncpg.connect(database)
    try:
        return bool(
            await admin.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%open_streams%'"
            )
        )
    finally:
        await admin.close()
