"""What came as a field of a call stands in the vault and nowhere else: a scan of all that a whole stack keeps or says.

Every way through intake is taken, errors and a database that dies included; then topics, tables, logs and answers are
read, once, with canaries among them that were left in the clear on purpose.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from support import scan_sources
from support.live import LiveStack
from support.planted import FULL_WIDTH, HELD_BACK, Person, Planted, person, planted_call, tail
from support.scanner import Report, Scanner
from support.stack import eventually

CALLS = 200
WAITING_INSERTS = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'INSERT INTO intake.call'"
pytestmark = pytest.mark.timeout(300)


@dataclass
class Sender:
    """Posts calls as their source does, and keeps every answer."""

    client: httpx.AsyncClient
    answers: list[httpx.Response] = field(default_factory=list)
    planted: dict[str, str] = field(default_factory=dict)

    async def post(self, call: Planted, *, status: int | None = None) -> httpx.Response:
        return await self.send(status, "POST", "/v1/calls", json=call.body, planted=call.personal)

    async def send(
        self, status: int | None, method: str, path: str, *, planted: Mapping[str, str], **request: Any
    ) -> httpx.Response:
        self.planted |= planted
        answer = await self.client.request(method, path, **request)
        self.answers.append(answer)
        assert status in (None, answer.status_code), answer.text
        return answer

    async def post_all(self, calls: Iterable[Planted]) -> None:
        """As a source does: whoever gets no answer, or 503, is sent again until it is accepted."""
        waiting = iter(calls)
        await asyncio.gather(*(self._post_until_accepted(waiting) for _ in range(8)))

    async def _post_until_accepted(self, calls: Iterator[Planted]) -> None:
        for call in calls:
            await eventually(lambda call=call: self._is_accepted(call), within=60, every=0.2)  # type: ignore[misc]

    async def _is_accepted(self, call: Planted) -> bool:
        try:
            answer = await self.post(call)
        except httpx.TransportError:
            return False
        assert answer.status_code in (200, 202, 503), answer.text
        return answer.status_code != 503

    @property
    def statuses(self) -> Counter[int]:
        return Counter(answer.status_code for answer in self.answers)


@dataclass(frozen=True)
class Aftermath:
    """What the scan found, after all that was sent."""

    sent: Sender
    states: Mapping[str, int]
    report: Report
    canaries: Mapping[str, str]


@pytest.fixture(scope="module")
async def aftermath(live: LiveStack) -> Aftermath:
    headers = {"Authorization": f"Bearer {live.facts['tokens']['dispatch']}"}
    async with httpx.AsyncClient(base_url=live.urls["intake"], headers=headers, timeout=30) as client:
        sent = Sender(client)
        await send_while_postgresql_dies(sent, live)
        await send_what_is_known_already(sent)
        await send_what_is_refused(sent)
        await live.quiet()
        await send_while_the_database_refuses(sent, live)
    await live.quiet()
    canaries = await plant_canaries(live)
    report = await scan(sent, live, canaries)
    return Aftermath(sent, (await live.ledger())["intake"]["counts"]["by_state"], report, canaries)


def a_call(n: int) -> Planted:
    """Of ten calls one stays with the police and one waits for a person; the others travel."""
    match n % 10:
        case 3:
            return planted_call(n, told=f"{HELD_BACK}要求处理")
        case 7:
            call = planted_call(n)
            call.body["injured_note"] = f"{person(n * 7).name}手部擦伤，电话{person(n * 7).phone}"
            return call
        case _:
            return planted_call(n, mobile_format=lambda number: f"+86 {number}" if n % 2 else number)


async def send_while_postgresql_dies(sent: Sender, live: LiveStack) -> None:
    """Inserts are caught in the middle: they wait for a lock when the server goes."""
    await sent.post_all(a_call(n) for n in range(CALLS // 2))
    holder = await asyncpg.connect(live.facts["postgres"]["url"])
    await holder.execute("BEGIN; LOCK TABLE intake.call")
    posting = asyncio.create_task(sent.post_all(a_call(n) for n in range(CALLS // 2, CALLS)))
    await eventually(lambda: live.sql(WAITING_INSERTS), within=60)
    async with live.stack.keepers["postgres"].held_down(signal.SIGQUIT):
        await sent.post(a_call(CALLS), status=503)
    holder.terminate()
    await posting
    await sent.post_all([a_call(CALLS)])


async def send_what_is_known_already(sent: Sender) -> None:
    """Repeats, conflicts, newer and older versions, and the same event told again under another number."""
    for n in range(0, CALLS, 10):
        known, others = a_call(n), planted_call(CALLS + 1 + n // 10)
        brings = {name: value for name, value in others.body.items() if name not in ("call_no", "reported_at")}
        await sent.post(known, status=200)
        await sent.post(Planted(known.body | brings, others.personal), status=409)
        newer = known.body | {"injured_note": others.body["nobody_knows_this_field"], "updated_at": "2026-06-02 08:00"}
        await sent.post(Planted(newer, others.personal), status=202)
        await sent.post(Planted(known.body | brings | {"updated_at": "2026-05-01 08:00"}, others.personal), status=200)
        again = {"call_no": f"AGAIN-{n}", "content": f"{known.body['content']}再次来电催促。"}
        await sent.post(Planted(known.body | again, known.personal), status=202)


async def send_what_is_refused(sent: Sender) -> None:
    call = planted_call(CALLS + 30)
    body, who = call.body | {"call_no": "REFUSED"}, person((CALLS + 30) * 7)
    for change in (
        {"reported_at": who.name},
        {"reported_at": None, "content": None},
        {"caller_name": [who.name, who.phone]},
        {"caller_phone": {"number": who.phone}},
        {"caller_id_no": who.id_no * 20},
        {"call_no": f"{who.name}\n{who.phone}"},
        {"call_no": ""},
        {who.name: "\x00"},
    ):
        await sent.send(422, "POST", "/v1/calls", json=body | change, planted=call.personal)
    text = json.dumps(body, ensure_ascii=False)
    as_json = {"content-type": "application/json"}
    for status, content, headers in (
        (422, text[:-9], as_json),
        (422, text.encode("gb18030"), as_json),
        (413, text.replace("愿意", "愿意" * 50_000), as_json),
        (415, text, {"content-type": "text/plain"}),
        (401, text, as_json | {"authorization": f"Bearer {who.phone}"}),
    ):
        await sent.send(status, "POST", "/v1/calls", content=content, headers=headers, planted=call.personal)
    await sent.send(403, "POST", "/v1/calls", json=body | {"source": who.name}, planted=call.personal)
    await sent.send(405, "DELETE", f"/v1/calls/{who.name}/{who.phone}", planted={})
    await sent.send(404, "GET", f"/v1/calls/hongkou-110/{who.name}?q={who.phone}", planted={})


async def send_while_the_database_refuses(sent: Sender, live: LiveStack) -> None:
    """Errors whose texts would quote a row: the insert of a call, then the worker's batch."""
    await live.sql("ALTER TABLE intake.call ADD CONSTRAINT planted CHECK (call_no <> 'UNWANTED') NOT VALID")
    call = planted_call(CALLS + 31)
    await sent.post(Planted(call.body | {"call_no": "UNWANTED"}, call.personal), status=500)
    await live.sql("ALTER TABLE intake.call ADD CONSTRAINT planted_too CHECK (state <> 'referred') NOT VALID")
    call = planted_call(CALLS + 32)
    await sent.post(call, status=202)
    state = "SELECT state FROM intake.call WHERE call_no = $1 AND state <> 'received'"
    ((settled,),) = await eventually(lambda: live.sql(state, call.body["call_no"]), within=60)
    assert settled == "awaiting_screener", "a call that the database refuses waits for a person"
    await live.sql("ALTER TABLE intake.call DROP CONSTRAINT planted, DROP CONSTRAINT planted_too")


