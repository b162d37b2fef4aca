"""What nobody waits for gathers; what somebody waits for goes at once, and takes the gathered along."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka.structs import TopicPartition
from chassis.delivery import reader as reading
from chassis.delivery.contracts import Contracts
from chassis.delivery.reader import Reader

CAUSES, EFFECTS = "causes.v1", "effects.v1"


@dataclass(frozen=True)
class Record:
    topic: str
    can_wait: bool


PATIENT, HURRIED = Record(CAUSES, can_wait=True), Record(EFFECTS, can_wait=False)


@dataclass
class ScriptedConsumer:
    """Each `getmany` hands out the next portion; when there is none left it waits out its time, as the real one.

    Asked for partitions of its own it hands out what lies ready of that topic, as much as is asked for.
    """

    portions: deque[list[Record]]
    ready: dict[str, int] = field(default_factory=dict)
    asked_for: list[float] = field(default_factory=list)
    left_out: set[TopicPartition] = field(default_factory=set)

    def pause(self, *partitions: TopicPartition) -> None:
        self.left_out |= set(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        self.left_out -= set(partitions)

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition(CAUSES, 0), TopicPartition(EFFECTS, 0)}

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[Any]]:
        assert max_records > 0
        if partitions:
            (partition,) = partitions
            count = min(self.ready.get(partition.topic, 0), max_records)
            self.ready[partition.topic] = self.ready.get(partition.topic, 0) - count
            return {partition: [Record(partition.topic, can_wait=True)] * count}
        self.asked_for.append(timeout_ms / 1000)
        if self.portions:
            portion = self.portions.popleft()
            return {TopicPartition(portion[0].topic, 0): portion}
        await asyncio.sleep(timeout_ms / 1000)
        return {}


def a_reader(*portions: list[Record], unhurried: str | None = None) -> tuple[Reader, ScriptedConsumer]:
    contracts = Contracts(
        service="followup", topic="followup.v1", producers={CAUSES: "causes", EFFECTS: "effects"}, models={}, topics=()
    )
    consumer = ScriptedConsumer(deque(portions))
    reader = Reader(contracts, lambda: consumer, unhurried={unhurried} if unhurried else ())
    reader._consumer = consumer
    return reader, consumer


async def fetch(reader: Reader) -> list[Any]:
    return await reader.fetch(can_wait=lambda record: record.can_wait)


@pytest.fixture(autouse=True)
def _patience_beyond_every_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PATIENCE_SECONDS", 60.0)


async def test_what_can_wait_is_taken_along_by_the_first_that_cannot() -> None:
    reader, _ = a_reader([PATIENT], [PATIENT, PATIENT], [HURRIED])
    assert await asyncio.wait_for(fetch(reader), 10) == [PATIENT, PATIENT, PATIENT, HURRIED]


async def test_the_rest_of_a_burst_comes_along_and_causes_stand_before_effects() -> None:
    reader, consumer = a_reader([HURRIED], [PATIENT, HURRIED])
    assert await asyncio.wait_for(fetch(reader), 10) == [PATIENT, HURRIED, HURRIED]
    assert max(consumer.asked_for[1:]) <= reading.BURST_SECONDS


async def test_what_nobody_hurries_waits_no_longer_than_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PATIENCE_SECONDS", 0.02)
    reader, _ = a_reader([PATIENT])
    assert await asyncio.wait_for(fetch(reader), 10) == [PATIENT]


async def test_a_full_batch_waits_for_nobody() -> None:
    reader, consumer = a_reader([PATIENT] * reading.MAX_RECORDS, [HURRIED])
    assert len(await asyncio.wait_for(fetch(reader), 10)) == reading.MAX_RECORDS
    assert len(consumer.asked_for) == 1


async def test_of_a_backlog_the_causes_that_lie_ready_stand_before_their_effects() -> None:
    reader, consumer = a_reader([HURRIED] * reading.MAX_RECORDS)
    consumer.ready = {CAUSES: 3}
    records = await asyncio.wait_for(fetch(reader), 10)
    assert records == [PATIENT] * 3 + [HURRIED] * reading.MAX_RECORDS


async def test_while_it_is_behind_causes_take_half_of_the_room_and_effects_half_of_the_rest() -> None:
    """What lies ready of either is more than there is room for; the rest is filled by whatever comes."""
    most = reading.MAX_RECORDS
    reader, consumer = a_reader([HURRIED] * most, [HURRIED] * 250)
    await asyncio.wait_for(fetch(reader), 10)
    consumer.ready = {CAUSES: 2 * most, EFFECTS: 2 * most}
    read = Counter(record.topic for record in await asyncio.wait_for(fetch(reader), 10))
    assert read == {CAUSES: most, EFFECTS: most // 2 + 250}
    assert consumer.ready == {CAUSES: most, EFFECTS: 2 * most - most // 2}


async def test_who_is_no_longer_behind_takes_what_comes() -> None:
    reader, consumer = a_reader([HURRIED] * reading.MAX_RECORDS, [HURRIED], [HURRIED])
    await asyncio.wait_for(fetch(reader), 10)
    assert await asyncio.wait_for(fetch(reader), 10) == [HURRIED, HURRIED]
    consumer.ready = {CAUSES: 5}
    consumer.portions.append([HURRIED])
    assert await asyncio.wait_for(fetch(reader), 10) == [HURRIED]


async def test_nothing_is_read_of_a_topic_that_is_paused() -> None:
    reader, consumer = a_reader([HURRIED] * reading.MAX_RECORDS)
    consumer.ready, reader.paused = {CAUSES: 5}, {CAUSES}
    assert len(await asyncio.wait_for(fetch(reader), 10)) == reading.MAX_RECORDS
    assert consumer.ready[CAUSES] == 5


async def test_a_topic_for_whose_events_nobody_waits_is_left_out_of_the_next_polls_and_taken_up_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "REST_SECONDS", 60.0)
    reader, consumer = a_reader([PATIENT], [HURRIED], [HURRIED], [HURRIED], unhurried=CAUSES)
    assert await asyncio.wait_for(fetch(reader), 10) == [PATIENT, HURRIED, HURRIED, HURRIED]
    assert consumer.left_out == {TopicPartition(CAUSES, 0)}
    await asyncio.wait_for(fetch(reader), 10)
    assert consumer.left_out == {TopicPartition(CAUSES, 0)}
    monkeypatch.setattr(reader, "_rests_until", 0.0)
    await asyncio.wait_for(fetch(reader), 10)
    assert not consumer.left_out


async def test_a_topic_that_rests_is_not_taken_up_when_another_one_is_trusted_again() -> None:
    reader, consumer = a_reader([PATIENT], [HURRIED], unhurried=CAUSES)
    await asyncio.wait_for(fetch(reader), 10)
    reader.pause({EFFECTS})
    assert consumer.left_out == {TopicPartition(CAUSES, 0), TopicPartition(EFFECTS, 0)}
    reader.pause(())
    assert consumer.left_out == {TopicPartition(CAUSES, 0)}


async def test_nothing_rests_while_there_is_a_backlog() -> None:
    """What the client holds unread of a topic that is paused it would drop, and fetch again."""
    reader, consumer = a_reader([HURRIED] * reading.MAX_RECORDS, [PATIENT], [HURRIED], unhurried=CAUSES)
    await asyncio.wait_for(fetch(reader), 10)
    assert await asyncio.wait_for(fetch(reader), 10) == [PATIENT, HURRIED]
    assert not consumer.left_out
