"""Of a backlog causes are read before their effects, and what was taken is never lost with what was cut off."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiokafka.structs import TopicPartition
from chassis.delivery import reader as reading
from chassis.delivery.contracts import Contracts
from chassis.delivery.reader import Reader

TOPICS = ("causes.v1", "effects.v1")


@dataclass(frozen=True)
class Record:
    topic: str
    number: int


@dataclass
class ReadyConsumer:
    """Hands out what lies ready in the order it came in, as aiokafka does, whatever depends on what."""

    ready: deque[Record] = field(default_factory=deque)
    hangs_on: str | None = None

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition(topic, 0) for topic in TOPICS}

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[Any]]:
        wanted = {partition.topic for partition in partitions or self.assignment()}
        if self.hangs_on in wanted:
            await asyncio.Event().wait()
        taken = [record for record in self.ready if record.topic in wanted][:max_records]
        for record in taken:
            self.ready.remove(record)
        return {
            TopicPartition(topic, 0): [record for record in taken if record.topic == topic]
            for topic in {record.topic for record in taken}
        }


def a_reader(consumer: ReadyConsumer) -> Reader:
    contracts = Contracts(
        service="followup", topic="followup.v1", producers={topic: topic[:-3] for topic in TOPICS}, models={}, topics=()
    )
    reader = Reader(contracts, lambda: consumer)
    reader._consumer = consumer
    return reader


async def test_no_effect_is_read_while_its_cause_lies_ready() -> None:
    effects = [Record("effects.v1", n) for n in range(600)]
    causes = [Record("causes.v1", n) for n in range(700)]
    reader = a_reader(ReadyConsumer(deque([*effects, *causes])))
    batches = [await reader.fetch(not_before=0.0) for _ in range(3)]
    assert [len(batch) for batch in batches] == [500, 500, 300]
    assert [record for batch in batches for record in batch] == causes + effects


async def test_what_was_taken_comes_out_though_the_next_topic_hangs(monkeypatch: Any) -> None:
    monkeypatch.setattr(reading, "POLL_SECONDS", 0.02)
    consumer = ReadyConsumer(deque([Record("causes.v1", 1)]), hangs_on="effects.v1")
    assert await a_reader(consumer).fetch(not_before=0.0) == [Record("causes.v1", 1)]
