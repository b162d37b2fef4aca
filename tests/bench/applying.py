"""B5 and B9: a backlog on the topics, then one consumer. For us it is followup, which acts on every kind of fact that
the automatic road has; three events a referral. For the floor it is its last stage, one event a referral."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

from aiokafka import AIOKafkaProducer
from bench.beside import make_tables, make_topics, processes
from bench.findings import Findings
from bench.floor import stage as floor
from bench.ours import running_ours
from bench.plan import BACKLOG_EVENTS, Bar, Plan
from bench.road import bars, voiding
from bench.series import quantile
from bench.servers import fresh_layout, servers
from bench.subject import BESIDE_US, Subject, Void
from chassis.delivery.contracts import EventModel
from chassis.delivery.wire import write_headers
from chassis.ids import new_id
from referral_schemas.intake import ReferralOpened
from referral_schemas.triage import ReferralClassified, ReferralDispatched
from stack.keys import Keys
from stack.parts import admin_url, bootstrap_servers

Record = tuple[str, UUID, bytes, list[tuple[str, bytes]]]
EVENTS = 90_000
CHUNK = 2_000
MOST_SECONDS = 600.0
STORY: Sequence[tuple[str, int, type[EventModel], dict[str, int]]] = (
    ("intake.v1", 1, ReferralOpened, {}),
    ("triage.v1", 1, ReferralClassified, {"intake": 1}),
    ("triage.v1", 2, ReferralDispatched, {"intake": 1}),
)
NO_COMPARISON = {"*": {"COMPARE_SECONDS": "86400"}}
"""Nobody has written these events, so nobody could be asked for their heads."""


async def measure_applying(plan: Plan, findings: Findings) -> None:
    """B5."""
    (bar,) = bars("B5")
    referrals = round(EVENTS * plan.scale) // len(STORY)
    for _ in range(plan.runs):
        await _ours(bar, referrals, findings, as_rate=True)
        await _floor(bar, referrals * len(STORY), findings)


async def measure_backlog(plan: Plan, findings: Findings) -> None:
    """B9, once: it takes minutes. A quick run takes a fiftieth and says what the whole would take."""
    (bar,) = bars("B9")
    await _ours(bar, round(BACKLOG_EVENTS * plan.scale) // len(STORY), findings, as_rate=False)


async def _ours(bar: Bar, referrals: int, findings: Findings, *, as_rate: bool) -> None:
    async with running_ours(services=("followup",), overrides=NO_COMPARISON) as (stack, subject):
        servers_at = stack.facts()["kafka"]["bootstrap_servers"]
        with voiding([bar], subject, findings):
            async with stack.keepers["followup-worker"].held_down():
                await send(servers_at, _story(referrals))
            began = time.monotonic()
            await _until(subject, "SELECT count(*) FROM followup.watch", referrals)
            took = time.monotonic() - began
            await _check_ours(subject, referrals)
            events = referrals * len(STORY)
            rate = events_a_second(await _commits(subject, _WATCHED), events)
            if as_rate:
                findings.found(bar, subject.name, rate)
            else:
                note = f"{events:,} events, {rate:,.0f}/s"
                findings.found(bar, subject.name, took * BACKLOG_EVENTS / events, note=note)


async def _floor(bar: Bar, events: int, findings: Findings) -> None:
    layout = fresh_layout("floor")
    async with servers(layout):
        url, servers_at = admin_url(layout, Keys(layout.secrets)), bootstrap_servers(layout)
        await make_tables(url, floor.tables())
        await make_topics(servers_at, floor.TOPICS)
        subject = Subject("floor", 0, "", url, BESIDE_US, {})
        with voiding([bar], subject, findings):
            await send(servers_at, _floor_records(events))
            async with processes("floor", layout, url, stages=["followup"], api=False):
                await _until(subject, "SELECT count(*) FROM watch", events)
            findings.found(bar, "floor", events_a_second(await _commits(subject, "watch"), events))
        await subject.close()


_WATCHED = "followup.event_log"


def events_a_second(commits: Sequence[float], events: int) -> float:
    """Of the middle four fifths: starting and the last small batch are not applying."""
    early, late = quantile(commits, 0.1), quantile(commits, 0.9)
    return 0.8 * events / max(late - early, 0.001)


async def send(servers_at: str, records: Iterator[Record]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=servers_at, acks="all", linger_ms=5, max_batch_size=256 * 1024)
    await producer.start()
    try:
        sent = []
        for topic, key, body, headers in records:
            sent.append(await producer.send(topic, body, key=_key(topic, key), headers=headers))
            if len(sent) == CHUNK:
                await asyncio.gather(*sent)
                sent.clear()
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


def _key(topic: str, key: UUID) -> bytes:
    return key.bytes if topic.startswith("floor.") else str(key).encode()


def _story(referrals: int) -> Iterator[Record]:
    bodies = [model.example().model_dump_json().encode() for _, _, model, _ in STORY]
    now = datetime.now(UTC)
    for _ in range(referrals):
        referral_id = new_id()
        for (topic, seq, model, after), body in zip(STORY, bodies, strict=True):
            headers = write_headers(
                event_id=new_id(), event_type=model.TYPE, subject=referral_id, at=now, seq=seq, after=after,
                causation_id=None,
            )  # fmt: skip
            yield topic, referral_id, body, [(name, value.encode()) for name, value in headers.items()]


def _floor_records(events: int) -> Iterator[Record]:
    body = ReferralDispatched.example().model_dump_json().encode()
    for _ in range(events):
        yield "floor.triage", new_id(), body, [("seq", b"1")]


async def _until(subject: Subject, statement: str, wanted: int) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while (found := await subject.value(statement)) < wanted:
        if time.monotonic() > deadline:
            raise Void(f"{found} of {wanted} were applied in {MOST_SECONDS:.0f} s")
        await asyncio.sleep(0.5)


async def _commits(subject: Subject, table: str) -> list[float]:
    rows = await subject.rows(f"SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS at FROM {table}")
    return [row["at"] for row in rows]


async def _check_ours(subject: Subject, referrals: int) -> None:
    """Every event applied once, nothing parked, every watch told once."""
    applied = await subject.value("SELECT sum(last) FROM followup.stream_pos WHERE consumer = 'acting'")
    parked = await subject.value("SELECT count(*) FROM followup.parked WHERE consumer = 'acting'")
    told = await subject.value("SELECT count(*) FROM followup.event_log")
    if applied != referrals * len(STORY) or parked or told != referrals:
        raise Void(f"{applied} events applied, {parked} parked, {told} watches told of {referrals}")
