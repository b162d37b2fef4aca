"""The consumer loop: fetch, apply in one transaction, remember the offset."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from aiokafka.structs import ConsumerRecord, TopicPartition

from chassis.delivery.batch import Applier
from chassis.delivery.contracts import Contracts
from chassis.delivery.gate import Arrival
from chassis.delivery.outages import OUTAGES, until_done, waits
from chassis.delivery.quarantine import Unplaced
from chassis.delivery.reader import MAX_RECORDS, Reader
from chassis.delivery.wire import Unreadable, read_headers

log = structlog.get_logger(__name__)

GIVES_WAY_SECONDS = 5.0


class _Revoked(Exception):
    """The partitions went away while a batch waited for the database: whoever has them now reads it again."""


class ConsumerLoop:
    """Events of the types in `hurried` are applied as they come; others, for which nobody waits, gather a moment.

    One that `goes_after` another lets that one work off a backlog first: they share a process. It is never held up for
    good: after five seconds it takes a batch all the same.
    """

    def __init__(
        self,
        reader: Reader,
        applier: Applier[Any],
        contracts: Contracts,
        *,
        hurried: Collection[str] = (),
        goes_after: ConsumerLoop | None = None,
    ) -> None:
        self._reader, self._applier, self._contracts, self._goes_after = reader, applier, contracts, goes_after
        self._has_no_backlog = asyncio.Event()  # not set before it has asked for the first time: it may be behind
        self._hurried = frozenset(name.encode() for name in hurried)
        self._between_batches = asyncio.Lock()
        self._idle = asyncio.Event()
        self._idle.set()
        self._revoking = False
        reader.on_revoked = self._drain

    async def run(self) -> None:
        await until_done("consumer start", self._reader.start)
        try:
            while True:
                if self._goes_after is not None:
                    await self._goes_after.backlog_gone(GIVES_WAY_SECONDS)
                await self._step()
                self._reader.commit_soon()
        finally:
            self._has_no_backlog.set()
            await self._reader.stop()

    async def backlog_gone(self, at_most_seconds: float) -> None:
        """Returns as soon as it reads less than a full batch at a time, or is not reading; else when time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_seconds):
                await self._has_no_backlog.wait()

    async def settled_positions(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Up to where everything read has also been committed: taken between two batches."""
        async with asyncio.timeout(2), self._between_batches:
            return {partition: await self._reader.position(partition) for partition in partitions}

    async def _step(self) -> None:
        """One batch, if there is something to read."""
        async with self._between_batches:
            records = await self._reader.fetch(can_wait=self._can_wait)
            if len(records) < MAX_RECORDS:
                self._has_no_backlog.set()
            else:
                self._has_no_backlog.clear()
            if not records:
                return
            self._idle.clear()
            try:
                await self._apply_until_done(records)
            except _Revoked:
                return
            finally:
                self._idle.set()
            self._reader.mark_done(records)

    def _can_wait(self, record: ConsumerRecord) -> bool:
        return not any(name == "ce_type" and value in self._hurried for name, value in record.headers)

    async def _apply_until_done(self, records: Sequence[ConsumerRecord]) -> None:
        """The batch is tried again through every outage; what is no outage ends the worker and shows itself."""
        arrivals, unplaced = self._decode(records)
        following = waits(most=2.0)
        while True:
            try:
                return await self._applier.apply(arrivals, unplaced)
            except OUTAGES as error:
                log.warning("batch_waits", error=type(error).__name__, records=len(records))
            await asyncio.sleep(following())
            if self._revoking:
                raise _Revoked

    def _decode(self, records: Sequence[ConsumerRecord]) -> tuple[list[Arrival], list[Unplaced]]:
        arrivals, unplaced = [], []
        for record in records:
            producer = self._contracts.producers[record.topic]
            try:
                arrivals.append(Arrival(producer, read_headers(record.headers), record.headers, record.value or b""))
            except Unreadable as error:
                unplaced.append(
                    Unplaced(
                        record.topic,
                        record.partition,
                        record.offset,
                        str(error),
                        record.key,
                        record.headers,
                        record.value,
                    )
                )
        return arrivals, unplaced

    async def _drain(self) -> None:
        """Before partitions go: the batch in hand is committed, or given up where the database does not answer.

        It waits for the application alone, never for a fetch: inside a reassignment a fetch waits for its end.
        """
        self._revoking = True
        try:
            await self._idle.wait()
        finally:
            self._revoking = False
