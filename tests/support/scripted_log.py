"""Repair on a real database, with the producers' logs moved by hand and peers that only note what they are asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from aiokafka.partitioner import murmur2
from aiokafka.structs import TopicPartition
from chassis.clock import Clock
from chassis.delivery import Contracts
from chassis.delivery.batch import Applier
from chassis.delivery.comparing import Comparison
from chassis.delivery.lacks import LackStore
from chassis.delivery.peers import Head, Heads
from chassis.delivery.quarantine import Quarantine
from chassis.delivery.repair import Repair
from chassis.delivery.statements import ACTING
from support.toys import HANDLERS, Toy

PARTITIONS = 12


def partition_of(referral_id: UUID) -> int:
    return int((murmur2(str(referral_id).encode()) & 0x7FFFFFFF) % PARTITIONS)


@dataclass
class ScriptedLog:
    """Reader and loop of one worker: every log ends at `end`, the `assigned` partitions are read up to `read`."""

    topics: Sequence[str]
    assigned: Iterable[int] = range(PARTITIONS)
    end: int = 0
    read: int = 0
    looks: int = 0
    ends_asked: int = 0

    @property
    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(TopicPartition(topic, one) for topic in self.topics for one in self.assigned)

    def partitions(self, _: str) -> frozenset[int]:
        return frozenset(range(PARTITIONS))

    def pause(self, _: Iterable[str]) -> None:
        """Once in every look of repair's."""
        self.looks += 1

    async def ends(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        self.ends_asked += 1
        return dict.fromkeys(partitions, self.end)

    async def settled_positions(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(partitions, self.read)


@dataclass
class ScriptedPeers:
    """Tells these heads; what it is asked to send again has arrived at `toy` when it answers."""

    toy: Toy
    told: Mapping[UUID, int] = field(default_factory=dict)
    asked: list[tuple[UUID, int]] = field(default_factory=list)

    async def heads(self, _: str, **__: Any) -> AsyncIterator[Heads]:
        yield Heads([str(one) for one in self.told], list(self.told.values()), [str(one) for one in self.told])

    async def heads_of(self, _: str, referral_ids: Sequence[UUID]) -> dict[UUID, Head]:
        return {one: Head(self.told[one], one) for one in referral_ids if one in self.told}

    async def resend(self, producer: str, wanted: Sequence[tuple[UUID, int]]) -> dict[UUID, str]:
        self.asked += wanted
        for referral_id, number in wanted:
            await self.toy.value(
                f"""INSERT INTO {self.toy.service}.stream_pos (consumer, producer, referral_id, last)
                    VALUES ('acting', $1, $2, $3) RETURNING 1""",
                producer, referral_id, number,
            )  # fmt: skip
        return {referral_id: "queued" for referral_id, _ in wanted}


def store_of(toy: Toy) -> LackStore:
    return LackStore(toy.database, toy.service, consumer=ACTING)


@asynccontextmanager
async def repairing(
    toy: Toy, log: ScriptedLog, peers: Any, *, contracts: Contracts | None = None, compare_seconds: float = 0.5
) -> AsyncIterator[None]:
    """One worker's repair runs while the body does."""
    reads = contracts or toy.contracts
    scripted: Any = log
    quarantine = Quarantine(toy.database, toy.service, toy.settings.keyring, consumer=ACTING)
    repair = Repair(
        reads, scripted, scripted, Applier(toy.units, reads, HANDLERS[toy.service], quarantine),
        Comparison(peers, store_of(toy), toy.database, toy.service, Clock(), ACTING), store_of(toy), peers,
        gap_seconds=0.2, compare_seconds=compare_seconds,
    )  # fmt: skip
    task = asyncio.create_task(repair.run())
    try:
        yield
        if task.done():
            task.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
