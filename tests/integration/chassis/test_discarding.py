"""What operators do with what stands aside: shown without bodies, tried again, thrown away by two persons."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from chassis.delivery import repair
from chassis.delivery.batch import Applier
from chassis.delivery.ledger import LedgerReads
from chassis.delivery.quarantine import Quarantine, Unplaced
from chassis.ids import new_id
from support.arrivals import a_pinged
from support.stack import KafkaServer, eventually
from support.toys import HANDLERS, Tally, Toys, ToyTopic, ToyWork, toys

POISON = -77_155_333  # no part of an id that is shown by chance
WHY = {"reason": "written_by_a_test"}


class Desk:
    """pong with its api and no worker: what the worker would do is done by hand."""

    def __init__(self, pair: Toys) -> None:
        self.pair, self.pong = pair, pair.pong
        self.quarantine = Quarantine(self.pong.database, "pong", self.pong.settings.keyring, consumer="acting")
        self.applier: Applier[ToyWork] = self.applier_with()

    def applier_with(self, *topics: ToyTopic) -> Applier[ToyWork]:
        contracts = replace(self.pong.contracts, topics=(*self.pong.contracts.topics, *topics))
        return Applier(self.pong.units, contracts, HANDLERS["pong"], self.quarantine)

    @asynccontextmanager
    async def someone(self, sub: str, *, scope: str = "31", role: str = "ops") -> AsyncIterator[httpx.AsyncClient]:
        token = self.pair.secrets.token(role, sub=sub, scope=scope)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=f"{self.pong.url}/v1/ops", headers=headers) as client:
            yield client

    async def post(self, path: str, *, by: str, body: Any = None, scope: str = "31") -> tuple[int, dict[str, Any]]:
        async with self.someone(by, scope=scope) as client:
            answer = await client.post(path, json=body)
        return answer.status_code, answer.json()

    async def get(self, path: str, **params: Any) -> dict[str, Any]:
        async with self.someone("lin") as client:
            answer: dict[str, Any] = (await client.get(path, params=params)).raise_for_status().json()
        return answer

    async def discarded(self, path: str) -> None:
        """By two persons, as it must be."""
        assert (await self.post(f"{path}/discard", by="lin", body=WHY))[0] == 202
        status, answer = await self.post(f"{path}/discard/confirm", by="wu")
        assert (status, answer["state"], answer["asked_by"], answer["confirmed_by"]) == (200, "discarded", "lin", "wu")

    async def position(self, referral_id: UUID) -> tuple[int, UUID | None]:
        row = await self.pong.row("SELECT last, last_event_id FROM pong.stream_pos WHERE referral_id = $1", referral_id)
        return (row[0], row[1]) if row else (0, None)

    async def audited(self) -> list[tuple[str, str]]:
        async with self.pong.database.connection() as connection:
            rows = await connection.fetch('SELECT "by", action FROM pong.audit ORDER BY at, id')
        return [(row[0], row[1]) for row in rows]


@pytest.fixture
async def desk(database: str, tmp_path: Path) -> AsyncIterator[Desk]:
    async with toys(database, "127.0.0.1:1", tmp_path) as pair, pair.pong.serving():
        yield Desk(pair)


async def a_poisoned(desk: Desk) -> tuple[UUID, str]:
    """1 applied, 2 failed, 3 waits behind it."""
    referral_id = new_id()
    await desk.applier.apply([a_pinged(referral_id, 1), a_pinged(referral_id, 2, POISON), a_pinged(referral_id, 3, 3)])
    return referral_id, f"/parked/ping/{referral_id}/2"


async def test_a_parked_event_is_shown_with_its_headers_and_never_its_body(desk: Desk) -> None:
    referral_id, path = await a_poisoned(desk)
    shown = await desk.get(path)
    assert (shown["reason"], shown["detail"], shown["position"], shown["missing"]) == ("failed", "ValueError", 1, {})
    assert shown["headers"]["ce_streamseq"] == "2"
    assert shown["discard_asked"] is None
    assert "body" not in str(shown)
    assert str(POISON) not in str(shown)
    waiting = await desk.get(f"/parked/ping/{referral_id}/3")
    assert (waiting["reason"], waiting["missing"]) == ("waiting", {"ping": 2})
    async with desk.someone("lin", role="auditor") as auditor:
        assert (await auditor.get(path)).status_code == 200
        assert (await auditor.post(f"{path}/discard", json=WHY)).status_code == 403
        assert (await auditor.get(f"/parked/ping/{referral_id}/9")).json()["code"] == "not_parked"


async def test_discarding_needs_two_different_persons_and_then_the_stream_goes_on(desk: Desk) -> None:
    referral_id, path = await a_poisoned(desk)
    failed = await desk.get(path)
    status, asked = await desk.post(f"{path}/discard", by="lin", body=WHY)
    assert (status, asked["state"], asked["confirmed_by"]) == (202, "asked", None)
    assert (await desk.get(path))["discard_asked"]["asked_by"] == "lin"
    assert (await desk.post(f"{path}/discard/confirm", by="lin"))[1]["code"] == "second_person_needed"
    assert await desk.position(referral_id) == (1, await _applied(desk, referral_id))
    again = (await desk.post(f"{path}/discard", by="wu", body={"reason": "another"}))[1]
    assert (again["asked_by"], again["reason"]) == ("lin", "written_by_a_test")
    assert (await desk.post(f"{path}/discard/confirm", by="wu"))[0] == 200
    assert await desk.position(referral_id) == (2, UUID(failed["event_id"]))
    await desk.applier.drain(await _free(desk))
    assert await desk.pong.tally(referral_id) == Tally().add(1).add(3)
    assert (await desk.post(f"{path}/discard/confirm", by="wu"))[0] == 404
    assert await desk.audited() == [("lin", "ask_discard_parked"), ("wu", "discard_parked")]
    async with desk.pong.database.connection() as connection:
        figures = await LedgerReads("pong", ["ping"]).figures(connection)
    assert figures["discarded"] == {"ping": {"events": 1, "holes": 0}}
    assert figures["positions"]["ping"] == {"sum": 3, "streams": 1}


async def test_who_confirms_must_stand_at_least_as_high_as_who_asked(desk: Desk) -> None:
    _, path = await a_poisoned(desk)
    assert (await desk.post(f"{path}/discard", by="lin", body=WHY, scope="31/310109"))[0] == 202
    for scope in ("31/310110", "31/310109/310109010"):
        assert (await desk.post(f"{path}/discard/confirm", by="wu", scope=scope))[1]["code"] == "out_of_scope"
    assert (await desk.post(f"{path}/discard/confirm", by="wu", scope="31"))[0] == 200


async def test_nothing_is_discarded_that_nobody_asked_for(desk: Desk) -> None:
    """Asked for one event, another stands there by now: the request does not mean it."""
    referral_id, path = await a_poisoned(desk)
    assert (await desk.post(f"{path}/discard/confirm", by="wu"))[1]["code"] == "discard_not_asked"
    assert (await desk.post(f"{path}/discard", by="lin", body=WHY))[0] == 202
    other = new_id()
    await desk.pong.value("UPDATE pong.parked SET event_id = $1 WHERE seq = 2 RETURNING 1", other)
    assert (await desk.get(path))["discard_asked"] is None
    assert (await desk.post(f"{path}/discard/confirm", by="wu"))[1]["code"] == "discard_not_asked"
    assert (await desk.post(f"{path}/discard", by="wu", body=WHY))[1]["asked_by"] == "wu"
    assert (await desk.post(f"{path}/discard/confirm", by="lin"))[0] == 200
    assert await desk.position(referral_id) == (2, other)


async def test_an_event_is_not_discarded_before_those_in_front_of_it(desk: Desk) -> None:
    referral_id, _ = await a_poisoned(desk)
    path = f"/parked/ping/{referral_id}/3"
    await desk.post(f"{path}/discard", by="lin", body=WHY)
    status, answer = await desk.post(f"{path}/discard/confirm", by="wu")
    assert (status, answer["code"], answer["position"]) == (409, "not_its_turn", 1)
    assert (await desk.get(path))["discard_asked"]["asked_by"] == "lin"
    assert await desk.audited() == [("lin", "ask_discard_parked")]


async def test_a_contradiction_to_what_was_applied_is_discarded_without_moving_the_position(desk: Desk) -> None:
    referral_id = new_id()
    await desk.applier.apply([a_pinged(referral_id, 1)])
    await desk.applier.apply([a_pinged(referral_id, 1, 9), a_pinged(referral_id, 2, 2)])
    assert [row["reason"] for row in (await desk.get("/parked"))["items"]] == ["conflict", "waiting"]
    before = await desk.position(referral_id)
    await desk.discarded(f"/parked/ping/{referral_id}/1")
    assert await desk.position(referral_id) == before
    await desk.applier.drain(await _free(desk))
    assert await desk.pong.tally(referral_id) == Tally().add(1).add(2)


async def test_what_waits_behind_another_contradiction_is_not_tried_in_vain(desk: Desk) -> None:
    referral_id = new_id()
    await desk.applier.apply([a_pinged(referral_id, 1), a_pinged(referral_id, 2)])
    await desk.applier.apply([a_pinged(referral_id, 2, 9), a_pinged(referral_id, 3, 3)])
    await desk.applier.apply([a_pinged(referral_id, 3, 8)])
    await desk.discarded(f"/parked/ping/{referral_id}/2")
    assert [(row["seq"], row["reason"]) for row in (await desk.get("/parked"))["items"]] == [(3, "conflict")]
    await desk.discarded(f"/parked/ping/{referral_id}/3")
    assert (await desk.position(referral_id))[0] == 3
    assert await desk.pong.tally(referral_id) == Tally().add(1).add(1)


async def test_a_retry_is_audited_and_its_words_are_not_in_the_audit(desk: Desk) -> None:
    _, path = await a_poisoned(desk)
    assert (await desk.post(f"{path}/retry", by="lin", body={"reason": "王某说可以"}))[0] == 202
    assert (await desk.get(path))["reason"] == "waiting"
    assert await desk.audited() == [("lin", "retry_parked")]
    assert "王某" not in str(await desk.pong.value("SELECT detail FROM pong.audit"))
    assert (await desk.post(f"{path}/retry", by="lin", body={"reason": "again"}))[1]["code"] == "not_parked"


async def test_what_cannot_be_sent_is_listed_sent_again_or_given_up(desk: Desk) -> None:
    for n in (4, 5):
        await desk.pong.value(
            """INSERT INTO pong.unsendable (n, lane, topic, key, event_id, reason)
               VALUES ($1, 1, 'pong.v1', 'k', $2, 'MessageSizeTooLargeError') RETURNING n""",
            n,
            new_id(),
        )
    first = await desk.get("/unsendable", limit=1)
    assert [row["n"] for row in first["items"]] == [4]
    assert [row["n"] for row in (await desk.get("/unsendable", after=first["next"]))["items"]] == [5]
    assert (await desk.post("/unsendable/4/retry", by="lin", body={"reason": "the limit was raised"}))[0] == 202
    assert (await desk.post("/unsendable/4/retry", by="lin", body={"reason": "x"}))[1]["code"] == "no_such_unsendable"
    assert await desk.pong.value("SELECT count(*) FROM pong.outbox WHERE resend AND topic = 'pong.v1'") == 1
    await desk.discarded("/unsendable/5")
    assert (await desk.get("/unsendable"))["items"] == []
    assert await desk.pong.value("SELECT count(*) FROM pong.outbox") == 1
    assert [action for _, action in await desk.audited()] == [
        "retry_unsendable", "ask_discard_unsendable", "discard_unsendable",
    ]  # fmt: skip


async def test_a_hole_that_nobody_can_fill_is_asked_for_anew_or_passed(desk: Desk) -> None:
    """2 and 3 are lost, 4 is here, 5 is lost too: each hole is given up for itself."""
    referral_id = new_id()
    await desk.applier.apply([a_pinged(referral_id, 1, 1), a_pinged(referral_id, 4, 4)])
    await _given_up(desk, referral_id, upto=5)
    (row,) = (await desk.get("/unrepairable"))["items"]
    assert (row["referral_id"], row["position"], row["upto"]) == (str(referral_id), 1, 5)
    path = f"/unrepairable/ping/{referral_id}"
    assert (await desk.post(f"{path}/retry", by="lin", body={"reason": "restored"}))[0] == 202
    assert tuple(await desk.pong.row("SELECT state, rounds FROM pong.lacking")) == ("real", 0)
    assert (await desk.post(f"{path}/discard", by="lin", body=WHY))[1]["code"] == "no_such_unrepairable"

    await _given_up(desk, referral_id, upto=5)
    await desk.discarded(path)
    assert await desk.position(referral_id) == (3, None)
    await desk.applier.drain(await _free(desk))
    assert await desk.pong.tally(referral_id) == Tally().add(1).add(4)
    (row,) = (await desk.get("/unrepairable"))["items"]
    assert (row["position"], row["upto"]) == (4, 5)
    await desk.discarded(path)
    assert await desk.position(referral_id) == (5, None)
    assert (await desk.get("/unrepairable"))["items"] == []


async def test_an_event_that_comes_after_it_was_given_up_changes_nothing(desk: Desk) -> None:
    referral_id = new_id()
    await desk.applier.apply([a_pinged(referral_id, 1, 1)])
    await _given_up(desk, referral_id, upto=2)
    await desk.discarded(f"/unrepairable/ping/{referral_id}")
    await desk.applier.apply([a_pinged(referral_id, 2, 2), a_pinged(referral_id, 3, 3)])
    assert await desk.pong.tally(referral_id) == Tally().add(1).add(3)
    assert (await desk.get("/parked"))["items"] == []


async def test_a_clock_that_fired_in_vain_is_listed_and_fired_again(desk: Desk) -> None:
    referral_id = new_id()
    for key in ("1", "2"):
        await desk.pong.value(
            """INSERT INTO pong.timer (referral_id, clock, key, span, started_at, due_at, rule, calendar, state, silent)
               VALUES ($1, 'performance', $2, '1wd', now(), now(), 'r-1', 'none', 'failed', false) RETURNING 1""",
            referral_id,
            key,
        )
    first = await desk.get("/timers/failed", limit=1)
    second = await desk.get("/timers/failed", limit=1, after=first["next"])
    assert [(row["referral_id"], row["key"]) for row in first["items"] + second["items"]] == [
        (str(referral_id), "1"), (str(referral_id), "2"),
    ]  # fmt: skip
    assert second["next"] is None
    path = f"/timers/{referral_id}/performance/retry"
    assert (await desk.post(f"{path}?key=2", by="lin"))[0] == 202
    assert (await desk.post(f"{path}?key=2", by="lin"))[1]["code"] == "no_failed_timer"
    assert await desk.pong.value("SELECT string_agg(key, ',') FROM pong.timer WHERE state = 'running'") == "2"
    assert await desk.audited() == [("lin", "retry_timer")]
    async with desk.pong.database.connection() as connection:
        assert (await LedgerReads("pong", ["ping"]).figures(connection))["failed_timers"] == 1


async def test_quarantined_bytes_are_destroyed_by_two_persons(desk: Desk) -> None:
    await desk.applier.apply([], [Unplaced("ping.v1", 3, 17, "ce_subject", b"k", (), b"secret words")])
    (row,) = (await desk.get("/quarantine"))["items"]
    await desk.discarded(f"/quarantine/{row['n']}")
    assert (await desk.get("/quarantine"))["items"] == []
    detail = await desk.pong.value("SELECT detail FROM pong.audit WHERE action = 'discard_quarantined'")
    assert (detail["topic"], detail["offset"], detail["asked_by"]) == ("ping.v1", 17, "lin")


async def test_what_failed_or_contradicts_is_copied_for_the_dead_letter_topic_and_what_waits_is_not(desk: Desk) -> None:
    applier = desk.applier_with(ToyTopic("pong.dlq.v1"))
    referral_id = new_id()
    arrivals = [a_pinged(referral_id, 1, 7), a_pinged(referral_id, 2, POISON), a_pinged(referral_id, 3)]
    await applier.apply(arrivals)
    await applier.apply([a_pinged(referral_id, 1, 8)])
    async with desk.pong.database.connection() as connection:
        rows = await connection.fetch(
            """SELECT o.key, n.type, n.version, n.headers, n.body
               FROM pong.notice n JOIN pong.outbox o ON o.event_id = n.id
               WHERE n.topic = 'pong.dlq.v1' ORDER BY n.version"""
        )
    assert [(row["key"], row["type"], row["version"]) for row in rows] == [
        (str(referral_id), "cn.toy.pong.event_parked.v1", 1),
        (str(referral_id), "cn.toy.pong.event_parked.v1", 2),
    ]
    assert [row["body"]["reason"] for row in rows] == ["failed", "conflict"]
    assert rows[0]["body"] == {
        "event_id": str(arrivals[1].envelope.event_id), "type": "cn.toy.ping.pinged.v1", "reason": "failed",
        "referral_id": str(referral_id), "producer": "ping", "seq": 2, "needs": "",
    }  # fmt: skip
    assert "ce_streamseq" not in rows[0]["headers"]


async def test_where_there_is_no_dead_letter_topic_nothing_is_copied(desk: Desk) -> None:
    await a_poisoned(desk)
    assert await desk.pong.value("SELECT count(*) FROM pong.notice") == 0


async def test_a_running_worker_goes_on_after_a_discarded_event_by_itself(
    database: str, kafka: KafkaServer, tmp_path: Path
) -> None:
    referral_id = new_id()
    async with toys(database, kafka.bootstrap_servers, tmp_path) as pair, pair.running():
        desk = Desk(pair)
        await pair.ping.ping(referral_id, 1, POISON, 3)
        await eventually(partial(_parks, desk, 2), within=20)
        await desk.discarded(f"/parked/ping/{referral_id}/2")
        await eventually(partial(_tallies, desk, referral_id, Tally().add(1).add(3)), within=20)
        await eventually(partial(_parks, desk, 0), within=5)


async def test_a_stream_that_was_given_up_is_repaired_when_an_operator_wants_it_asked_for_anew(
    database: str, kafka: KafkaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair, "RELOAD_SECONDS", 0.5)
    monkeypatch.setattr(repair, "MOST_ROUNDS", 1)
    referral_id = new_id()
    async with toys(database, kafka.bootstrap_servers, tmp_path) as pair:
        desk = Desk(pair)
        await pair.ping.execute(LOSES_ALL)
        async with pair.running():
            await pair.ping.ping(referral_id, 7)
            await eventually(partial(_gives_up, desk), within=30)
            await pair.ping.execute("DROP TRIGGER lose ON ping.outbox")
            path = f"/unrepairable/ping/{referral_id}/retry"
            assert (await desk.post(path, by="lin", body={"reason": "the producer was restored"}))[0] == 202
            await eventually(partial(_tallies, desk, referral_id, Tally().add(7)), within=30)


LOSES_ALL = """
    CREATE FUNCTION ping.lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER lose BEFORE INSERT ON ping.outbox FOR EACH ROW EXECUTE FUNCTION ping.lose()
