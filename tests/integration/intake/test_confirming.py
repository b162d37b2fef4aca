"""A source that confirms by topic: once or again, for its own calls alone; what cannot be used is kept and seen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from chassis.delivery.outsiders import OutsideRecord, Outsiders, RecordRefused
from chassis.delivery.topics import ensure_topics
from chassis.sealing import Keyring
from intake_svc.domain.feedback import Confirms, SourceProfiles
from intake_svc.main import make_sources
from intake_svc.rules.loading import load_rules
from referral_schemas import mediation, triage
from referral_schemas.police import MilestoneConfirmed
from referral_schemas.topics import TOPICS
from support.intake_others import Others, made
from support.stack import eventually

TOPIC = "police.calls.v1"
SIGNED, ACCEPTED = triage.ReferralSigned.example(), mediation.CaseAccepted.example()


def sources_of(intake: Any, confirms: Confirms) -> Outsiders:
    rules, profiles = load_rules(), SourceProfiles("test", {"hongkou-110": confirms}, Confirms.NONE)
    topics_stand = asyncio.Event()
    topics_stand.set()
    rules = replace(rules, desk=replace(rules.desk, sources=profiles))
    return make_sources(intake.units, intake.settings, rules, topics_stand)


@dataclass
class Source:
    """The dispatch system of Hongkou, and what became of two milestones that it was told."""

    intake: Any
    others: Others
    call: dict[str, Any]
    accepted: dict[str, Any]
    take: Callable[[OutsideRecord], Awaitable[None]]

    @property
    def key(self) -> str:
        return f"{self.call['source']}/{self.call['call_no']}"

    def body(self, milestone: str = "signed", version: int = 1, **changes: Any) -> dict[str, Any]:
        told = {"source": self.call["source"], "call_no": self.call["call_no"]}
        return told | {"milestone": milestone, "version": version} | changes

    def headers(self, **claims: Any) -> dict[str, str]:
        bearer = self.intake.issuer.bearer(
            *claims.pop("roles", ("source_system",)), **({"source": "hongkou-110"} | claims)
        )
        return {"ce_specversion": "1.0", "ce_id": str(uuid4()), "ce_type": MilestoneConfirmed.TYPE} | {
            name.lower(): value for name, value in bearer.items()
        }

    async def says(self, body: Any = None, *, key: str | None = None, headers: dict[str, str] | None = None) -> None:
        raw = json.dumps(self.body() if body is None else body).encode()
        await self.take(OutsideRecord(f"{TOPIC}/0/1", key or self.key, headers or self.headers(), raw))

    async def states(self) -> list[str]:
        return [one["state"] for one in await self.others.told(self.call)]

    async def facts(self) -> list[str]:
        return (await self.others.facts(self.accepted))[1:]


@pytest.fixture
async def source(intake: Any) -> Source:
    return await a_source(intake)


async def a_source(intake: Any, *, delivered: bool = True) -> Source:
    others = made(intake, Confirms.TOPIC)
    call, accepted = await intake.brought_to("referred")
    await others.state(accepted["referral_id"], SIGNED, ACCEPTED)
    if delivered:
        await others.take_all()
    take = sources_of(intake, Confirms.TOPIC)._take
    return Source(intake, others, call, accepted, take)


async def test_what_it_confirms_is_acknowledged_and_the_rest_still_waits(source: Source) -> None:
    await source.says(source.body("accepted", 2))
    assert await source.states() == ["delivered", "acknowledged"]
    assert (await source.facts())[-2:] == ["feedback_acknowledged", "deadline_met"]
    (audited,) = await source.intake.rows("SELECT * FROM intake.audit WHERE action = 'acknowledge_feedback'")
    assert str(audited["subject"]) == source.accepted["referral_id"]
    assert (audited["by"], audited["request_id"]) == ("somebody", f"{TOPIC}/0/1")


async def test_said_again_and_at_once_it_is_said_once(source: Source) -> None:
    await source.says()
    await asyncio.gather(*(source.says() for _ in range(4)))
    assert (await source.facts()).count("feedback_acknowledged") == 1
    assert len(await source.intake.rows("SELECT 1 FROM intake.audit WHERE action = 'acknowledge_feedback'")) == 1
    doubles = """SELECT 1 FROM intake.event_log GROUP BY referral_id, type, headers->>'ce_causationid'
                 HAVING count(*) > 1"""
    assert await source.intake.rows(doubles) == []


async def test_what_it_has_read_before_our_broker_told_us_of_it_is_delivered_and_acknowledged(intake: Any) -> None:
    source = await a_source(intake, delivered=False)
    await source.says()
    assert await source.states() == ["acknowledged", "pending"]
    expected = ["feedback_delivered", "feedback_acknowledged", "deadline_met"]
    assert [fact for fact in await source.facts() if fact != "deadline_set"] == expected
    await source.others.take_all()
    assert await source.states() == ["acknowledged", "delivered"]
    assert (await source.facts()).count("feedback_delivered") == 2


async def test_what_was_waived_meanwhile_stays_waived(source: Source) -> None:
    waiving = {"reason": "source_silent"}
    await source.intake.done(source.call, "feedback/signed/waive", waiving, "bureau_supervisor")
    before = await source.facts()
    await source.says()
    assert await source.facts() == before
    assert (await source.states())[0] == "waived"


async def test_a_key_of_its_own_opens_as_a_token_does_until_it_is_revoked(source: Source) -> None:
    grant = {"name": "hongkou", "roles": ["source_system"], "scope_path": "31/310109", "source": "hongkou-110"}
    admin = source.intake.issuer.bearer("security_admin")
    made_key = (await source.intake.client.post("/v1/ops/api-keys", json=grant, headers=admin)).json()
    headers = source.headers() | {"authorization": f"Bearer {made_key['key']}"}
    await source.says(headers=headers)
    assert (await source.states())[0] == "acknowledged"


REFUSALS: dict[str, Callable[[Source], Awaitable[None]]] = {
    "other_source": lambda s: s.says(headers=s.headers(source="feed")),
    "role_required": lambda s: s.says(headers=s.headers(roles=("police_officer",))),
    "token_missing": lambda s: s.says(headers={"ce_type": MilestoneConfirmed.TYPE}),
    "token_invalid": lambda s: s.says(headers=s.headers() | {"authorization": "Bearer ldk_unknown"}),
    "token_expired": lambda s: s.says(headers=s.headers(exp=1)),
    "unknown_type": lambda s: s.says(headers=s.headers() | {"ce_type": "cn.liandong.police.call.v1"}),
    "body_malformed": lambda s: s.says(s.body("burnt")),
    "key_of_another_call": lambda s: s.says(key="hongkou-110/another"),
    "call_not_found": lambda s: s.says(s.body(call_no="none"), key="hongkou-110/none"),
    "no_such_telling": lambda s: s.says(s.body("accepted", 1)),
}


async def test_what_cannot_be_used_says_why_and_changes_nothing(source: Source) -> None:
    before = await source.facts()
    told = {}
    for code, attempt in REFUSALS.items():
        with pytest.raises(RecordRefused) as refused:
            await attempt(source)
        told[code] = refused.value.code
    assert told == {code: code for code in REFUSALS}
    assert await source.states() == ["delivered", "delivered"]
    assert await source.facts() == before
    assert await source.intake.rows("SELECT 1 FROM intake.audit WHERE action = 'acknowledge_feedback'") == []


async def test_a_source_that_confirms_otherwise_is_not_heard_on_the_topic(source: Source) -> None:
    for way in (Confirms.CALL, Confirms.NONE):
        source.take = sources_of(source.intake, way)._take
        with pytest.raises(RecordRefused, match="confirms_otherwise"):
            await source.says()


async def test_on_a_real_topic_the_good_are_heard_and_the_others_kept_sealed_without_their_key(
    intake_on_kafka: Any,
) -> None:
    intake, servers = intake_on_kafka, intake_on_kafka.settings.kafka_bootstrap_servers
    source = await a_source(intake)
    foreign, good = source.headers(source="feed"), source.headers()
    await ensure(servers)
    await write(
        servers,
        source.key,
        [(good, source.body()), (foreign, source.body("accepted", 2)), ({}, None), (good, source.body())],
    )
    reading = asyncio.create_task(sources_of(intake, Confirms.TOPIC).run())
    try:
        await eventually(lambda: kept(intake, 2), within=30)
        await write(servers, source.key, [(good, source.body("accepted", 2))])
        await eventually(lambda: all_acknowledged(source), within=15)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    assert (await source.facts()).count("feedback_acknowledged") == 2
    rows = await intake.rows('SELECT * FROM intake.quarantine ORDER BY "offset"')
    assert [(row["consumer"], row["topic"], row["reason"]) for row in rows] == [
        ("sources", TOPIC, "other_source"), ("sources", TOPIC, "unknown_type"),
    ]  # fmt: skip
    opened = opened_text(intake.settings.keyring, rows[0])
    assert source.call["call_no"].encode().hex() in opened, "nothing of what it said is lost"
    assert foreign["authorization"].encode().hex() not in opened
    shown = await intake.client.get("/v1/ops/quarantine", headers=intake.issuer.bearer("ops"))
    assert [one["reason"] for one in shown.json()["items"]] == ["other_source", "unknown_type"]


async def ensure(servers: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        await ensure_topics(admin, [topic for topic in TOPICS if topic.name == TOPIC], replication=1)
    finally:
        await admin.close()


async def write(servers: str, key: str, records: list[tuple[dict[str, str], Any]]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=servers)
    await producer.start()
    try:
        for headers, body in records:
            raw = b"\xff\x00" if body is None else json.dumps(body).encode()
            sent = [(name, value.encode()) for name, value in headers.items()]
            await producer.send_and_wait(TOPIC, raw, key=key.encode(), headers=sent)
    finally:
        await producer.stop()


async def kept(intake: Any, count: int) -> bool:
    return len(await intake.rows("SELECT 1 FROM intake.quarantine")) == count


async def all_acknowledged(source: Source) -> bool:
    return set(await source.states()) == {"acknowledged"}


def opened_text(keyring: Keyring, row: Any) -> str:
    place = f"quarantine/{row['topic']}/{row['partition']}/{row['offset']}"
    return keyring.open(row["sealed"], place.encode()).decode()