def canary_of(n: int) -> Person:
    return person(1900 + n)


async def plant_canaries(live: LiveStack) -> dict[str, str]:
    """One in the clear at each kind of place, each spelled otherwise: its value, and where it must be found."""
    key, header, value, column, sealed, document, logged, answered = map(canary_of, range(8))
    bootstrap = live.facts["kafka"]["bootstrap_servers"]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("canary.v1", 3, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        body = json.dumps({"told": f"{value.name}家"}).encode()
        headers = [("ce_subject", header.id_no.encode())]
        await producer.send_and_wait("canary.v1", body, key=key.phone.translate(FULL_WIDTH).encode(), headers=headers)
    await live.sql("CREATE TABLE followup.canary (told text, sealed bytea, document jsonb)")
    phone = f"+86 {document.phone[:3]}-{document.phone[3:7]}-{document.phone[7:]}"
    await live.sql(
        "INSERT INTO followup.canary VALUES ($1, $2, $3)",
        f"住在{tail(column.address)}", f"证{sealed.id_no}".encode(), json.dumps([{"at": phone}]),
    )  # fmt: skip
    with (live.stack.layout.logs / "triage-worker.log").open("a") as log:
        log.write(f"ValueError: {logged.name.encode()!r}\n")
    await live.sql("UPDATE intake.call SET station_code = $1 WHERE call_no = 'PLANTED-0'", answered.phone)
    return {
        key.phone: "topic canary.v1",
        header.id_no: "topic canary.v1",
        value.name: "topic canary.v1",
        column.address: "table followup.canary",
        sealed.id_no: "table followup.canary",
        document.phone: "table followup.canary",
        logged.name: "log triage-worker.log",
        answered.phone: "answer 200 of intake GET /v1/calls/{source}/{call_no}",
    }


async def scan(sent: Sender, live: LiveStack, canaries: Mapping[str, str]) -> Report:
    scanner = Scanner(sent.planted | {value: f"canary {value}" for value in canaries})
    report = Report()
    facts, layout = live.facts, live.stack.layout
    await scanner.scan(scan_sources.topics(facts["kafka"]["bootstrap_servers"]), report)
    await scanner.scan(scan_sources.tables(facts["postgres"]["url"]), report)
    service = (layout.secrets / "triage-token").read_text()
    tokens = [facts["tokens"]["ops"], facts["tokens"]["dispatch"], service]
    await scanner.scan(scan_sources.answers(live.urls, tokens, await askable(live)), report)
    await scanner.scan(scan_sources.logs(layout.logs), report)
    for answer in sent.answers:
        where = f"answer {answer.status_code} of intake {answer.request.method}"
        report.add(where, scanner.hits(where, answer.text))
    return report


async def askable(live: LiveStack) -> dict[str, Sequence[Mapping[str, str]]]:
    """What there is to ask for, by the parameters that it takes."""
    calls = await live.sql(
        "SELECT source, call_no, referral_id::text FROM intake.call WHERE call_no ~ '^(PLANTED|AGAIN)-'"
    )
    decisions = await live.sql(
        "SELECT id::text AS decision_id FROM triage.decision WHERE referral_id::text = ANY ($1)",
        [row["referral_id"] for row in calls],
    )
    return {
        "call_no,source": [{"source": row["source"], "call_no": row["call_no"]} for row in calls],
        "referral_id": [{"referral_id": row["referral_id"]} for row in calls],
        "decision_id": [{"decision_id": row["decision_id"]} for row in decisions],
        # Nobody has written a note and nothing stands aside here: what is asked for in vain must not tell either.
        "text_id": [{"text_id": calls[0]["referral_id"]}],
        "bucket": [{"bucket": "17"}],
        "changed_since": [{"changed_since": "2026-01-01T00:00:00Z"}],
        "producer": [{"producer": name} for name in ("intake", "triage", "mediation", "followup")],
        "producer,referral_id,seq": [{"producer": "intake", "referral_id": calls[0]["referral_id"], "seq": "1"}],
    }


async def test_nothing_that_came_as_a_field_is_found_outside_the_vault(aftermath: Aftermath) -> None:
    leaks = [hit for hit in aftermath.report.hits if not hit.label.startswith("canary")]
    assert not leaks, f"{len(leaks)} leaks, such as\n" + "\n".join(map(str, leaks[:20]))


async def test_every_way_through_intake_was_taken(aftermath: Aftermath) -> None:
    taken = aftermath.sent.statuses
    assert not {200, 202, 401, 403, 404, 405, 409, 413, 415, 422, 500, 503} - taken.keys(), taken
    states = aftermath.states
    assert not {"referred", "linked", "retained_by_police", "awaiting_screener"} - states.keys(), states
    assert states["referred"] > CALLS // 2
    assert states["linked"] >= CALLS // 20


async def test_the_scan_read_everything_there_is(aftermath: Aftermath, live: LiveStack) -> None:
    read = aftermath.report.texts
    for topic in ("intake.v1", "triage.v1", "followup.v1", "__consumer_offsets"):
        assert read[f"topic {topic}"] > 0
    for table in ("intake.call", "triage.decision", "mediation.mirror", "followup.watch"):
        assert read[f"table {table}"] > CALLS // 2
    assert any(where.startswith("table intake.event_log_") for where in read)
    assert not any("vault" in where for where in read if where.startswith("table"))
    for process in live.facts["processes"]:
        assert read[f"log {process}.log"] == 1
    for service, path in (("intake", "/v1/calls/{source}/{call_no}"), ("triage", "/v1/decisions/{decision_id}")):
        assert read[f"answer 200 of {service} GET {path}"] > CALLS // 2
    for service in live.urls:
        assert read[f"answer 200 of {service} GET /v1/ops/streams/{{referral_id}}"] > CALLS
        assert read[f"answer 200 of {service} GET /v1/ops/events"] > CALLS


async def test_the_scan_finds_every_canary_where_it_was_planted(aftermath: Aftermath) -> None:
    found = {(hit.label, hit.where) for hit in aftermath.report.hits if hit.label.startswith("canary")}
    planted = {(f"canary {value}", where) for value, where in aftermath.canaries.items()}
    assert planted <= found
    assert {label for label, _ in found} == {label for label, _ in planted}
