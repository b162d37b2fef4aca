"""Records that are lost, late, poisonous or nonsense."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition
from chaos.process_faults import SERVICES, Fault
from chaos.scene import NotMet, Scene, until

DOWN_SECONDS = 30.0
BEHIND = 20

OPENED = "cn.liandong.intake.referral_opened.v1"
DISPATCHED = "cn.liandong.triage.referral_dispatched.v1"
HANDLED = {"triage": OPENED, "mediation": DISPATCHED, "followup": DISPATCHED}

NOT_APPLIED = """
    SELECT s.referral_id, s.head FROM {producer}.stream s
    LEFT JOIN {consumer}.stream_pos p ON p.referral_id = s.referral_id AND p.producer = '{producer}'
    WHERE s.head > coalesce(p.last, 0) AND NOT EXISTS (SELECT 1 FROM {consumer}.parked k
        WHERE k.referral_id = s.referral_id AND k.producer = '{producer}' AND k.reason = 'failed')
"""
ON_THE_WAY = NOT_APPLIED + " AND NOT EXISTS (SELECT 1 FROM {producer}.outbox o WHERE o.key = s.referral_id::text)"


def bootstrap(scene: Scene) -> str:
    return str(scene.stack.facts()["kafka"]["bootstrap_servers"])


async def outage(scene: Scene) -> None:
    """Kafka is away for half a minute; every POST of that time is answered 2xx at its first try."""
    async with scene.stack.keepers["kafka"].held_down():
        since = time.monotonic()
        await until(lambda: time.monotonic() > since + DOWN_SECONDS, what="time passes", within=2 * DOWN_SECONDS)
        tries = scene.load.first_tries(since, time.monotonic() - 2)
    refused = [attempt for attempt in tries if not attempt.is_accepted]
    assert not refused, f"{len(refused)} of {len(tries)} POSTs were not accepted while Kafka was down: {refused[:3]}"
    if len(tries) < DOWN_SECONDS * scene.load.rate / 2:
        raise NotMet(f"only {len(tries)} POSTs were tried while Kafka was down")
    slowest = max(attempt.seconds for attempt in tries)
    scene.met(f"{len(tries)} POSTs, all 2xx, the slowest {slowest * 1000:.0f} ms")


async def wipe(scene: Scene) -> None:
    """Kafka loses its disk while its clients live, and with it events that somebody had not read yet."""
    before = cluster_id(scene)
    async with scene.paused("followup-worker"):
        await until(lambda: _count(scene, ON_THE_WAY, "triage", "followup"), what="events wait in the log")
        alive = [keeper.pid for name, keeper in scene.stack.keepers.items() if name.endswith("-worker")]
        await scene.stack.wipe_kafka()
        lost = await scene.eyes.rows(ON_THE_WAY.format(producer="triage", consumer="followup"))
        assert None not in alive
    await until(lambda: cluster_id(scene) not in (None, before), what="Kafka comes up as another cluster", within=40)
    scene.met(f"{len(lost)} streams stood unread in the lost log")
    still = """SELECT count(*) FROM unnest($1::uuid[], $2::int[]) AS l(referral_id, head)
               LEFT JOIN followup.stream_pos p ON p.referral_id = l.referral_id AND p.producer = 'triage'
               WHERE coalesce(p.last, 0) < l.head"""
    ids, heads = [row[0] for row in lost], [row[1] for row in lost]
    await until(
        lambda: _is_zero(scene, still, ids, heads), what="what was lost with the log is applied", within=90, every=0.25
    )


async def late_cause(scene: Scene) -> None:
    """Retention passes over causes that mediation has not read, but not over their effects."""
    async with scene.stack.keepers["mediation-worker"].held_down():
        await until(lambda: _count(scene, ON_THE_WAY, "intake", "mediation"), what="causes wait in the log")
        await until(lambda: _count(scene, ON_THE_WAY, "triage", "mediation"), what="effects wait in the log")
        await _delete_records(bootstrap(scene), "intake.v1")
    waiting = """SELECT count(*) FROM mediation.parked
                 WHERE producer = 'triage' AND reason = 'waiting' AND needs LIKE '%intake:%'"""
    parked = await until(lambda: scene.eyes.value(waiting), what="effects are parked until their causes come")
    scene.met(f"{parked} effects were seen waiting")
    await until(lambda: _is_zero(scene, waiting), what="the causes are sent again", within=60, every=0.1)


async def lost_tail(scene: Scene) -> None:
    """Events vanish between their commit and the broker, at the end of their streams: no gap ever shows it."""
    await scene.eyes.execute(LOSES)
    lost = await until(lambda: _rows(scene, "SELECT key FROM chaos.lost"), what="outbox rows vanish", every=0.1)
    await scene.eyes.execute("DROP TRIGGER chaos_loses ON triage.outbox")
    scene.met(f"{len(lost)} outbox rows taken away")
    watched = """SELECT NOT EXISTS (SELECT 1 FROM chaos.lost l JOIN triage.stream s ON s.referral_id::text = l.key
        LEFT JOIN followup.stream_pos p ON p.referral_id = s.referral_id AND p.producer = 'triage'
        WHERE p.last IS DISTINCT FROM s.head)"""
    await until(lambda: scene.eyes.value(watched), what="what vanished is asked for and applied", within=60, every=0.25)
    await scene.eyes.execute("DROP SCHEMA chaos CASCADE")


LOSES = """
    DROP SCHEMA IF EXISTS chaos CASCADE;
    CREATE SCHEMA chaos;
    CREATE TABLE chaos.lost (key text);
    CREATE FUNCTION chaos.loses() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        IF (SELECT count(*) FROM chaos.lost) >= 5 THEN RETURN NEW; END IF;
        INSERT INTO chaos.lost VALUES (NEW.key);
        RETURN NULL;
    END $$;
    GRANT USAGE ON SCHEMA chaos TO PUBLIC;
    DROP TRIGGER IF EXISTS chaos_loses ON triage.outbox;
    CREATE TRIGGER chaos_loses BEFORE INSERT ON triage.outbox FOR EACH ROW EXECUTE FUNCTION chaos.loses();
