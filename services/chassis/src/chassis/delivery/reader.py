"""The consumer group's member: one aiokafka consumer over the producers' topics, and what is known of their logs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError, KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition

from chassis.delivery.clients import start_client, stop_client
from chassis.delivery.contracts import Contracts

log = structlog.get_logger(__name__)

MAX_RECORDS = 500
POLL_SECONDS = 0.2
CALL_SECONDS = 10.0
COMMIT_EVERY_SECONDS = 1.0
NOWHERE = -1
PATIENCE_SECONDS, BURST_SECONDS = 0.1, 0.002
REST_SECONDS = 0.3


class Reader:
    """Offsets are hints for where to begin again: the gate decides what is new. So a failed commit is dropped.

    Topics that are `unhurried`, for whose events nobody waits here, are read at intervals: a poll that each of their
    records ends would cost both sides more than the record.
    """

    def __init__(
        self,
        contracts: Contracts,
        make_consumer: Callable[[], AIOKafkaConsumer],
        *,
        unhurried: Collection[str] = (),
    ) -> None:
        self._contracts, self._make_consumer, self._unhurried = contracts, make_consumer, frozenset(unhurried)
        self._consumer: AIOKafkaConsumer | None = None
        self._done: dict[TopicPartition, int] = {}
        self._next_commit = 0.0
        self._committing: asyncio.Task[None] | None = None
        self._in_vain_since: float | None = None
        self._is_behind = False
        self.records_done = 0
        self.on_revoked: Callable[[], Awaitable[None]] | None = None
        self.paused: set[str] = set()
        self._resting: frozenset[str] = frozenset()
        self._rests_until = 0.0

    async def start(self) -> None:
        consumer = self._make_consumer()
        consumer.subscribe(list(self._contracts.producers), listener=_Listener(self))
        await start_client(consumer.start, consumer.stop)
        self._consumer, self._in_vain_since = consumer, None

    @property
    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(self._consumer.assignment()) if self._consumer else frozenset()

    async def fetch(self, *, can_wait: Callable[[ConsumerRecord], bool] = lambda _: False) -> list[ConsumerRecord]:
        """Up to about 500 records, of a backlog twice as many, causes' topics first; empty after 200 ms without any.

        What can wait is gathered for 100 ms at most; behind the first record that cannot, the rest of its burst, which
        lies in other partitions. Gathering, not sleeping: a partition whose records lie unfetched is left out of the
        next long poll, and would wait for it to end.
        """
        clock = asyncio.get_running_loop().time
        was_behind, looked_at = self._is_behind, 0
        if self._resting and clock() >= self._rests_until:
            self._rest(())
        records = await self._of_backlog() if was_behind else []
        left = min(MAX_RECORDS, 2 * MAX_RECORDS - len(records))
        records += await self._next(0.0 if records else POLL_SECONDS, at_most=left)
        self._in_vain_since = None if records else self._in_vain_since or clock()
        until = clock() + PATIENCE_SECONDS
        while records and len(records) < MAX_RECORDS:
            if not all(map(can_wait, records[looked_at:])):
                until = min(until, clock() + BURST_SECONDS)
            looked_at = len(records)
            if (seconds := until - clock()) <= 0:
                break
            records += await self._next(seconds)
        self._is_behind = len(records) >= MAX_RECORDS
        if self._is_behind and not was_behind:
            records += await self._of_backlog()
        order = {topic: n for n, topic in enumerate(self._contracts.producers)}
        return sorted(records, key=lambda record: order[record.topic])

    async def _of_backlog(self) -> list[ConsumerRecord]:
        """Of each topic half of what there is room for: what comes of events usually follows them in the order of the
        contracts, and effects that are read before their causes are parked, each by itself.
        """
        records: list[ConsumerRecord] = []
        for topic in self._contracts.producers:
            if readable := [tp for tp in self.assignment if tp.topic == topic and topic not in self.paused]:
                records += await self._next(0.0, *readable, at_most=MAX_RECORDS - len(records) // 2)
        return records

    async def _next(
        self, seconds: float, *partitions: TopicPartition, at_most: int = MAX_RECORDS
    ) -> list[ConsumerRecord]:
        """Once partitions change hands `getmany` waits for the next assignment without end, and that may be waiting
        for the batch in hand: so it is cut off. It hands out what it has without a pause, so nothing is lost with it.
        """
        assert self._consumer is not None
        try:
            async with asyncio.timeout(seconds + POLL_SECONDS):
                found = await self._consumer.getmany(*partitions, timeout_ms=int(seconds * 1000), max_records=at_most)
        except TimeoutError:
            return []
        if (taken := {tp.topic for tp in found} & self._unhurried) and not self._is_behind:
            self._rest(taken)
        return [record for records in found.values() for record in records]

    def mark_done(self, records: Iterable[ConsumerRecord]) -> None:
        for record in records:
            self.records_done += 1
            self._done[TopicPartition(record.topic, record.partition)] = record.offset + 1

    def commit_soon(self) -> None:
        """Once a second, beside the work and never in its way."""
        now = asyncio.get_running_loop().time()
        if self._done and now >= self._next_commit and (self._committing is None or self._committing.done()):
            self._next_commit = now + COMMIT_EVERY_SECONDS
            self._committing = asyncio.create_task(self.commit())

    async def commit(self) -> None:
        offsets = {tp: offset for tp, offset in self._done.items() if tp in self.assignment}
        self._done.clear()
        if not offsets or self._consumer is None:
            return
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._consumer.commit(offsets)
        except (KafkaError, IllegalStateError, TimeoutError) as error:
            log.info("offset_hint_dropped", error=type(error).__name__)

    async def ends(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        assert self._consumer is not None
        async with asyncio.timeout(CALL_SECONDS):
            found: dict[TopicPartition, int] = await self._consumer.end_offsets(list(partitions))
        return found

    @property
    def in_vain_seconds(self) -> float:
        """How long it has been asking and been given nothing; 0 while a batch is in hand."""
        since = self._in_vain_since
        return 0.0 if since is None else asyncio.get_running_loop().time() - since

    async def standing_before(self) -> dict[TopicPartition, int]:
        """Where it stands in each partition that does not end there, as the broker says now; -1 is nowhere at all.

        One that ends before is another log, of a broker that has lost its disk. A client that fetches is told so and
        begins it anew; one that does not has no place in what it was given since.
        """
        asked = [tp for tp in self.assignment if tp.topic not in self.paused]
        ends = await self.ends(asked) if asked else {}
        places = {tp: await self._place(tp) for tp in ends}
        return {tp: place for tp, place in places.items() if ends[tp] != place}

    async def _place(self, partition: TopicPartition) -> int:
        """At once, if it has one."""
        try:
            async with asyncio.timeout(0.1):
                return await self.position(partition)
        except TimeoutError:
            return NOWHERE

    def partitions(self, topic: str) -> frozenset[int]:
        return frozenset((self._consumer and self._consumer.partitions_for_topic(topic)) or ())

    async def position(self, partition: TopicPartition) -> int:
        assert self._consumer is not None
        async with asyncio.timeout(CALL_SECONDS):
            place: int = await self._consumer.position(partition)
        return place

    async def unread(self) -> dict[str, int]:
        """By topic, from what the last fetches told: of a broker that hangs nothing new is told."""
        found = dict.fromkeys(self._contracts.producers, 0)
        with suppress(KafkaError, TimeoutError):
            for partition in self.assignment:
                end = self._consumer and self._consumer.highwater(partition)
                if end:
                    async with asyncio.timeout(0.1):
                        found[partition.topic] += max(end - await self.position(partition), 0)
        return found

    def pause(self, topics: Iterable[str]) -> None:
        """Nothing more is read from these topics (their producer is not to be trusted); others are resumed."""
        self.paused = set(topics)
        self._tell_client()

    def _rest(self, topics: Collection[str]) -> None:
        """Before the client's next poll, which it sends as soon as others may run. What it holds unread of them it
        drops and fetches again: that is why nothing rests while there is a backlog.
        """
        self._resting = frozenset(topics)
        self._rests_until = asyncio.get_running_loop().time() + REST_SECONDS
        self._tell_client()

    def _tell_client(self) -> None:
        if self._consumer is not None:
            left_out = self.paused | self._resting
            self._consumer.pause(*(tp for tp in self.assignment if tp.topic in left_out))
            self._consumer.resume(*(tp for tp in self.assignment if tp.topic not in left_out))

    async def stop(self) -> None:
        """Whatever comes of the last offsets: a client that lives on would take its partitions from the next one."""
        if self._consumer is not None:
            try:
                await self.commit()
            finally:
                consumer, self._consumer = self._consumer, None
                await stop_client(consumer.stop)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is not typed
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        if self._reader.on_revoked is not None and revoked:
            await self._reader.on_revoked()
            await self._reader.commit()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        log.info("partitions_assigned", count=len(assigned))
