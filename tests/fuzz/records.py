"""Records as a broken or hostile producer might write them on an internal topic; the same seed makes the same ones."""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from aiokafka.structs import ConsumerRecord
from contract.test_golden_examples import FACTS
from fuzz.junk import PERSON, PHONE, as_bytes, changed, torn

Header = tuple[str, bytes | None]
Example = tuple[dict[str, str], Any]
HEADER_JUNK: list[bytes | None] = [
    None, b"", b"\x00", b"\xff\xfe", b"-1", b"0", b"1", b"1.0", b"01", "１".encode(), b"2147483647", b"2147483648",
    b"9" * 400, b"a" * 70_000, b"not-a-uuid", b"intake:1", b"intake:0", b"intake:1,intake:2", b"intake:1,", b"nobody:7",
    b"intake:99999999999", b",".join(b"x%d:1" % n for n in range(1000)), b"triage:1,mediation:1,followup:1,intake:1",
    b"cn.liandong.intake.referral_opened.v2", b"cn.liandong.intake.referral_opened", b"cn.liandong.nobody.nothing.v1",
    b"cn.liandong.intake.referral_opened.v1\x00", b"..", "电话".encode("gb18030"), f"{PERSON}{PHONE}".encode(),
    b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59-23:59", b"2026-01-01T00:00:00", b"2026-02-30T00:00:00Z",
    b"true", uuid.UUID(int=0).bytes, str(uuid.UUID(int=0)).encode(), b"{" + str(uuid.UUID(int=5)).encode() + b"}",
]  # fmt: skip


@cache
def examples() -> tuple[list[Example], list[Example]]:
    """Those that begin a referral's road, and all."""
    read = [json.loads(path.read_text(encoding="utf-8")) for path in FACTS]
    told = [(one["headers"], one["body"]) for one in read]
    begin = [one for one in told if one[0]["ce_type"].split(".")[3] in ("referral_opened", "referral_dispatched")]
    return begin, told


@dataclass
class HostileTopics:
    """What `service` reads: numbers mostly go on as they should, so that hostile bodies reach the handlers too."""

    seed: int
    service: str
    topics: Sequence[str]
    numbers: Counter[tuple[uuid.UUID, str]] = field(default_factory=Counter)
    known: list[uuid.UUID] = field(default_factory=list)
    made: int = 0

    def __iter__(self) -> Iterator[ConsumerRecord]:
        while True:
            yield self._next(random.Random(f"{self.seed}/{self.service}/{self.made}"))
            self.made += 1

    def _next(self, rng: random.Random) -> ConsumerRecord:
        told, body = rng.choice(examples()[0 if rng.random() < 0.3 else 1])
        topic = f"{told['ce_type'].split('.')[2]}.v1"
        topic = topic if topic in self.topics and rng.random() < 0.95 else rng.choice(self.topics)
        headers: list[Header] = [(name, text.encode()) for name, text in told.items()]
        self._place(headers, topic, rng)
        for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
            bend(headers, rng)
        return a_record(topic, self.made, headers, hostile_body(body, rng), rng)

    def _place(self, headers: list[Header], topic: str, rng: random.Random) -> None:
        if not self.known or rng.random() < 0.1:
            self.known.append(uuid.UUID(int=rng.getrandbits(128), version=4))
        subject = rng.choice(self.known[-30:])
        if rng.random() < 0.85:
            self.numbers[subject, topic] += 1
        number = max(1, self.numbers[subject, topic] + rng.choice([0, 0, 0, 0, 0, 0, 0, 1, -1]))
        put(headers, "ce_subject", str(subject))
        put(headers, "ce_id", str(uuid.UUID(int=rng.getrandbits(128), version=4)))
        put(headers, "ce_streamseq", str(number))
        put(headers, "ce_after", "" if rng.random() < 0.9 else "intake:1")


def hostile_body(body: Any, rng: random.Random) -> bytes | None:
    lot = rng.random()
    if lot < 0.01:
        return None
    for _ in range(rng.randint(1, 3) if lot < 0.6 else 0):
        body = changed(body, rng)
    raw = as_bytes(body)
    return torn(raw, rng) if lot > 0.9 else raw


def a_record(
    topic: str, n: int, headers: Sequence[Header], value: bytes | None, rng: random.Random | None = None
) -> ConsumerRecord:
    rng = rng or random.Random(n)
    key = rng.choice([None, b"", b"\xff", b"k" * 300, str(uuid.uuid4()).encode()])
    return ConsumerRecord(
        topic=topic, partition=n % 12, offset=n, timestamp=rng.choice([-1, 0, 1_700_000_000_000]), timestamp_type=0,
        key=key, value=value, checksum=None, serialized_key_size=-1, serialized_value_size=-1, headers=tuple(headers),
    )  # fmt: skip


def put(headers: list[Header], name: str, text: str) -> None:
    headers[:] = [header for header in headers if header[0] != name]
    if text:
        headers.append((name, text.encode()))


def bend(headers: list[Header], rng: random.Random) -> None:
    if not headers:
        return
    at = rng.randrange(len(headers))
    name, value = headers[at]
    match rng.randrange(6):
        case 0:
            del headers[at]
        case 1:
            headers.append((name, rng.choice(HEADER_JUNK)))
        case 2:
            headers[at] = (rng.choice(["", "\x00", name.upper(), PERSON, "x" * 500]), value)
        case 3:
            headers += [(f"x{n}", b"y") for n in range(rng.choice([3, 1_000]))]
        case _:
            headers[at] = (name, rng.choice(HEADER_JUNK))


def good_headers(topic: str, referral_id: uuid.UUID) -> tuple[list[Header], bytes]:
    """The first example of the topic's service as number 1 of a stream of its own, and its body."""
    told, body = next(one for one in examples()[1] if f"{one[0]['ce_type'].split('.')[2]}.v1" == topic)
    headers: list[Header] = [(name, text.encode()) for name, text in told.items()]
    put(headers, "ce_subject", str(referral_id))
    put(headers, "ce_id", str(uuid.uuid4()))
    put(headers, "ce_streamseq", "1")
    put(headers, "ce_after", "")
    return headers, as_bytes(body)


def as_kept(record: ConsumerRecord) -> dict[str, Any]:
    return {
        "topic": record.topic,
        "headers": [[name, None if value is None else value.hex()] for name, value in record.headers],
        "value": None if record.value is None else record.value.hex(),
    }


def from_kept(told: dict[str, Any], n: int) -> ConsumerRecord:
    headers = [(name, None if value is None else bytes.fromhex(value)) for name, value in told["headers"]]
    value = None if told["value"] is None else bytes.fromhex(told["value"])
    return a_record(told["topic"], n, headers, value)
