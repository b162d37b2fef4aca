"""A worker's delivery: relay, consumer, repair and broker watch, wired once, run together, ended together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar

import structlog

from chassis.clock import Clock
from chassis.database import Database
from chassis.delivery.audit_loop import seal_loop
from chassis.delivery.broker import BrokerWatch
from chassis.delivery.consumer import Consumer
from chassis.delivery.contracts import Contracts, Handlers
from chassis.delivery.crashes import CrashLedger
from chassis.delivery.figures import Figures
from chassis.delivery.kafka_clients import KafkaClients
from chassis.delivery.lanes import Lanes
from chassis.delivery.lasting import lasting
from chassis.delivery.marks import BrokerMarks
from chassis.delivery.membership import Membership
from chassis.delivery.outages import OUTAGES
from chassis.delivery.peers import Peers
from chassis.delivery.projecting import Projection, ProjectionStatements, ProjectionUnits
from chassis.delivery.refilling import Refilling
from chassis.delivery.rehearsal import rehearsed
from chassis.delivery.relay import Relay
from chassis.delivery.restore_watch import RestoreWatch
from chassis.delivery.statements import ACTING, Statements
from chassis.delivery.states import States, StateTransfer
from chassis.delivery.tables import add_partitions_call
from chassis.delivery.units import Units
from chassis.delivery.work import Work
from chassis.metrics_serving import metrics_served
from chassis.settings import ServiceSettings, SettingsError
from chassis.wake import listening

W = TypeVar("W", bound=Work)
log = structlog.get_logger(__name__)

WARM_CONNECTIONS = 3  # what a worker uses at once: a batch, a loop of the service's own, repair
REHEARSALS = 10
MAINTENANCE_SECONDS = 6 * 3600.0
Loop = Callable[[], Awaitable[None]]


class Delivery(Generic[W]):
    """Everything of a worker that knows Kafka. A service adds its handlers and, if it has any, loops of its own."""

    def __init__(
        self,
        settings: ServiceSettings,
        contracts: Contracts,
        handlers: Handlers,
        make_work: Callable[[datetime], W],
        database: Database,
        clock: Clock,
        *,
        states: Mapping[str, StateTransfer] | None = None,
        unacknowledged: Mapping[str, str] | None = None,
        projections: Sequence[Projection] = (),
        patient: Collection[type[Any]] = (),
    ) -> None:
        """`states` are the state-transfer topics written here. After a loss of the broker notices of 30 days go out
        again, of a topic in `unacknowledged` those whose ids its statement gives. Events of `patient` types gather a
        moment, as do those that nothing handles: nobody waits for what is made of them.
        """
        if missing := sorted(contracts.consumed - settings.peers.keys()):
            raise SettingsError(f"PEERS names no address of {', '.join(missing)}: nothing missing could be asked for")
        schema = contracts.service
        self._settings, self._contracts, self._database, self._clock, self._schema = (
            settings, contracts, database, clock, schema,
        )  # fmt: skip
        self._relay_wake, self._topics_stand = asyncio.Event(), asyncio.Event()
        self.has_work = asyncio.Event()
        """Set when the api process says that work waits; for the one loop that does it."""
        self.units: Units[W] = Units(
            database, Statements(schema, contracts.topic), make_work, self._relay_wake.set, keyring=settings.keyring
        )
        self._membership, self._crashes = Membership(database, schema), CrashLedger(database, schema)
        self._clients = KafkaClients(settings, contracts, self._membership)
        own = {schema: f"http://{settings.http_host}:{settings.http_port}"}
        self._peers = Peers(own | settings.peers, settings.service_token)
        hurried = {model.TYPE for model in handlers if model not in patient}
        self._acting = Consumer(
            settings, contracts, handlers, self.units, partial(self._clients.consumer, ACTING, bool(hurried)),
            self._clients.admin, self._peers, clock, self._crashes, broker_is_away=self._broker_is_away,
            hurried=hurried,
        )  # fmt: skip
        self._projecting = [self._projection(projection) for projection in projections]
        consumers = (self._acting, *self._projecting)
        self._figures = Figures(database, schema, {consumer.name: consumer.reader for consumer in consumers})
        self._restore = RestoreWatch(
            database, schema, settings.peers.keys() - {schema}, self._peers, compare_seconds=settings.compare_seconds
        )
        self._marks = BrokerMarks(schema)
        self._transfers = states or {}
        streams = {contracts.topic, *contracts.producers, *self._transfers}
        self._refilling = Refilling(
            database, schema, [topic.name for topic in contracts.topics if topic.name not in streams],
            self._transfers, unacknowledged or {}, self._clients.lone_consumer, self._relay_wake.set,
            self._topics_stand,
            check_seconds=settings.broker_check_seconds, compare_seconds=settings.states_compare_seconds,
        )  # fmt: skip
        self._watch = BrokerWatch(
            self._clients.admin, contracts, self._acting.reader, self._acting.loop, self._marks, database,
            replication=settings.topic_replication, topics_stand=self._topics_stand,
            compare_all=self._compare_all,
        )  # fmt: skip

    async def run(self, *loops: Loop) -> None:
        """Until cancelled. Any part that ends by an error ends the process: the next start takes all up again."""
        states = States(
            self._transfers, self._schema, limit_seconds=self._settings.delivery_limit_seconds,
            clock=asyncio.get_running_loop().time,
        )  # fmt: skip
        lanes = Lanes(self._database.dedicated, self._schema)
        relay = Relay(
            lanes, self._clients.producer, self._marks, states, self._schema,
            self._contracts.topic, wake=self._relay_wake, topics_stand=self._topics_stand,
        )  # fmt: skip
        self._figures.lanes = lanes
        await self._database.warm(WARM_CONNECTIONS)
        await self._rehearse()
        try:
            async with (
                listening(self._settings.wake_port, self._is_ready, self._relay_wake, self.has_work),
                metrics_served(self._settings, self._figures.read),
                asyncio.TaskGroup() as group,
            ):
                await self._restore.until_trusted()
                for part in (
                    self._restore.watch(), relay.run(), self._watch.run(self._settings.broker_check_seconds),
                    self._consume(), self._refilling.run(), self._maintain(), seal_loop(self._database, self._schema),
                    *(loop() for loop in loops),
                ):  # fmt: skip
                    group.create_task(lasting(part))
        except asyncio.CancelledError:  # whatever ends a worker otherwise may have been the work of an event
            await self._crashes.end()
            raise
        finally:
            self._crashes.close()
            await self._peers.close()
            await self._membership.close()

    async def _rehearse(self) -> None:
        """Several times: code warms by running. An outage leaves it to the first event."""
        for _ in range(REHEARSALS):
            arrivals = rehearsed(self._contracts.read, at=self._clock.now())
            try:
                await self._acting.applier.rehearse(arrivals)
            except OUTAGES as error:
                log.info("rehearsal_left_out", error=type(error).__name__)
                return

    @property
    def topics_stand(self) -> asyncio.Event:
        """Set once the broker has every topic of the contracts."""
        return self._topics_stand

    @property
    def paused_topics(self) -> set[str]:
        """Topics of producers that are distrusted: nothing more is read from them."""
        return self._acting.reader.paused

    def _is_ready(self) -> bool:
        """Reading, or kept from it by the broker or by other workers alone: then a restart would cure nothing."""
        acting = self._acting
        return bool(acting.reader.assignment) or acting.watchdog.stands_by or self._watch.broker_is_away

    def _broker_is_away(self) -> bool:
        return self._watch.broker_is_away

    async def _consume(self) -> None:
        await self._membership.join()
        await self._crashes.begin(self._membership.name)
        await self._topics_stand.wait()
        async with asyncio.TaskGroup() as group:
            for part in (
                self._acting.run(), self._membership.hold(),
                *(projecting.run_apart() for projecting in self._projecting),
            ):  # fmt: skip
                group.create_task(lasting(part))

    def _projection(self, projection: Projection) -> Consumer:
        contracts = projection.contracts(self._contracts)
        statements = ProjectionStatements(
            self._schema, contracts.topic, consumer=projection.name, producers=sorted(contracts.consumed)
        )
        units = ProjectionUnits(self._database, statements, projection.make_work, lambda: None)
        return Consumer(
            self._settings, contracts, projection.handlers, units,
            partial(self._clients.consumer, projection.name, False), self._clients.admin, self._peers, self._clock,
            self._crashes, broker_is_away=self._broker_is_away, hurried=(), goes_after=self._acting.loop,
        )  # fmt: skip

    def _compare_all(self, reason: str) -> None:
        for consumer in (self._acting, *self._projecting):
            consumer.repair.compare_all(reason)

    async def _maintain(self) -> None:
        """The log's coming months; rows in its default partition mean that somebody has let this stop."""
        while True:
            with suppress(*OUTAGES):
                statement, *arguments = add_partitions_call(self._schema, self._clock.now())
                async with self._database.connection() as connection:
                    if await connection.fetchval(f"SELECT EXISTS (SELECT 1 FROM {self._schema}.event_log_default)"):
                        log.error("event_log_default_holds_rows")
                    await connection.execute(statement, *arguments)
            await asyncio.sleep(MAINTENANCE_SECONDS)
