"""One batch on its way to the broker: a future for every row, and nothing sent past a row that could not be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError, RecordTooLargeError
from aiokafka.structs import RecordMetadata

from chassis.delivery.tables import LANES

BUFFER_SECONDS, BUFFER_LEAST_SECONDS = 5.0, 0.2
ALONE_SECONDS = 5.0
Outcome: TypeAlias = RecordMetadata | BaseException
Sent: TypeAlias = asyncio.Future[RecordMetadata]
Headers: TypeAlias = list[tuple[str, bytes]]
REFUSED_FOR_ITSELF = (MessageSizeTooLargeError, RecordTooLargeError)


class Unknown(Exception):
    """The broker did not answer for a record: it may stand there or not. The rows stay and are sent again."""


class Overtaken(Unknown):
    """Between taking a state's row and sending it the lane has gone to another relay, or may have."""


@dataclass(frozen=True)
class Outgoing:
    n: int
    lane: int
    topic: str
    key: str
    event_id: Any
    headers: str | None
    body: str | None

    @property
    def is_state(self) -> bool:
        return self.event_id is None


@dataclass
class Sending:
    """`read_at` tells of each state sent when it was read; rows of one key share its record's future.

    The broker refuses what is too large by the producer's batch, which holds its neighbours too. So records of topics
    in `by_themselves` are sent one after the other; a row in `for_itself` was refused, if it was, for its own size.
    """

    producer: AIOKafkaProducer
    clock: Callable[[], float]
    by_themselves: Collection[str] = ()
    for_itself: set[int] = field(default_factory=set)
    futures: dict[int, Sent] = field(default_factory=dict)
    read_at: dict[tuple[str, str], float] = field(default_factory=dict)
    _as_lanes: dict[str, bool] = field(default_factory=dict)
    _full: set[tuple[int, str]] = field(default_factory=set)
    _broken: set[str] = field(default_factory=set)
    _waited: float = 0.0

    async def send(self, row: Outgoing, headers: Headers | None, body: str | None) -> Sent:
        """One of a topic in `by_themselves` has its answer when this returns."""
        await self.send_all([(row, headers, body)])
        if row.topic in self.by_themselves and not self.futures[row.n].done():
            await self._wait_for(row)
        return self.futures[row.n]

    async def send_all(self, records: Iterable[tuple[Outgoing, Headers | None, str | None]]) -> None:
        """A partition whose buffer is full takes nothing more in this batch: what is later must not pass.

        One limit for all that go in without waiting: a timer for each would cost more than the sending.
        """
        coming = iter(records)
        while True:
            started, row = self.clock(), None
            try:
                async with asyncio.timeout(max(BUFFER_SECONDS - self._waited, BUFFER_LEAST_SECONDS)):
                    for row, headers, body in coming:
                        await self._add(row, headers, body)
                return
            except TimeoutError as error:
                if row is None:
                    raise
                self._full.add((row.lane, row.topic))
                self._waited += self.clock() - started
                self.refuse(row, error)

    async def _add(self, row: Outgoing, headers: Headers | None, body: str | None) -> None:
        if (row.lane, row.topic) in self._full or row.topic in self._broken:
            self.refuse(row, Unknown("an earlier row of its lane waits"))
            return
        try:
            self.futures[row.n] = await self.producer.send(
                row.topic, None if body is None else body.encode(), key=row.key.encode(), headers=headers,
                partition=await self._partition_of(row),
            )  # fmt: skip
        except REFUSED_FOR_ITSELF as error:
            self.for_itself.add(row.n)
            self.refuse(row, error)

    async def _partition_of(self, row: Outgoing) -> int | None:
        """Where there are as many partitions as lanes, the lane is what the partitioner would find by hashing again."""
        known = self._as_lanes.get(row.topic)
        if known is None:
            known = self._as_lanes[row.topic] = len(await self.producer.partitions_for(row.topic)) == LANES
        return row.lane if known else None

    async def _wait_for(self, row: Outgoing) -> None:
        """What comes after one that did not get through waits for the next batch, and for a sound producer."""
        self.for_itself.add(row.n)
        await asyncio.wait({self.futures[row.n]}, timeout=ALONE_SECONDS)
        if not isinstance(outcome_of(self.futures[row.n]), RecordMetadata):
            self._broken.add(row.topic)

    def in_doubt(self, rows: Iterable[Outgoing], is_late: Callable[[float], bool]) -> set[tuple[str, str]]:
        """Topic and key of the states that may come, or have come, after a newer one of another relay."""
        return {
            (row.topic, row.key)
            for row in rows
            if row.is_state and not isinstance(outcome_of(self.futures[row.n]), (*REFUSED_FOR_ITSELF, LookupError))
            if (read_at := self.read_at.get((row.topic, row.key))) is not None
            if is_late(read_at) or not isinstance(outcome_of(self.futures[row.n]), RecordMetadata)
        }

    def refuse(self, row: Outgoing, error: Exception) -> Sent:
        future: Sent = asyncio.get_running_loop().create_future()
        future.set_exception(error)
        future.exception()  # seen: the batch's end reads it again, or is given up before
        self.futures[row.n] = future
        return future


def outcome_of(future: Sent) -> Outcome:
    """Unanswered is in doubt: it may stand in the log or not."""
    if not future.done() or future.cancelled():
        return TimeoutError()
    return future.exception() or future.result()
