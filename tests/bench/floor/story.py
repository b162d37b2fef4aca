"""What B5 is held against: a last stage by hand that does what is asked of one that applies.

It reads headers and bodies, lets through what is next and comes after its causes, keeps the rest until then, folds what
it was told into one row a referral, and states a fact of its own. No rules, no notices, no read model, no repair.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from bench.floor.stage import worker_of
from chassis.ids import new_id

PRODUCERS = {"floor.intake.v1": "intake", "floor.triage.v1": "triage"}
BATCH, COMMIT_SECONDS = 500, 0.5
COLUMNS = "referral_id, intake, triage, head, area, opened_at, category, grade, office, hop, due_at"
TYPES = ["uuid", "int", "int", "int", "text", "timestamptz", "text", "text", "text", "int", "timestamptz"]
TABLES = f"""
    CREATE TABLE story ({", ".join(f"{c} {t}" for c, t in zip(COLUMNS.split(", "), TYPES, strict=True))},
                        PRIMARY KEY (referral_id)) WITH (fillfactor = 70);
    CREATE TABLE told (id uuid PRIMARY KEY, referral_id uuid NOT NULL, seq int NOT NULL, headers text NOT NULL,
                       body text NOT NULL, recorded_at timestamptz NOT NULL DEFAULT now());
    CREATE TABLE waiting (referral_id uuid NOT NULL, producer text NOT NULL, seq int NOT NULL, headers bytea NOT NULL,
                          body bytea NOT NULL, PRIMARY KEY (referral_id, producer, seq));
    CREATE TABLE applied (n int NOT NULL);
"""
LOAD = f"SELECT {COLUMNS} FROM story WHERE referral_id = ANY ($1) ORDER BY referral_id FOR UPDATE"
LOAD_WAITING = "DELETE FROM waiting WHERE referral_id = ANY ($1) RETURNING referral_id, producer, seq, headers, body"
SAVE = f"""
    WITH counted AS (INSERT INTO applied (n) VALUES (${len(TYPES) + 1}))
    INSERT INTO story ({COLUMNS})
    SELECT * FROM unnest({", ".join(f"${n}::{t}[]" for n, t in enumerate(TYPES, 1))}) AS t(r) ORDER BY r
    ON CONFLICT (referral_id) DO UPDATE SET
        {", ".join(f"{c} = EXCLUDED.{c}" for c in COLUMNS.split(", ")[1:])}
"""
TELL = """
    WITH new AS (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[]) AS t(i, r, s, h, b)),
    logged AS (INSERT INTO told (id, referral_id, seq, headers, body) SELECT i, r, s, h, b FROM new)
    INSERT INTO outbox_followup (referral_id, seq, body) SELECT r, s, convert_to(b, 'UTF8') FROM new
"""
WAIT = """
    INSERT INTO waiting SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::bytea[], $5::bytea[])
    ON CONFLICT DO NOTHING