"""


async def poison(scene: Scene) -> None:
    """One event makes its handler fail: parked, its stream waits, everything else goes on. Freed when faults stop."""
    service = scene.rng.choice(list(HANDLED))
    await scene.traps.spring(f"{service}-worker", f"handler.{HANDLED[service]}", "raise")
    scene.poisoned[service] += 1
    failed = f"SELECT count(*) FROM {service}.parked WHERE reason = 'failed' AND detail = 'FailpointError'"
    await until(lambda: _is(scene, failed, scene.poisoned[service]), what=f"{service} parks the event as failed")
    scene.met(service)


async def undecodable(scene: Scene) -> None:
    """Bytes with no readable place in any stream reach a topic that three services read."""
    topic = scene.rng.choice(["intake", "triage", "followup"])
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap(scene))
    await producer.start()
    try:
        for headers in NONSENSE:
            await producer.send_and_wait(f"{topic}.v1", os.urandom(40), key=os.urandom(8), headers=headers)
    finally:
        await producer.stop()
    readers = [service for service in SERVICES if service != topic]
    for service in readers:
        scene.undecodable[service] += len(NONSENSE)
        kept = f"SELECT count(*) FROM {service}.quarantine WHERE consumer = 'acting'"
        await until(lambda: _is(scene, kept, scene.undecodable[service]), what=f"{service} keeps them in quarantine")  # noqa: B023
    scene.met(f"{len(NONSENSE)} on {topic}.v1, each kept by {len(readers)}")


NONSENSE: list[list[tuple[str, bytes]]] = [
    [],
    [("ce_subject", b"not-a-referral"), ("ce_streamseq", b"1")],
    [("ce_subject", b"\xff\xfe"), ("ce_streamseq", b"\x00")],
]


def cluster_id(scene: Scene) -> str | None:
    file: Path = scene.stack.layout.kafka_data / "meta.properties"
    try:
        found = re.search(r"(?m)^cluster\.id=(.+)$", file.read_text())
    except OSError:
        return None
    return found.group(1) if found else None


async def _delete_records(servers: str, topic: str) -> None:
    """Everything written so far goes, as if its retention had passed."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=servers)
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await consumer.start()
    await admin.start()
    try:
        partitions = [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic)]
        ends = await consumer.end_offsets(partitions)
        await admin.delete_records({tp: RecordsToDelete(before_offset=end) for tp, end in ends.items()})
    finally:
        await admin.close()
        await consumer.stop()


async def _count(scene: Scene, query: str, producer: str, consumer: str) -> int:
    """The number of streams, or 0 while they are fewer than make a fault of it."""
    rows = await scene.eyes.rows(query.format(producer=producer, consumer=consumer))
    return len(rows) if len(rows) >= BEHIND else 0


async def _rows(scene: Scene, query: str) -> list[object]:
    rows = await scene.eyes.rows(query)
    return [*rows] if len(rows) >= 5 else []


async def _is(scene: Scene, query: str, number: int) -> bool:
    return bool(await scene.eyes.value(query) == number)


async def _is_zero(scene: Scene, query: str, *arguments: object) -> bool:
    return bool(await scene.eyes.value(query, *arguments) == 0)


RECORDS = [
    Fault("a poisonous event", poison),
    Fault("undecodable records", undecodable),
    Fault("causes that arrive after their effects", late_cause),
    Fault("events lost before the broker, no gap to show it", lost_tail),
    Fault("kafka's data directory wiped under live clients", wipe),
    Fault("kafka away for 30 s, POSTs go on", outage),
]
