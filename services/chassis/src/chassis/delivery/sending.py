"""One batch on its way to the broker: a future for every row, and nothing sent past a row that could not be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError, RecordTooLargeError
from aiokafka.structs import RecordMetadata

BUFFER_SECONDS, BUFFER_LEAST_SECONDS = 5.0, 0.2
ALONE_SECONDS = 5.0
Outcome: TypeAlias = RecordMetadata | BaseException
Sent: TypeAlias = asyncio.Future[RecordMetadata]
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
    _full: set[tuple[int, str]] = field(default_factory=set)
    _broken: set[str] = field(default_factory=set)
    _waited: float = 0.0

    async def send(self, row: Outgoing, headers: list[tuple[str, bytes]] | None, body: str | None) -> Sent:
        """A partition whose buffer is full takes nothing more in this batch: what is later must not pass."""
        place = (row.lane, row.topic)
        if place in self._full or row.topic in self._broken:
            return self.refuse(row, Unknown("an earlier row of its lane waits"))
        started = self.clock()
        try:
            async with asyncio.timeout(max(BUFFER_SECONDS - self._waited, BUFFER_LEAST_SECONDS)):
                self.futures[row.n] = await self.producer.send(
                    row.topic, None if body is None else body.encode(), key=row.key.encode(), headers=headers
                )
        except REFUSED_FOR_ITSELF as error:
            self.for_itself.add(row.n)
            return self.refuse(row, error)
        except TimeoutError as error:
            self._full.add(place)
            self._waited += self.clock() - started
            return self.refuse(row, error)
        if row.topic in self.by_themselves:
            await self._wait_for(row)
        return self.futures[row.n]

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