"""


@dataclass(slots=True)
class Story:
    """One referral as this stage knows it: how far it has read each producer, and what they said."""

    referral_id: UUID
    intake: int = 0
    triage: int = 0
    head: int = 0
    area: str | None = None
    opened_at: datetime | None = None
    category: str | None = None
    grade: str | None = None
    office: str | None = None
    hop: int = 0
    due_at: datetime | None = None


NAMES = [field.name for field in fields(Story)]
Event = tuple[UUID, str, int, dict[str, bytes], bytes]
"""Referral, producer, number, headers, body."""
Told = tuple[UUID, UUID, int, str, str]


def opened(story: Story, body: Any, headers: dict[str, bytes], told: list[Told]) -> None:
    story.area = body["place"]["area_code"] or body["station_code"][:6]
    story.opened_at = datetime.fromisoformat(headers["ce_time"].decode())


def classified(story: Story, body: Any, headers: dict[str, bytes], told: list[Told]) -> None:
    story.category, story.grade = body["category"], body["grade"]


def dispatched(story: Story, body: Any, headers: dict[str, bytes], told: list[Told]) -> None:
    is_first = story.office is None
    story.office, story.hop = body["office"]["code"], body["hop"]
    story.due_at = min((datetime.fromisoformat(one["due_at"]) for one in body["clocks"]), default=None)
    if is_first:
        story.head += 1
        event_id, now = new_id(), datetime.now(UTC).isoformat()
        said = {
            "ce_specversion": "1.0", "ce_id": str(event_id), "ce_source": "/floor/followup", "ce_time": now,
            "ce_type": "floor.watch_opened", "ce_subject": str(story.referral_id), "ce_streamseq": str(story.head),
            "ce_causationid": headers["ce_id"].decode(), "ce_after": f"intake:{story.intake},triage:{story.triage + 1}",
        }  # fmt: skip
        body = orjson.dumps({"cycle": 1, "opened_at": now}).decode()
        told.append((event_id, story.referral_id, story.head, orjson.dumps(said).decode(), body))


FOLDS: dict[bytes, Callable[[Story, Any, dict[str, bytes], list[Told]], None]] = {
    b"cn.liandong.intake.referral_opened.v1": opened,
    b"cn.liandong.triage.referral_classified.v1": classified,
    b"cn.liandong.triage.referral_dispatched.v1": dispatched,
}


async def run() -> None:
    worker = worker_of("followup")
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.relay("floor.followup"))
        group.create_task(_consume(worker.wake))


async def _consume(wake: Callable[[], None]) -> None:
    connection = await asyncpg.connect(os.environ["FLOOR_DATABASE_URL"])
    await connection.execute("SET enable_seqscan = off")
    consumer = AIOKafkaConsumer(
        *PRODUCERS, bootstrap_servers=os.environ["FLOOR_BOOTSTRAP_SERVERS"], group_id="floor.story",
        enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=200, max_poll_interval_ms=900_000,
    )  # fmt: skip
    await consumer.start()
    committed = 0.0
    while True:
        found = await consumer.getmany(timeout_ms=200, max_records=BATCH)
        records = [record for some in found.values() for record in some]
        if not records:
            continue
        async with connection.transaction():
            await apply(connection, [_event_of(record) for record in records])
        wake()
        if time.monotonic() - committed > COMMIT_SECONDS:
            committed = time.monotonic()
            await consumer.commit({TopicPartition(r.topic, r.partition): r.offset + 1 for r in records})


def _event_of(record: Any) -> Event:
    headers = dict(record.headers)
    referral_id = UUID(headers["ce_subject"].decode())
    return referral_id, PRODUCERS[record.topic], int(headers["ce_streamseq"]), headers, record.value


async def apply(connection: asyncpg.Connection, events: Sequence[Event]) -> None:
    referrals = sorted({event[0] for event in events})
    stories = {row[0]: Story(*row) for row in await connection.fetch(LOAD, referrals)}
    kept = await connection.fetch(LOAD_WAITING, referrals) if stories else ()
    read_before = sum(story.intake + story.triage for story in stories.values())
    told: list[Told] = []
    waiting: dict[tuple[UUID, str, int], Event] = {}
    for row in kept:
        headers = {name: value.encode() for name, value in orjson.loads(row[3]).items()}
        waiting[row[0], row[1], row[2]] = (row[0], row[1], row[2], headers, row[4])
    for event in events:
        story = stories.get(event[0]) or stories.setdefault(event[0], Story(event[0]))
        if not take(story, event, told):
            waiting[event[0], event[1], event[2]] = event
    freed = bool(waiting)
    while freed:
        done = [place for place, event in waiting.items() if take(stories[place[0]], event, told)]
        freed = bool(done)
        for place in done:
            del waiting[place]
    rows, read_now = list(stories.values()), sum(story.intake + story.triage for story in stories.values())
    await connection.execute(
        SAVE, *([getattr(story, name) for story in rows] for name in NAMES), read_now - read_before
    )
    if told:
        await connection.execute(TELL, *(list(column) for column in zip(*told, strict=True)))
    if waiting:
        texts = [
            (r, p, s, orjson.dumps({n: v.decode() for n, v in h.items()}), b) for r, p, s, h, b in waiting.values()
        ]
        await connection.execute(WAIT, *(list(column) for column in zip(*texts, strict=True)))


def take(story: Story, event: Event, told: list[Told]) -> bool:
    """The gate: whether it was applied, or was here before; what is not yet due must wait."""
    _, producer, seq, headers, body = event
    last = story.intake if producer == "intake" else story.triage
    if seq <= last:
        return True
    if seq > last + 1:
        return False
    after = headers.get("ce_after")
    if after:
        for cause in after.decode().split(","):
            service, _, number = cause.partition(":")
            if int(number) > (story.intake if service == "intake" else story.triage):
                return False
    FOLDS[headers["ce_type"]](story, orjson.loads(body), headers, told)
    if producer == "intake":
        story.intake = seq
    else:
        story.triage = seq
    return True


def _dumped(headers: dict[str, bytes]) -> bytes:
    return orjson.dumps({name: value.decode() for name, value in headers.items()})
