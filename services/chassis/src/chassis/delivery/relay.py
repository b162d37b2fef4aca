"""The relay: takes outbox rows that are there, sends each lane in order, deletes what the broker has acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from chassis.delivery.clients import start_client, stop_client
from chassis.delivery.lanes import Lanes
from chassis.delivery.marks import BrokerMarks
from chassis.delivery.outages import OUTAGES, waits
from chassis.delivery.sending import (
    REFUSED_FOR_ITSELF,
    Outcome,
    Outgoing,
    Overtaken,
    Sending,
    Sent,
    Unknown,
    outcome_of,
)
from chassis.delivery.statements import kafka_headers
from chassis.delivery.states import States
from chassis.failpoints import failpoint
from chassis.metrics_counting import records_sent

log = structlog.get_logger(__name__)

BATCH = 1000
SEND_SECONDS = 15.0
REST_SECONDS = 5.0
STREAMING_SECONDS = 1.0  # after an event of the stream, portions are small
OUTSIDERS_AT_ONCE = 300
BY_THEMSELVES_AT_ONCE = 100
OUTSIDERS_SECONDS, OUTSIDERS_FEW_SECONDS = 0.4, 0.1
BALANCE_SECONDS = 2.0
IDLE_SECONDS = 0.2  # every commit wakes the relay: this is for a wake that was lost, and for what has gathered


class Relay:
    """One per worker. No transaction is open while it produces; a kill sends a record twice, never not at all."""

    def __init__(
        self,
        lanes: Lanes,
        make_producer: Callable[[], AIOKafkaProducer],
        marks: BrokerMarks,
        states: States,
        schema: str,
        topic: str,
        *,
        wake: asyncio.Event,
        topics_stand: asyncio.Event,
    ) -> None:
        self._lanes, self._make_producer, self._marks, self._wake = lanes, make_producer, marks, wake
        self._topics_stand, self._states, self._topic = topics_stand, states, topic
        self._producer: AIOKafkaProducer | None = None
        self._resting: dict[int, float] = {}
        self._by_themselves: set[str] = set()  # topics of which the broker has refused a batch for its size
        self._next_outsiders = self._streams_until = 0.0
        self.sent = 0
        self._take = f"""
            SELECT o.n, o.lane, o.topic, o.key, o.event_id, coalesce(e.headers, t.headers), coalesce(e.body, t.body)
            FROM ((SELECT n, lane, topic, key, event_id, resend FROM {schema}.outbox
                   WHERE lane = ANY ($1) AND topic = $3 ORDER BY resend, n LIMIT {BATCH})
                  UNION ALL
                  (SELECT n, lane, topic, key, event_id, resend FROM {schema}.outbox
                   WHERE lane = ANY ($1) AND topic <> $3 AND (event_id IS NOT NULL OR lane = ANY ($2))
                   ORDER BY resend, n LIMIT $4)) o
            LEFT JOIN LATERAL (
                SELECT headers, body FROM {schema}.event_log WHERE id = o.event_id AND o.topic = $3 LIMIT 1) e ON true
            LEFT JOIN LATERAL (
                SELECT headers, body FROM {schema}.notice WHERE id = o.event_id AND o.topic <> $3 LIMIT 1) t ON true
            ORDER BY o.resend, o.n
        """
        self._set_aside = f"""
            WITH gone AS (DELETE FROM {schema}.outbox WHERE n = $1 RETURNING n, lane, topic, key, event_id)
            INSERT INTO {schema}.unsendable (n, lane, topic, key, event_id, reason)
            SELECT n, lane, topic, key, event_id, $2 FROM gone WHERE NOT EXISTS (
                SELECT 1 FROM {schema}.unsendable u WHERE u.topic = gone.topic AND u.event_id = gone.event_id)
            ON CONFLICT DO NOTHING
        """

    async def run(self) -> None:
        following = waits()
        next_balance = 0.0
        clock = asyncio.get_running_loop().time
        try:
            while True:
                try:
                    if clock() >= next_balance:
                        await self._lanes.balance()
                        next_balance = clock() + BALANCE_SECONDS
                    moved = await self.send_batch()
                    following = waits()
                except (Unknown, *OUTAGES) as error:
                    await self._rebuild(error)
                    next_balance = 0.0
                    await asyncio.sleep(following())
                    continue
                if moved < BATCH:
                    await self._sleep(IDLE_SECONDS)
        finally:
            await self._drop_producer()
            await self._lanes.close()

    async def send_batch(self) -> int:
        """Sends what is there, at most one batch; returns how many rows left the outbox.

        While a topic is missing it takes nothing: the producer would ask for it in a loop without pause.
        """
        await self._topics_stand.wait()
        await self._started()  # at the first look, not at the first row: that one should not wait for it
        connection = await self._lanes.open()
        lanes = self._lanes_to_send()
        of_states = await self._states.lanes_to_send(connection, self._lanes)
        outsiders = self._how_many_for_outsiders()
        rows = [Outgoing(*row) for row in await connection.fetch(self._take, lanes, of_states, self._topic, outsiders)]
        self._look_again(rows, outsiders)
        rows = self._few_by_themselves(rows)
        if not rows:
            return 0
        sending = Sending(await self._started(), asyncio.get_running_loop().time, self._by_themselves)
        outcomes = await self._produce(connection, rows, sending)
        failpoint("relay.after_ack")
        return await self._settle(connection, rows, outcomes, sending.for_itself)

    def _how_many_for_outsiders(self) -> int:
        """Other services wait for the stream; partners and sources do not, so what is for them gathers a moment, and
        goes in portions beside which the stream is not held up."""
        now = asyncio.get_running_loop().time()
        if now < self._next_outsiders:
            return 0
        return OUTSIDERS_AT_ONCE if now < self._streams_until else BATCH

    def _look_again(self, rows: Sequence[Outgoing], outsiders: int) -> None:
        now, own = asyncio.get_running_loop().time(), sum(row.topic == self._topic for row in rows)
        if own:
            self._streams_until = now + STREAMING_SECONDS
        if outsiders:
            is_more = len(rows) - own == outsiders
            self._next_outsiders = now + (OUTSIDERS_FEW_SECONDS if is_more else OUTSIDERS_SECONDS)

    def _lanes_to_send(self) -> list[int]:
        """Those held, but for one whose partition alone does not answer: it rests, and the others go on."""
        now = asyncio.get_running_loop().time()
        self._resting = {lane: until for lane, until in self._resting.items() if until > now}
        return sorted(self._lanes.held - self._resting.keys())

    def _few_by_themselves(self, rows: Sequence[Outgoing]) -> list[Outgoing]:
        """Each of these costs a round trip: the other topics are not to wait long for them."""
        few = {topic: [row for row in rows if row.topic == topic] for topic in self._by_themselves}
        later = {row.n for of_topic in few.values() for row in of_topic[BY_THEMSELVES_AT_ONCE:]}
        self._by_themselves -= {topic for topic, of_topic in few.items() if not of_topic}
        return [row for row in rows if row.n not in later]

    async def _produce(
        self, connection: asyncpg.Connection, rows: Sequence[Outgoing], sending: Sending
    ) -> list[Outcome]:
        """Records first, then the states, which are read right before they are sent."""
        records = []
        for row in rows:
            if row.is_state:
                continue
            if row.headers is None or row.body is None:
                sending.refuse(row, LookupError("what is to be sent is not there"))
            elif row.topic in sending.by_themselves:
                await sending.send(row, kafka_headers(row.headers), row.body)
            else:
                records.append((row, kafka_headers(row.headers), row.body))
        await sending.send_all(records)
        await self._send_states(connection, [row for row in rows if row.is_state], sending)
        failpoint("relay.mid_batch")
        await asyncio.wait(sending.futures.values(), timeout=SEND_SECONDS)
        self._states.doubt(sending.in_doubt(rows, self._states.is_late), self._lanes)
        return [outcome_of(sending.futures[row.n]) for row in rows]

    async def _send_states(self, connection: asyncpg.Connection, rows: Sequence[Outgoing], sending: Sending) -> None:
        for topic in sorted({row.topic for row in rows}):
            of_topic = [row for row in rows if row.topic == topic]
            if not self._states.knows(topic):
                for row in of_topic:
                    sending.refuse(row, LookupError("nothing is known of this topic's states"))
                continue
            read_at = sending.clock()
            states = await self._states.read(connection, topic, [row.key for row in of_topic])
            failpoint("relay.state_read")
            sent: dict[str, Sent] = {}  # each key once, however often it stands in the batch
            for row in of_topic:
                if row.key in sent:
                    sending.futures[row.n] = sent[row.key]
                    continue
                state = states.get(row.key)
                if state is None or self._states.is_late(read_at):
                    sending.refuse(row, Overtaken("its lane is another relay's"))
                    continue
                sending.read_at[topic, row.key] = read_at
                sent[row.key] = await sending.send(row, state.headers, state.body)

    async def _settle(
        self,
        connection: asyncpg.Connection,
        rows: Sequence[Outgoing],
        outcomes: Sequence[Outcome],
        for_itself: Collection[int],
    ) -> int:
        """Deletes the acknowledged prefix of each lane and topic; sets aside what is refused for itself."""
        stopped: set[tuple[int, str]] = set()
        done, aside, doubt = [], [], None
        for row, outcome in zip(rows, outcomes, strict=True):
            if isinstance(outcome, LookupError) or (isinstance(outcome, REFUSED_FOR_ITSELF) and row.n in for_itself):
                aside.append((row, type(outcome).__name__))
            elif isinstance(outcome, BaseException):
                stopped.add((row.lane, row.topic))
                self._by_themselves |= {row.topic} if isinstance(outcome, REFUSED_FOR_ITSELF) else set()
                doubt = doubt if isinstance(doubt, Overtaken) else outcome
            elif (row.lane, row.topic) not in stopped:
                done.append(row.n)
        acknowledged = [outcome for outcome in outcomes if isinstance(outcome, RecordMetadata)]
        await self._marks.acknowledged(connection, acknowledged, done)
        for row, reason in aside:
            await connection.execute(self._set_aside, row.n, reason)
            log.error("record_unsendable", topic=row.topic, n=row.n, reason=reason)
        self.sent += len(done)
        gone = set(done)
        records_sent(row.topic for row in rows if row.n in gone)
        if doubt is not None:
            if done:
                rested = asyncio.get_running_loop().time() + REST_SECONDS
                self._resting |= {lane: rested for lane, topic in stopped if topic not in self._by_themselves}
            raise Unknown(type(doubt).__name__) from doubt
        return len(done) + len(aside)

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = self._make_producer()
            await start_client(producer.start, producer.stop)
            self._producer = producer
        return self._producer

    async def _rebuild(self, error: BaseException) -> None:
        log.warning("relay_outage", error=type(error).__name__)
        if isinstance(error, (Unknown, KafkaError, TimeoutError)):
            await self._drop_producer()
        if not isinstance(error, (Unknown, KafkaError)) or isinstance(error.__cause__, Overtaken):
            await self._lanes.close()

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await stop_client(producer.stop)

    async def _sleep(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()
