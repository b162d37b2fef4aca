"""B4: a backlog in the outbox, then one relay. Ours and the floor's send the same bodies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from bench.beside import PARTITIONS, make_tables, make_topics, processes
from bench.findings import Findings
from bench.floor import stage as floor
from bench.ours import running_ours
from bench.plan import Plan
from bench.road import bars, voiding
from bench.servers import fresh_layout, servers
from bench.subject import BESIDE_US, Subject, Void
from chassis.delivery.statements import lane_of
from chassis.delivery.wire import write_headers
from chassis.ids import new_id
from referral_schemas.intake import ReferralOpened
from stack.keys import Keys
from stack.parts import admin_url, bootstrap_servers

ROWS = 150_000
MOST_SECONDS = 120.0
BODY = ReferralOpened.example().model_dump_json()


async def measure_draining(plan: Plan, findings: Findings) -> None:
    rows = round(ROWS * plan.scale)
    await _drain_ours(rows, plan, findings)
    await _drain_floor(rows, plan, findings)


async def _drain_ours(rows: int, plan: Plan, findings: Findings) -> None:
    (bar,) = bars("B4")
    async with running_ours(services=("intake",)) as (stack, subject):
        with voiding([bar], subject, findings):
            for _ in range(plan.runs):
                servers_at = stack.facts()["kafka"]["bootstrap_servers"]
                async with stack.keepers["intake-worker"].held_down():
                    before = await sent_so_far(servers_at, "intake.v1")
                    await _fill_ours(subject, rows)
                rate = await _time(subject, "intake.outbox")
                await _must_have_sent(servers_at, "intake.v1", before + rows)
                findings.found(bar, subject.name, rate)


async def _drain_floor(rows: int, plan: Plan, findings: Findings) -> None:
    (bar,) = bars("B4")
    layout = fresh_layout("floor")
    async with servers(layout):
        url, servers_at = admin_url(layout, Keys(layout.secrets)), bootstrap_servers(layout)
        await make_tables(url, floor.tables())
        await make_topics(servers_at, floor.TOPICS)
        for _ in range(plan.runs):
            subject = Subject("floor", 0, "", url, BESIDE_US, {})
            with voiding([bar], subject, findings):
                before = await sent_so_far(servers_at, "floor.intake")
                records = [(new_id(), 1, BODY.encode()) for _ in range(rows)]
                async with _connection(subject) as connection:
                    await connection.copy_records_to_table(
                        "outbox_intake", records=records, columns=["referral_id", "seq", "body"]
                    )
                async with processes("floor", layout, url, stages=["intake"], api=False) as running:
                    rate = await _time(running, "outbox_intake")
                await _must_have_sent(servers_at, "floor.intake", before + rows)
                findings.found(bar, "floor", rate)
            await subject.close()


async def _fill_ours(subject: Subject, rows: int) -> None:
    """As the unit of work would have left them: stream, event_log, outbox."""
    now = datetime.now(UTC)
    ids = [(new_id(), new_id()) for _ in range(rows)]
    async with _connection(subject) as connection:
        await connection.copy_records_to_table(
            "stream", schema_name="intake", columns=["referral_id", "head", "head_event_id"],
            records=[(referral, 1, event) for referral, event in ids],
        )  # fmt: skip
        await connection.copy_records_to_table(
            "event_log", schema_name="intake", columns=["id", "referral_id", "seq", "type", "headers", "body"],
            records=[(event, referral, 1, ReferralOpened.TYPE, _headers(event, referral, now), BODY)
                     for referral, event in ids],
        )  # fmt: skip
        await connection.copy_records_to_table(
            "outbox", schema_name="intake", columns=["lane", "topic", "key", "event_id"],
            records=[(lane_of(referral), "intake.v1", str(referral), event) for referral, event in ids],
        )  # fmt: skip


def _headers(event: UUID, referral: UUID, now: datetime) -> str:
    headers: dict[str, Any] = write_headers(
        event_id=event, event_type=ReferralOpened.TYPE, subject=referral, at=now, seq=1, after={}, causation_id=event
    )
    return orjson.dumps(headers).decode()


async def _time(subject: Subject, outbox: str) -> float:
    """Rows a second, from the first row gone to the last. Raises Void when it takes minutes."""
    deadline = time.monotonic() + MOST_SECONDS
    whole = await subject.value(f"SELECT count(*) FROM {outbox}")
    began, left_at_first = 0.0, 0
    while True:
        left = await subject.value(f"SELECT count(*) FROM {outbox}")
        now = time.monotonic()
        if not began and left < whole:
            began, left_at_first = now, left
        if left == 0:
            return float(left_at_first) / max(now - began, 0.001)
        if now > deadline:
            raise Void(f"{left} of {whole} rows still stand in the outbox")
        await asyncio.sleep(0.05)


async def sent_so_far(servers_at: str, topic: str) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=servers_at)
    await consumer.start()
    try:
        ends = await consumer.end_offsets([TopicPartition(topic, n) for n in range(PARTITIONS)])
        return sum(ends.values())
    finally:
        await consumer.stop()


async def _must_have_sent(servers_at: str, topic: str, expected: int) -> None:
    sent = await sent_so_far(servers_at, topic)
    if sent != expected:
        raise Void(f"{sent} records stand in {topic}, not {expected}")


@asynccontextmanager
async def _connection(subject: Subject) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(subject.url)
    try:
        yield connection
    finally:
        await connection.close()
