"""B4: a backlog in the outbox, then one relay. Ours and the floor's send the same bodies."""

from __future__ import annotations

import asyncio
import signal
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
from bench.subject import FLOOR, Subject, Void
from chassis.delivery.statements import lane_of
from chassis.delivery.wire import write_headers
from chassis.ids import new_id
from referral_schemas.intake import ReferralOpened
from stack.keys import Keys
from stack.parts import admin_url, bootstrap_servers, near_url

ROWS, LEAST_ROWS = 150_000, 15_000
LOOK_SECONDS = 0.02
MOST_SECONDS = 120.0
BODY = ReferralOpened.example().model_dump_json()


async def drain_ours(plan: Plan, findings: Findings) -> None:
    """The worker ends in order before: one that was killed is wary for a minute, and that is not what is asked."""
    (bar,) = bars("B4")
    rows = plan.rows(ROWS, least=LEAST_ROWS)
    async with running_ours(services=("intake",)) as (stack, subject):
        servers_at = stack.facts()["kafka"]["bootstrap_servers"]
        for _ in range(plan.runs):
            with voiding([bar], subject, findings):
                async with stack.keepers["intake-worker"].held_down(signal.SIGTERM):
                    before = await sent_so_far(servers_at, "intake.v1")
                    await _fill_ours(subject, rows)
                rate = await _time(subject, "intake.outbox", rows)
                await _must_have_sent(servers_at, "intake.v1", before + rows)
                findings.found(bar, subject.name, rate)


async def drain_floor(plan: Plan, findings: Findings) -> None:
    (bar,) = bars("B4")
    rows = plan.rows(ROWS, least=LEAST_ROWS)
    layout = fresh_layout("floor")
    async with servers(layout):
        url, servers_at = near_url(layout, admin_url(layout, Keys(layout.secrets))), bootstrap_servers(layout)
        await make_tables(url, floor.tables())
        await make_topics(servers_at, floor.TOPICS)
        for _ in range(plan.runs):
            subject = Subject("floor", 0, "", url, FLOOR, {})
            with voiding([bar], subject, findings):
                before = await sent_so_far(servers_at, "floor.intake")
                records = [(new_id(), 1, BODY.encode()) for _ in range(rows)]
                async with _connection(subject) as connection:
                    await connection.copy_records_to_table(
                        "outbox_intake", records=records, columns=["referral_id", "seq", "body"]
                    )
                async with processes("floor", layout, url, stages=["intake"], api=False) as running:
                    rate = await _time(running, "outbox_intake", rows)
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


async def _time(subject: Subject, outbox: str, rows: int) -> float:
    """Rows a second, from the first that are gone to the last. Both relays take rows in the order of `n`, so the first
    one tells how many are left: to count them each time would cost both much more than to send them.

    Raises Void when it takes minutes, or was over before it was seen.
    """
    deadline = time.monotonic() + MOST_SECONDS
    last = await subject.value(f"SELECT max(n) FROM {outbox}")
    began, left_then = 0.0, rows
    while True:
        first = await subject.value(f"SELECT min(n) FROM {outbox}")
        now, left = time.monotonic(), 0 if first is None else last - first + 1
        if left == 0:
            break
        if not began and left < rows:
            began, left_then = now, left
        if now > deadline:
            raise Void(f"{left} of {rows} rows still stand in the outbox")
        await asyncio.sleep(LOOK_SECONDS)
    if not began:
        raise Void(f"{rows} rows were gone before the second look")
    return left_then / (now - began)


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
