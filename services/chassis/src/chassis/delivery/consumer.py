"""One consumer of a worker, acting or projecting: its group's member, its gate and its repair, wired together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from chassis.clock import Clock
from chassis.delivery.batch import Applier
from chassis.delivery.buckets import BucketComparison
from chassis.delivery.comparing import Comparison
from chassis.delivery.consuming import ConsumerLoop
from chassis.delivery.contracts import Contracts, Handlers
from chassis.delivery.crashes import CrashLedger
from chassis.delivery.known_events import KnownEvents
from chassis.delivery.lacks import LackStore
from chassis.delivery.lasting import lasting
from chassis.delivery.outages import waits
from chassis.delivery.peers import Peers
from chassis.delivery.quarantine import Quarantine
from chassis.delivery.reader import Reader
from chassis.delivery.repair import Repair
from chassis.delivery.turns import OnAny
from chassis.delivery.units import Units
from chassis.delivery.watchdog import AssignmentWatch, ReadingWatch, StandstillWatch
from chassis.settings import ServiceSettings

log = structlog.get_logger(__name__)


class Consumer:
    """Everything that goes by one consumer name in `stream_pos`, `parked`, `lacking` and `comparison`."""

    def __init__(
        self,
        settings: ServiceSettings,
        contracts: Contracts,
        handlers: Handlers | OnAny,
        units: Units[Any],
        make_consumer: Callable[[], AIOKafkaConsumer],
        make_admin: Callable[[], AIOKafkaAdminClient],
        peers: Peers,
        clock: Clock,
        crashes: CrashLedger,
        *,
        broker_is_away: Callable[[], bool],
        hurried: Collection[str],
        goes_after: ConsumerLoop | None = None,
    ) -> None:
        """`goes_after`: of two that share a process, the one that may be late for the other's sake."""
        database, schema, self.name = units.database, units.statements.schema, units.statements.consumer
        self._known = KnownEvents(database, schema, consumer=self.name)
        self.applier = Applier(
            units, contracts, handlers, Quarantine(database, schema, settings.keyring, consumer=self.name), crashes,
            on_moved=self._known.note,
        )  # fmt: skip
        self.reader = Reader(contracts, make_consumer, unhurried=contracts.topics_without(hurried) if hurried else ())
        self.loop = ConsumerLoop(self.reader, self.applier, contracts, hurried=hurried, goes_after=goes_after)
        self.watchdog = AssignmentWatch(self.reader, contracts, self.name, make_admin)
        store = LackStore(database, schema, consumer=self.name)
        comparison = Comparison(peers, store, database, schema, clock, self.name)
        self.repair = Repair(
            contracts, self.reader, self.loop, self.applier, comparison, store, peers,
            gap_seconds=settings.gap_seconds, compare_seconds=settings.compare_seconds,
            buckets=BucketComparison(peers, comparison, contracts.topic_of, database, schema, clock, self.name),
        )  # fmt: skip
        self._standstill = StandstillWatch(
            lambda: (self.reader.records_done, self.repair.steps_told),
            lambda: self.repair.has_unfinished and not self.watchdog.stands_by,
            broker_is_away,
        )

    async def run(self) -> None:
        """Until cancelled; raises what is no outage."""
        async with asyncio.TaskGroup() as group:
            for part in (
                self.loop.run(), self.watchdog.run(), ReadingWatch(self.reader).run(), self._standstill.run(),
                self.repair.run(), self._known.run(),
            ):  # fmt: skip
                group.create_task(lasting(part))

    async def run_apart(self) -> None:
        """Until cancelled. What would end a worker ends this consumer's round alone, and is said aloud."""
        following = waits(first=1.0, most=60.0)
        while True:
            try:
                await self.run()
            except Exception as error:  # a read model that stands still must not hold up the handlers that act
                first = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
                log.error("projection_stopped", name=self.name, error=type(first).__name__)
            await asyncio.sleep(following())