"""


async def _gives_up(desk: Desk) -> bool:
    return bool((await desk.get("/unrepairable"))["items"])


async def _parks(desk: Desk, count: int) -> bool:
    return bool(await desk.pong.value("SELECT count(*) FROM pong.parked") == count)


async def _tallies(desk: Desk, referral_id: UUID, tally: Tally) -> bool:
    return await desk.pong.tally(referral_id) == tally


async def _applied(desk: Desk, referral_id: UUID) -> UUID | None:
    return (await desk.position(referral_id))[1]


async def _free(desk: Desk) -> list[UUID]:
    """What the worker's next round would try at once."""
    async with desk.pong.database.connection() as connection:
        rows = await connection.fetch("SELECT referral_id FROM pong.parked WHERE reason = 'waiting' AND needs = ''")
    assert rows
    return [row[0] for row in rows]


async def _given_up(desk: Desk, referral_id: UUID, *, upto: int) -> None:
    await desk.pong.value(
        """INSERT INTO pong.lacking (consumer, producer, referral_id, upto, state, rounds)
           VALUES ('acting', 'ping', $1, $2, 'unrepairable', 5)
           ON CONFLICT (referral_id, consumer, producer) DO UPDATE SET state = 'unrepairable', rounds = 5
           RETURNING 1""",
        referral_id,
        upto,
    )
