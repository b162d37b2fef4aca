"""What nobody waits for gathers; what somebody waits for goes at once, and takes the gathered along."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
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
    """Each `getmany` hands out the next portion; when there is none left it waits out its time, as the real one."""

    portions: deque[list[Record]]
    causes: list[Record] = field(default_factory=list)
    asked_for: list[float] = field(default_factory=list)

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition(CAUSES, 0), TopicPartition(EFFECTS, 0)}

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[Any]]:
        if partitions:
            assert partitions == (TopicPartition(CAUSES, 0),)
            return {partitions[0]: self.causes}
        self.asked_for.append(timeout_ms / 1000)
        if self.portions:
            return {TopicPartition("any", 0): self.portions.popleft()}
        await asyncio.sleep(timeout_ms / 1000)
        return {}


def a_reader(*portions: list[Record]) -> tuple[Reader, ScriptedConsumer]:
    contracts = Contracts(
        service="followup", topic="followup.v1", producers={CAUSES: "causes", EFFECTS: "effects"}, models={}, topics=()
    )
    consumer = ScriptedConsumer(deque(portions))
    reader = Reader(contracts, lambda: consumer)
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
    consumer.causes = [PATIENT] * 3
    records = await asyncio.wait_for(fetch(reader), 10)
    assert records == [PATIENT] * 3 + [HURRIED] * reading.MAX_RECORDS


async def test_a_reader_of_one_topic_has_no_causes_to_ask_for() -> None:
    reader, consumer = a_reader([HURRIED] * reading.MAX_RECORDS, [HURRIED])
    reader._contracts = replace(reader._contracts, producers={EFFECTS: "effects"})
    assert len(await asyncio.wait_for(fetch(reader), 10)) == reading.MAX_RECORDS
    assert len(consumer.portions) == 1
