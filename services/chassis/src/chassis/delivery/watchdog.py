"""Watches that this member of the group has something to read, and reads it: neither lack raises anything anywhere.

Only the broker can tell a stuck group from a standby: the leader of a stuck one deals out what it believes there is,
and what every member knows of the topics may be as old as that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import IllegalStateError
from aiokafka.structs import TopicPartition

from chassis.delivery.clients import start_client, stop_client
from chassis.delivery.contracts import Contracts
from chassis.delivery.outages import OUTAGES
from chassis.delivery.reader import Reader

log = structlog.get_logger(__name__)

EMPTY_ASSIGNMENT_SECONDS = 15.0
LOOK_SECONDS = 1.0
CALL_SECONDS = 20.0
IN_VAIN_SECONDS, UNREAD_SECONDS = 15.0, 10.0
ASK_SECONDS = 5.0
STANDSTILL_LOOK_SECONDS, STANDSTILL_LOOKS = 5.0, 9


class WorkerStuck(RuntimeError):
    """There is something to read, and this member is given none of it or does not read it: it must begin anew."""


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


class ReadingWatch:
    """That what is there is read. The client fetches in a task of its own; when that ends by an error, the member goes
    on beating, and asking for records gives nothing for ever.

    Seen after kill -9 of a broker: under uvloop a write to a connection that has just been closed is a RuntimeError,
    which the client does not expect (its issue 1038).
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._unread_since: dict[tuple[TopicPartition, int], float] = {}

    async def run(self) -> None:
        """Raises WorkerStuck when the reader has asked in vain for 15 s, and for 10 s of them stood at one place of a
        partition that does not end there. A broker that does not answer is an outage.
        """
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._reader.in_vain_seconds < IN_VAIN_SECONDS:
                self._unread_since.clear()
                continue
            standing = await self._ask()
            known, now = self._unread_since, clock()
            self._unread_since = {place: known.get(place, now) for place in standing.items()}
            longest = now - min(self._unread_since.values(), default=now)
            if longest >= UNREAD_SECONDS and self._reader.in_vain_seconds >= IN_VAIN_SECONDS:
                raise WorkerStuck(f"{len(standing)} partitions are not read up, and nothing was for {longest:.0f} s")
            await asyncio.sleep(ASK_SECONDS)

    async def _ask(self) -> dict[TopicPartition, int]:
        try:
            return await self._reader.standing_before()
        except (*OUTAGES, IllegalStateError) as error:  # or partitions have just changed hands
            log.info("reading_unclear", error=type(error).__name__)
            return {}


class StandstillWatch:
    """That what lacks comes, or is asked for, or is said to be out of reach: whatever it is that hangs, and however
    silently. The other two watches ask Kafka's client, which may be what hangs; this one asks nobody.
    """

    def __init__(
        self, progress: Callable[[], object], something_lacks: Callable[[], bool], broker_is_away: Callable[[], bool]
    ) -> None:
        """`progress` gives something else whenever anything was done or an outage was met."""
        self._progress, self._something_lacks, self._broker_is_away = progress, something_lacks, broker_is_away

    async def run(self) -> None:
        """Raises WorkerStuck after nine looks, five seconds apart, at which something lacked and nothing had happened.

        Looks, not seconds: a process that was stopped itself has had no time to do anything.
        """
        before, looks = self._progress(), 0
        while True:
            await asyncio.sleep(STANDSTILL_LOOK_SECONDS)
            now = self._progress()
            stands = now == before and not self._broker_is_away() and self._something_lacks()
            before, looks = now, looks + 1 if stands else 0
            if looks >= STANDSTILL_LOOKS:
                raise WorkerStuck(f"something lacks, and nothing was read, asked for or said at {looks} looks")
