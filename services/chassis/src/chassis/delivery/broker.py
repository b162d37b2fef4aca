"""Looks at the broker every few seconds: creates missing topics, and notices when it has lost data.

Clients do not notice a wiped broker by themselves: producers go on, consumers begin again at offset 0.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition

from chassis.database import Database
from chassis.delivery.clients import start_client, stop_client
from chassis.delivery.consuming import ConsumerLoop
from chassis.delivery.contracts import Contracts
from chassis.delivery.marks import BrokerMarks
from chassis.delivery.outages import OUTAGES
from chassis.delivery.reader import Reader
from chassis.delivery.topics import ensure_topics

log = structlog.get_logger(__name__)

CALL_SECONDS = 30.0


class BrokerWatch:
    """`topics_stand` is set while every topic is there; `compare_all` is called when a loss was seen from here."""

    def __init__(
        self,
        make_admin: Callable[[], AIOKafkaAdminClient],
        contracts: Contracts,
        reader: Reader,
        loop: ConsumerLoop,
        marks: BrokerMarks,
        database: Database,
        *,
        replication: int,
        topics_stand: asyncio.Event,
        compare_all: Callable[[str], None],
    ) -> None:
        self._make_admin, self._contracts, self._reader, self._loop = make_admin, contracts, reader, loop
        self._marks, self._database, self._replication = marks, database, replication
        self._topics_stand, self._compare_all = topics_stand, compare_all
        self.broker_is_away = False
        self._admin: AIOKafkaAdminClient | None = None
        self._cluster_id: str | None = None
        self._read_up_to: dict[TopicPartition, int] = {}

    async def run(self, every_seconds: float) -> None:
        try:
            while True:
                try:
                    async with asyncio.timeout(CALL_SECONDS):
                        await self.look()
                    self.broker_is_away = False
                except OUTAGES as error:
                    self.broker_is_away = True
                    log.warning("broker_away", error=type(error).__name__)
                    await self._drop_admin()
                await asyncio.sleep(min(every_seconds, 1.0) if self.broker_is_away else every_seconds)
        finally:
            await self._drop_admin()

    async def _started(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            admin = self._make_admin()
            await start_client(admin.start, admin.close)
            self._admin = admin
        return self._admin

    async def _drop_admin(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            await stop_client(admin.close)

    async def look(self) -> None:
        admin = await self._started()
        cluster_id = (await admin.describe_cluster())["cluster_id"]
        if self._cluster_id not in (None, cluster_id):
            self._topics_stand.clear()
            log.error("broker_is_another", was=self._cluster_id, now=cluster_id)
            self._compare_all("another cluster")
        await ensure_topics(admin, self._contracts.topics, replication=self._replication)
        self._cluster_id = cluster_id
        self._topics_stand.set()
        if self._reader.assignment:
            await self._compare_own_ends()
            await self._compare_read_ends()

    async def _compare_own_ends(self) -> None:
        async with self._database.connection() as connection:
            marked = await self._marks.marked(connection)
        if not marked:
            return
        ends = await self._reader.ends(marked)
        async with self._database.transaction() as connection:
            if await self._marks.compare_ends(connection, marked, ends):
                self._compare_all("own topic's end fell")

    async def _compare_read_ends(self) -> None:
        """A log's end below what we have read from it: that log is not the one we read."""
        assigned = self._reader.assignment
        positions = await self._loop.settled_positions(assigned)
        fallen = [tp for tp, at in positions.items() if at < self._read_up_to.get(tp, 0)]
        ends = await self._reader.ends(assigned)
        fallen += [tp for tp, end in ends.items() if end < positions.get(tp, 0)]
        self._read_up_to = dict(positions)
        if fallen:
            log.error("broker_lost_data", reason="positions fell", partitions=len(fallen))
            self._compare_all("positions fell")
