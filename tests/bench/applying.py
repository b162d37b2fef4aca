"""B5 and B9: a backlog on the topics, then one consumer. For us it is followup, which acts on every kind of fact that
the automatic road has, three events a referral; for the floor a stage that reads the same ones by hand. What the
floor's last stage of the road does, which moves bytes it does not read, is told beside them."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer
from bench.beside import PARTITIONS, make_tables, make_topics, processes
from bench.findings import Findings
from bench.floor import stage as floor
from bench.floor import story
from bench.ours import running_ours
from bench.plan import BACKLOG_EVENTS, Bar, Plan
from bench.road import bars, voiding
from bench.servers import fresh_layout, servers
from bench.subject import FLOOR, Subject, Void
from bench.weighing import peak_of
from chassis.delivery.contracts import EventModel
from chassis.delivery.statements import lane_of
from chassis.delivery.wire import write_headers
from chassis.ids import new_id
from referral_schemas.intake import ReferralOpened
from referral_schemas.triage import ReferralClassified, ReferralDispatched
from stack.keys import Keys
from stack.layout import Layout
from stack.parts import admin_url, bootstrap_servers, near_url

Record = tuple[str, int, bytes, bytes, list[tuple[str, bytes]]]
"""Topic, partition, key, body, headers."""
Progress = Sequence[tuple[float, int]]
Found = Callable[[str, Progress, float], None]
"""Given who applied, how many were applied by when, and when the consumer was let go."""
EVENTS, LEAST_EVENTS = 90_000, 9_000
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
    referrals = plan.rows(EVENTS, least=LEAST_EVENTS) // len(STORY)

    def found(subject: str, progress: Progress, began: float) -> None:
        findings.found(bar, subject, events_a_second(progress))

    for _ in range(plan.runs):
        await _ours(bar, referrals, findings, found)
        await _floor(bar, referrals, findings, found)
    await _moved_only(bar, referrals * len(STORY), findings)


async def measure_backlog(plan: Plan, findings: Findings) -> None:
    """B9, once: it takes minutes. From the start of the worker; a smaller one says what the whole would take."""
    (bar,) = bars("B9")
    referrals = plan.rows(BACKLOG_EVENTS, least=LEAST_EVENTS) // len(STORY)

    def found(subject: str, progress: Progress, began: float) -> None:
        (first, _), (last, events) = progress[0], progress[-1]
        note = f"{events:,} events in {last - began:.0f} s, of which {first - began:.1f} s until the first commit"
        if events < BACKLOG_EVENTS:
            note = f"EXTRAPOLATED from {note}"
        findings.found(bar, subject, first - began + (last - first) * BACKLOG_EVENTS / events, note=note)

    await _ours(bar, referrals, findings, found)


async def _ours(bar: Bar, referrals: int, findings: Findings, found: Found) -> None:
    """The worker ends in order before: one that was killed is wary for a minute, and that is not what is asked."""
    async with running_ours(services=("followup",), overrides=NO_COMPARISON) as (stack, subject):
        with voiding([bar], subject, findings):
            async with stack.keepers["followup-worker"].held_down(signal.SIGTERM):
                await send(stack.facts()["kafka"]["bootstrap_servers"], _story(referrals))
                findings.say(f"{referrals * len(STORY):,} events stand on the topics")
            began = time.time()
            await _until(subject, "SELECT count(*) FROM followup.watch", referrals)
            await _check_ours(subject, referrals)
            found(subject.name, await _progress(subject, _APPLIED), began)
            behind = referrals * len(STORY) - await subject.value(_TIMELINE)
            peak = peak_of(stack.keepers["followup-worker"].pid or 0)
            findings.say(f"its timeline is {behind:,} events behind; the worker weighed {peak:.0f} MB at most")


async def _floor(bar: Bar, referrals: int, findings: Findings, found: Found) -> None:
    async with _floors_servers(story.TABLES) as (layout, subject, servers_at):
        with voiding([bar], subject, findings):
            await send(servers_at, _story(referrals, prefix="floor."))
            began = time.time()
            async with processes("floor", layout, subject.url, stages=["story"], api=False):
                await _until(subject, "SELECT count(*) FROM told", referrals)
            applied = await subject.value("SELECT sum(intake + triage) FROM story WHERE office IS NOT NULL")
            waiting = await subject.value("SELECT count(*) FROM waiting")
            if applied != referrals * len(STORY) or waiting:
                raise Void(f"{applied} events applied, {waiting} wait")
            found("floor", await _progress(subject, _APPLIED_BY_FLOOR), began)


async def _moved_only(bar: Bar, events: int, findings: Findings) -> None:
    async with _floors_servers() as (layout, subject, servers_at):
        with voiding([bar], subject, findings):
            await send(servers_at, _floor_records(events))
            async with processes("floor", layout, subject.url, stages=["followup"], api=False):
                await _until(subject, "SELECT count(*) FROM watch", events)
            applied = await subject.value("SELECT sum(last) FROM position_followup")
            if applied != events:
                raise Void(f"{applied} of {events} events applied")
            rate = events_a_second(await _progress(subject, _MOVED_BY_FLOOR))
            findings.note(bar, f"a stage by hand that does not read what it moves: {rate:,.0f}/s")


@asynccontextmanager
async def _floors_servers(tables: str = "") -> AsyncIterator[tuple[Layout, Subject, str]]:
    layout = fresh_layout("floor")
    async with servers(layout):
        url, servers_at = near_url(layout, admin_url(layout, Keys(layout.secrets))), bootstrap_servers(layout)
        await make_tables(url, ";".join([floor.tables(), tables]))
        await make_topics(servers_at, [*floor.TOPICS, *story.PRODUCERS])
        subject = Subject("floor", 0, "", url, FLOOR, {})
        yield layout, subject, servers_at
        await subject.close()


_PROGRESS = """
    SELECT at, (sum(n) OVER (ORDER BY at))::int AS so_far FROM (
        SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS at, {n} AS n
        FROM {table} GROUP BY 1) commits ORDER BY at"""
_APPLIED = _PROGRESS.format(n="sum(last)", table="followup.stream_pos WHERE consumer = 'acting'")
_TIMELINE = (
    "SELECT coalesce(sum(last), 0) FROM followup.stream_pos WHERE consumer = 'timeline' AND producer <> 'followup'"
)
_APPLIED_BY_FLOOR = _PROGRESS.format(n="sum(n)", table="applied")
_MOVED_BY_FLOOR = _PROGRESS.format(n="count(*)", table="watch")
"""How many were applied by each commit. A position is counted whole when it was last moved."""


def events_a_second(progress: Progress) -> float:
    """Of the middle four fifths: starting and the last small batch are not applying. Raises Void for a few batches."""
    events = progress[-1][1] if progress else 0
    reached = [next((one for one in progress if one[1] >= share * events), (0.0, 0)) for share in (0.1, 0.9)]
    (early, begun), (late, done) = reached
    if late <= early:
        raise Void(f"{len(progress)} batches are too few to be timed")
    return (done - begun) / (late - early)


async def _progress(subject: Subject, statement: str) -> Progress:
    return [(row["at"], row["so_far"]) for row in await subject.rows(statement)]


async def send(servers_at: str, records: Iterator[Record]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=servers_at, acks="all", linger_ms=5, max_batch_size=256 * 1024)
    await producer.start()
    try:
        sent = []
        for topic, partition, key, body, headers in records:
            sent.append(await producer.send(topic, body, key=key, partition=partition, headers=headers))
            if len(sent) == CHUNK:
                await asyncio.gather(*sent)
                sent.clear()
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


def _story(referrals: int, *, prefix: str = "") -> Iterator[Record]:
    bodies = [model.example().model_dump_json().encode() for _, _, model, _ in STORY]
    now = datetime.now(UTC)
    for _ in range(referrals):
        referral_id = new_id()
        lane = lane_of(referral_id)  # the partition too: a topic has as many as there are lanes
        for (topic, seq, model, after), body in zip(STORY, bodies, strict=True):
            headers = write_headers(
                event_id=new_id(), event_type=model.TYPE, subject=referral_id, at=now, seq=seq, after=after,
                causation_id=None,
            )  # fmt: skip
            raw = [(name, value.encode()) for name, value in headers.items()]
            yield prefix + topic, lane, str(referral_id).encode(), body, raw


def _floor_records(events: int) -> Iterator[Record]:
    body = ReferralDispatched.example().model_dump_json().encode()
    for n in range(events):
        yield "floor.triage", n % PARTITIONS, new_id().bytes, body, [("seq", b"1")]


async def _until(subject: Subject, statement: str, wanted: int) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while (found := await subject.value(statement)) < wanted:
        if time.monotonic() > deadline:
            raise Void(f"{found} of {wanted} were applied in {MOST_SECONDS:.0f} s")
        await asyncio.sleep(0.5)


async def _check_ours(subject: Subject, referrals: int) -> None:
    """Every event applied once, nothing parked, every watch told once."""
    applied = await subject.value("SELECT sum(last) FROM followup.stream_pos WHERE consumer = 'acting'")
    parked = await subject.value("SELECT count(*) FROM followup.parked WHERE consumer = 'acting'")
    told = await subject.value("SELECT count(*) FROM followup.event_log")
    if applied != referrals * len(STORY) or parked or told != referrals:
        raise Void(f"{applied} events applied, {parked} parked, {told} watches told of {referrals}")
