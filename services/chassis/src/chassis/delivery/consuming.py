"""The consumer loop: fetch, apply in one transaction, remember the offset."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import structlog
from aiokafka.structs import ConsumerRecord, TopicPartition

from chassis.delivery.batch import Applier
from chassis.delivery.contracts import Contracts
from chassis.delivery.gate import Arrival
from chassis.delivery.outages import OUTAGES, until_done, waits
from chassis.delivery.quarantine import Unplaced
from chassis.delivery.reader import Reader
from chassis.delivery.wire import Unreadable, read_headers

log = structlog.get_logger(__name__)


class _Revoked(Exception):
    """The partitions went away while a batch waited for the database: whoever has them now reads it again."""


class ConsumerLoop:
    """Events of the types in `hurried` are applied as they come; others, for which nobody waits, gather a moment."""

    def __init__(
        self, reader: Reader, applier: Applier[Any], contracts: Contracts, *, hurried: Collection[str] = ()
    ) -> None:
        self._reader, self._applier, self._contracts = reader, applier, contracts
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
                await self._step()
                self._reader.commit_soon()
        finally:
            await self._reader.stop()

    async def settled_positions(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Up to where everything read has also been committed: taken between two batches."""
        async with asyncio.timeout(2), self._between_batches:
            return {partition: await self._reader.position(partition) for partition in partitions}

    async def _step(self) -> None:
        """One batch, if there is something to read."""
        async with self._between_batches:
            records = await self._reader.fetch(can_wait=self._can_wait)
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
