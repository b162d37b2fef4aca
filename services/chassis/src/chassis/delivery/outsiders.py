"""What outsiders write to topics of their own: no stream, no gate. Each record is offered to the service in its turn,
and what the service can do nothing with is quarantined, never skipped."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord

from chassis.database import Database
from chassis.delivery.contracts import Contracts
from chassis.delivery.outages import OUTAGES, until_done, waits
from chassis.delivery.quarantine import Quarantine, Unplaced
from chassis.delivery.reader import Reader
from chassis.delivery.watchdog import ReadingWatch, WorkerStuck
from chassis.metrics_counting import events_taken
from chassis.settings import ServiceSettings

log = structlog.get_logger(__name__)

CREDENTIAL = "authorization"
FETCH_MS = 1000  # an idle topic costs the broker one question a second


class RecordRefused(Exception):
    """Nothing can be done with this record, now or later; `code` says why and quotes nothing of it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class OutsideRecord:
    """Headers and key as text; whatever is no text in them stands for nothing that anybody knows."""

    place: str
    key: str
    headers: Mapping[str, str]
    body: bytes


class Outsiders:
    """`take` commits what a record asks for, raises RecordRefused, and may be given the same record again: offsets are
    hints. It has seen to it that twice is as once. Its reader is a member of a group of its own, under `name`.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        contracts: Contracts,
        topics: Sequence[str],
        take: Callable[[OutsideRecord], Awaitable[None]],
        database: Database,
        topics_stand: asyncio.Event,
        *,
        name: str,
    ) -> None:
        self._settings, self._take, self._topics_stand, self._name = settings, take, topics_stand, name
        self._contracts = replace(contracts, producers=dict.fromkeys(topics, name))
        self._quarantine = Quarantine(database, contracts.service, settings.keyring, consumer=name)

    async def run(self) -> None:
        """Until cancelled; a loop for `Delivery.run`. Outages are waited through, a new client takes up the topics."""
        await self._topics_stand.wait()  # a client that misses its topic asks for it without a pause
        following = waits(first=0.5, most=30.0)
        while True:
            try:
                await self._read()
            except (*OUTAGES, WorkerStuck) as error:
                log.warning("outsiders_wait", consumer=self._name, error=type(error).__name__)
            await asyncio.sleep(following())

    async def _read(self) -> None:
        reader = Reader(self._contracts, self._make_consumer)
        await until_done("outsiders' topics", reader.start)
        watching = asyncio.create_task(ReadingWatch(reader).run())
        try:
            while not watching.done():
                for record in await reader.fetch():
                    await self._offer(record)
                    reader.mark_done([record])
                reader.commit_soon()
            watching.result()
        finally:
            watching.cancel()
            await reader.stop()

    async def _offer(self, record: ConsumerRecord) -> None:
        try:
            await until_done("an outsider's record", partial(self._take, _read(record)))
        except RecordRefused as refused:
            await self._keep(record, refused.code)
        except Exception as error:  # it is kept for an operator, and those behind it have their turn
            await self._keep(record, f"failed: {type(error).__name__}")
        else:
            events_taken(self._name, {("outside", "applied"): 1})

    async def _keep(self, record: ConsumerRecord, reason: str) -> None:
        """Without the credential that came with it: nobody needs that to understand what was refused."""
        headers = tuple((name, value) for name, value in record.headers if name.lower() != CREDENTIAL)
        unplaced = Unplaced(
            record.topic, record.partition, record.offset, reason, record.key, headers, record.value
        )  # fmt: skip
        await until_done("quarantine", partial(self._quarantine.keep, [unplaced]))
        events_taken(self._name, {("outside", "quarantined"): 1})

    def _make_consumer(self) -> AIOKafkaConsumer:
        """A member by no fixed name: what it reads waits for the session of a dead one, and for nothing else."""
        return AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            client_id=f"{self._contracts.service}-{self._name}",
            group_id=f"{self._contracts.topic}.{self._name}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            metadata_max_age_ms=5_000,
            session_timeout_ms=int(self._settings.session_seconds * 1000),
            request_timeout_ms=10_000,
            fetch_max_wait_ms=FETCH_MS,
        )


def _read(record: ConsumerRecord) -> OutsideRecord:
    headers = {name.lower(): _text(value) for name, value in record.headers if value is not None}
    place = f"{record.topic}/{record.partition}/{record.offset}"
    return OutsideRecord(place, _text(record.key or b""), headers, record.value or b"")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
