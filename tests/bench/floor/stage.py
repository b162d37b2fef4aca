"""One stage of the floor: relay of its own outbox, and a consumer whose batch is one statement, gate included."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

BATCH, REST_SECONDS, COMMIT_SECONDS = 1000, 0.2, 0.5


@dataclass(frozen=True)
class Stage:
    """`reads` is the topic before it, `writes` its own; the last two of the road write to nobody who acts."""

    name: str
    reads: str | None
    writes: str | None
    table: str | None


STAGES = {
    "intake": Stage("intake", None, "floor.intake", None),
    "triage": Stage("triage", "floor.intake", "floor.triage", "referral"),
    "mediation": Stage("mediation", "floor.triage", None, "mirror"),
    "followup": Stage("followup", "floor.triage", "floor.followup", "watch"),
}
TOPICS = [stage.writes for stage in STAGES.values() if stage.writes]


def tables() -> str:
    """Every table of the floor: calls, one of state and one of positions a stage, one outbox a writer."""
    statements = [
        """CREATE TABLE call (call_no text PRIMARY KEY, referral_id uuid NOT NULL, body bytea NOT NULL,
                              received_at timestamptz NOT NULL DEFAULT now())"""
    ]
    for stage in STAGES.values():
        if stage.table:
            statements.append(f"CREATE TABLE {stage.table} (referral_id uuid PRIMARY KEY, body bytea NOT NULL)")
            statements.append(f"CREATE TABLE position_{stage.name} (referral_id uuid PRIMARY KEY, last int NOT NULL)")
        if stage.writes:
            statements.append(
                f"""CREATE TABLE outbox_{stage.name} (n bigserial PRIMARY KEY, referral_id uuid NOT NULL,
                        seq int NOT NULL, body bytea NOT NULL)
                    WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)"""
            )
    return ";".join(statements)


def apply_statement(stage: Stage) -> str:
    """The gate is the conditional upsert: what it lets pass is kept, and said on."""
    said = f"INSERT INTO outbox_{stage.name} (referral_id, seq, body) SELECT r, 1, b FROM passed ORDER BY o"
    return f"""
        WITH given AS (
            SELECT * FROM unnest($1::uuid[], $2::int[], $3::bytea[]) WITH ORDINALITY AS t(r, s, b, o)
        ), reached AS (
            INSERT INTO position_{stage.name} AS p (referral_id, last) SELECT r, s FROM given ORDER BY r
            ON CONFLICT (referral_id) DO UPDATE SET last = EXCLUDED.last WHERE p.last = EXCLUDED.last - 1
            RETURNING referral_id
        ), passed AS (
            SELECT given.* FROM given JOIN reached ON referral_id = r
        ), kept AS (
            INSERT INTO {stage.table} (referral_id, body) SELECT r, b FROM passed ORDER BY r
        )
        {said if stage.writes else "SELECT count(*) FROM passed"}
    """


class Worker:
    def __init__(self, stage: Stage, database_url: str, bootstrap_servers: str, wake_port: int) -> None:
        self._stage, self._url, self._bootstrap, self._wake_port = stage, database_url, bootstrap_servers, wake_port
        self._woken = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            if self._stage.writes:
                group.create_task(self.relay(self._stage.writes))
            if self._stage.reads:
                group.create_task(self._consume(self._stage.reads))
            if self._wake_port:
                group.create_task(self._listen())

    def wake(self) -> None:
        self._woken.set()

    async def relay(self, topic: str) -> None:
        """Takes rows that are there, sends them, deletes them when all are acknowledged."""
        connection = await asyncpg.connect(self._url)
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, enable_idempotence=True, acks="all", max_batch_size=128 * 1024
        )
        await producer.start()
        outbox = f"outbox_{self._stage.name}"
        while True:
            rows = await connection.fetch(f"SELECT n, referral_id, seq, body FROM {outbox} ORDER BY n LIMIT {BATCH}")
            sent = [
                await producer.send(topic, body, key=key.bytes, headers=[("seq", b"%d" % seq)])
                for _, key, seq, body in rows
            ]
            if sent:
                await asyncio.gather(*sent)
                await connection.execute(f"DELETE FROM {outbox} WHERE n = ANY ($1)", [row[0] for row in rows])
            if len(rows) < BATCH:
                with suppress(TimeoutError):
                    async with asyncio.timeout(REST_SECONDS):
                        await self._woken.wait()
                self._woken.clear()

    async def _consume(self, topic: str) -> None:
        connection = await asyncpg.connect(self._url)
        await connection.execute("SET enable_seqscan = off")
        statement = await connection.prepare(apply_statement(self._stage))
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=self._bootstrap, group_id=f"floor.{self._stage.name}", enable_auto_commit=False,
            auto_offset_reset="earliest", fetch_max_wait_ms=200, max_poll_interval_ms=900_000,
        )  # fmt: skip
        await consumer.start()
        clock, committed = asyncio.get_running_loop().time, 0.0
        while True:
            found = await consumer.getmany(timeout_ms=200, max_records=500)
            records = [record for some in found.values() for record in some]
            if not records:
                continue
            keys = [UUID(bytes=record.key) for record in records]
            numbers = [int(record.headers[0][1]) for record in records]
            await statement.fetch(keys, numbers, [record.value for record in records])
            self._woken.set()
            if clock() - committed > COMMIT_SECONDS:
                committed = clock()
                await consumer.commit({TopicPartition(r.topic, r.partition): r.offset + 1 for r in records})

    async def _listen(self) -> None:
        """The api says by a datagram that there is something to relay."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
            ear.setblocking(False)
            ear.bind(("127.0.0.1", self._wake_port))
            while True:
                await loop.sock_recv(ear, 16)
                self._woken.set()


def worker_of(name: str) -> Worker:
    port = int(os.environ["FLOOR_WAKE_PORT"]) if name == "intake" else 0
    return Worker(STAGES[name], os.environ["FLOOR_DATABASE_URL"], os.environ["FLOOR_BOOTSTRAP_SERVERS"], port)
