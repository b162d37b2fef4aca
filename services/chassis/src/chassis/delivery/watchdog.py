"""Watches that this member of the group has something to read: an empty assignment raises nothing anywhere.

Only the broker can tell a stuck group from a standby: the leader of a stuck one deals out what it believes there is,
and what every member knows of the topics may be as old as that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from aiokafka.admin import AIOKafkaAdminClient

from chassis.delivery.clients import start_client, stop_client
from chassis.delivery.contracts import Contracts
from chassis.delivery.outages import OUTAGES
from chassis.delivery.reader import Reader

log = structlog.get_logger(__name__)

EMPTY_ASSIGNMENT_SECONDS = 15.0
LOOK_SECONDS = 1.0
CALL_SECONDS = 20.0


class WorkerStuck(RuntimeError):
    """The group gives this member nothing to read although there is something: only a new process cures it."""


def group_of(contracts: Contracts, consumer: str) -> str:
    return f"{contracts.topic}.{consumer}"


class AssignmentWatch:
    def __init__(
        self, reader: Reader, contracts: Contracts, consumer: str, make_admin: Callable[[], AIOKafkaAdminClient]
    ) -> None:
        self._reader, self._contracts, self._make_admin = reader, contracts, make_admin
        self._group = group_of(contracts, consumer)
        self.stands_by = False

    async def run(self) -> None:
        """Raises WorkerStuck after 15 s without partitions while there are more of them than members.

        A broker that does not answer is an outage; a member beyond the number of partitions stands by.
        """
        empty_for = 0.0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._reader.assignment:
                empty_for, self.stands_by = 0.0, False
                continue
            empty_for += LOOK_SECONDS
            if empty_for < EMPTY_ASSIGNMENT_SECONDS:
                continue
            empty_for = 0.0
            partitions, members = await self._ask()
            if partitions > members and not self._reader.assignment:
                raise WorkerStuck(f"nothing to read, of {partitions} partitions among {members} members")
            self.stands_by = partitions > 0

    async def _ask(self) -> tuple[int, int]:
        """How many partitions the topic of most has, and how many members share them; none in an outage."""
        admin = self._make_admin()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await start_client(admin.start, admin.close)
                topics = await admin.describe_topics(list(self._contracts.producers))
                groups = await admin.describe_consumer_groups([self._group])
        except OUTAGES as error:
            log.warning("assignment_unclear", error=type(error).__name__)
            return 0, 0
        finally:
            await stop_client(admin.close)
        partitions = max((len(topic["partitions"]) for topic in topics), default=0)
        members = sum(len(group[5]) for answer in groups for group in answer.groups)
        return partitions, members
