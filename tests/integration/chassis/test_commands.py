"""Commands over HTTP on a real database: once each, on the version seen, all or nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn
from chassis import failpoints
from chassis.ids import new_id
from sqlalchemy import make_url
from support.cutting_proxy import cutting_proxy
from support.desk import Desk, DeskDatabase, a_desk
from support.desk_routes import GUARDED, UNLUCKY
from support.stack import eventually

KEY = "0199aa00-attempt-1"
CLIENT_WORDS = "王建国说：周五在居委会见面，电话13800138000"


def said(answer: httpx.Response) -> tuple[int, Any, str | None]:
    return answer.status_code, answer.json(), answer.headers.get("etag")


def is_problem(answer: httpx.Response, status: int, code: str) -> bool:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[Path]:
    failpoints.configure(tmp_path, "desk")
    yield tmp_path
    failpoints.configure(None, "desk")


async def test_a_command_changes_answers_and_leaves_its_trace(desk: Desk) -> None:
    thing = await desk.opened(3)
    answer = await desk.ping(thing, 5, match='"1"')
    assert said(answer) == (200, {"count": 2, "digest": 3 * 31 + 5, "text_id": None}, '"2"')
    (row,) = await desk.rows("SELECT * FROM desk.audit WHERE action = 'ping_thing'")
    assert (row["by"], row["roles"], row["subject"]) == ("clerk-1", ["clerk"], thing)
    assert row["request_id"] == answer.headers["x-request-id"]
    (event,) = await desk.rows("SELECT * FROM desk.event_log WHERE referral_id = $1 AND seq = 2", thing)
    assert event["causation_id"] == row["id"]
    assert str(event["id"]) in row["detail"]


async def test_something_new_needs_no_version_and_tells_where_it_is(desk: Desk) -> None:
    thing = new_id()
    wanted = {"thing_id": str(thing), "n": 3}
    answer = await desk.client.post("/v1/things", json=wanted, headers=desk.bearer() | {"Idempotency-Key": KEY})
    assert said(answer) == (201, {"count": 1, "digest": 3, "text_id": None}, '"1"')
    assert answer.headers["location"] == f"/v1/things/{thing}"
    again = await desk.other.post("/v1/things", json=wanted, headers=desk.bearer() | {"Idempotency-Key": KEY})
    assert (said(again), again.headers["location"]) == (said(answer), answer.headers["location"])
    assert await desk.numbers(thing) == [3]


async def test_the_same_key_and_content_gets_the_same_answer_and_has_one_effect(desk: Desk) -> None:
    thing = await desk.opened(1)
    first = await desk.ping(thing, 5, key=KEY, match='"1"')
    await desk.ping(thing, 6)
    for client in (desk.client, desk.other):
        assert said(await desk.ping(thing, 5, key=KEY, match='"1"', client=client)) == said(first)
    assert await desk.numbers(thing) == [1, 5, 6]


async def test_a_key_is_looked_up_before_the_version(desk: Desk) -> None:
    """The repeat's If-Match is stale by its own first effect; that must not hide its answer."""
    thing = await desk.opened(1)
    first = await desk.ping(thing, 5, key=KEY, match='"1"')
    for match in ('"1"', '"99"', "*", None):
        assert said(await desk.ping(thing, 5, key=KEY, match=match)) == said(first)


async def test_in_parallel_from_two_processes_one_has_effect_and_all_hear_its_answer(desk: Desk) -> None:
    thing = await desk.opened(1)
    answers = await asyncio.gather(
        *(desk.ping(thing, 5, key=KEY, match='"1"', client=[desk.client, desk.other][n % 2]) for n in range(8))
    )
    assert {str(said(answer)) for answer in answers} == {str(said(answers[0]))}
    assert answers[0].status_code == 200
    assert await desk.numbers(thing) == [1, 5]
    assert await desk.count("command_key") == 1


async def test_in_parallel_on_two_things_one_key_serves_one_of_them(desk: Desk) -> None:
    """No common lock: the key itself decides, and who comes second is undone whole."""
    things = [await desk.opened(1), await desk.opened(1)]
    for number in range(5):
        answers = await asyncio.gather(
            desk.ping(things[0], 5, key=f"k-{number}"), desk.ping(things[1], 5, key=f"k-{number}", client=desk.other)
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        refused = next(answer for answer in answers if answer.status_code == 409)
        assert is_problem(refused, 409, "idempotency_key_reused")
    assert len(await desk.numbers(things[0]) + await desk.numbers(things[1])) == 7
    assert await desk.count("audit") == 7


async def test_a_key_used_for_another_request_is_refused(desk: Desk) -> None:
    thing, another = await desk.opened(1), await desk.opened(1)
    await desk.ping(thing, 5, key=KEY)
    assert is_problem(await desk.ping(thing, 6, key=KEY), 409, "idempotency_key_reused")
    assert is_problem(await desk.ping(another, 5, key=KEY), 409, "idempotency_key_reused")
    assert await desk.numbers(thing) + await desk.numbers(another) == [1, 5, 1]


async def test_the_same_json_written_otherwise_is_the_same_content(desk: Desk) -> None:
    thing = await desk.opened(1)
    headers = desk.bearer() | {"Idempotency-Key": KEY, "If-Match": "*", "Content-Type": "application/json"}
    path = f"/v1/things/{thing}/ping"
    first = await desk.client.post(path, content='{"n": 5, "note": "约谈"}', headers=headers)
    again = await desk.client.post(path, content='{"note":"\\u7ea6\\u8c08",\n"n":5}', headers=headers)
    assert first.status_code == 200
    assert said(again) == said(first)


async def test_keys_of_two_people_are_two_keys(desk: Desk) -> None:
    thing = await desk.opened(1)
    await desk.ping(thing, 5, key=KEY, sub="clerk-1")
    assert (await desk.ping(thing, 6, key=KEY, sub="clerk-2")).status_code == 200
    assert await desk.numbers(thing) == [1, 5, 6]


async def test_an_answer_is_kept_for_good_and_sealed(desk: Desk) -> None:
    thing = await desk.opened(1)
    first = await desk.ping(thing, 5, key=KEY)
    (row,) = await desk.rows("SELECT * FROM desk.command_key")
    assert b"digest" not in row["sealed"]
    app = await asyncpg.connect(desk.app_url)
    for statement in ("DELETE FROM desk.command_key", "UPDATE desk.command_key SET status = 500"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)
    await app.close()
    assert said(await desk.ping(thing, 5, key=KEY)) == said(first)


async def test_a_command_without_the_version_seen_is_428(desk: Desk) -> None:
    thing = await desk.opened(1)
    assert is_problem(await desk.ping(thing, match=None), 428, "if_match_missing")
    assert is_problem(await desk.ping(thing, match=None, key=KEY), 428, "if_match_missing")
    assert await desk.numbers(thing) == [1]


async def test_a_command_on_an_old_version_is_412_and_names_the_present_one(desk: Desk) -> None:
    thing = await desk.opened(1)
    await desk.ping(thing, 5, match='"1"')
    answer = await desk.ping(thing, 6, match='"1"')
    assert is_problem(answer, 412, "changed_meanwhile")
    assert (answer.headers["etag"], answer.json()["version"]) == ('"2"', 2)
    assert (await desk.ping(thing, 6, match=answer.headers["etag"])).status_code == 200


async def test_of_two_who_saw_the_same_version_one_is_told(desk: Desk) -> None:
    thing = await desk.opened(1)
    answers = await asyncio.gather(
        desk.ping(thing, 5, match='"1"', key="a"), desk.ping(thing, 6, match='"1"', key="b", client=desk.other)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert len(await desk.numbers(thing)) == 2


async def test_what_is_not_there_is_404_and_leaves_no_stream(desk: Desk) -> None:
    assert is_problem(await desk.ping(new_id(), match=None, key=KEY), 404, "thing_not_found")
    assert await desk.count("stream") == await desk.count("command_key") == await desk.count("audit") == 0


async def test_a_refused_move_lists_what_is_allowed_and_a_guard_names_its_article(desk: Desk) -> None:
    thing = await desk.opened(1)
    refused = await desk.ping(thing, UNLUCKY)
    assert is_problem(refused, 409, "transition_refused")
    assert {name: refused.json()[name] for name in ("state", "act", "allowed")} == {
        "state": "counting", "act": "ping", "allowed": ["wait", "close"],
    }  # fmt: skip
    guarded = await desk.ping(thing, GUARDED)
    assert is_problem(guarded, 409, "not_yet")
    assert "23" in guarded.json()["basis"]


async def test_refusals_are_not_kept_and_leave_nothing(desk: Desk) -> None:
    thing = await desk.opened(1)
    for refused in (
        await desk.ping(thing, 5, key=KEY, match='"7"'),
        await desk.ping(thing, UNLUCKY, key=KEY, note=CLIENT_WORDS),
    ):
        assert 400 <= refused.status_code < 500
    assert (await desk.ping(thing, 5, key=KEY, match='"1"')).status_code == 200
    assert await desk.numbers(thing) == [1, 5]
    assert await desk.count("audit") == 2
    assert await desk.count("text_note") == 0


@pytest.mark.parametrize("place", ["unit.before_commit", "command.before_commit"])
async def test_what_breaks_before_the_commit_keeps_nothing(desk: Desk, failing: Path, place: str) -> None:
    thing = await desk.opened(1)
    (failing / f"desk.{place}").write_text("raise")
    broken = await desk.ping(thing, 5, key=KEY, match='"1"', note=CLIENT_WORDS)
    assert broken.status_code == 500
    assert (failing / f"desk.{place}.met").exists()
    assert await desk.numbers(thing) == [1]
    assert [await desk.count(table) for table in ("command_key", "text_note", "audit", "outbox")] == [0, 0, 1, 1]
    assert (await desk.ping(thing, 5, key=KEY, match='"1"', note=CLIENT_WORDS)).status_code == 200


async def test_what_breaks_after_the_commit_is_answered_by_the_repeat(desk: Desk, failing: Path) -> None:
    thing = await desk.opened(1)
    (failing / "desk.unit.after_commit").write_text("raise")
    assert (await desk.ping(thing, 5, key=KEY, match='"1"')).status_code == 500
    answer = await desk.ping(thing, 5, key=KEY, match='"1"')
    assert said(answer) == (200, {"count": 2, "digest": 31 + 5, "text_id": None}, '"2"')
    assert await desk.numbers(thing) == [1, 5]


@pytest.mark.parametrize("delivered", [True, False])
async def test_a_connection_cut_in_commit_is_503_and_the_repeat_settles_it(
    desk_database: DeskDatabase, delivered: bool
) -> None:
    url = make_url(desk_database.app_url)
    assert url.port is not None
    async with cutting_proxy(url.port) as proxy:
        behind = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        async with a_desk(desk_database, app_url=behind) as desk:
            thing = await desk.opened(1)
            proxy.cut_at, proxy.delivered = b"COMMIT", delivered
            cut = await desk.ping(thing, 5, key=KEY, match='"1"')
            assert is_problem(cut, 503, "outcome_unknown")
            assert cut.headers["retry-after"]
            proxy.cut_at = None
            answer = await desk.ping(thing, 5, key=KEY, match='"1"')
            assert (proxy.cuts, answer.status_code, answer.headers["etag"]) == (1, 200, '"2"')
            assert await desk.numbers(thing) == [1, 5]


async def test_locks_held_by_others_are_503_and_then_it_works(desk: Desk) -> None:
    thing = await desk.opened(1)
    holder = await asyncpg.connect(desk.app_url)
    async with holder.transaction():
        await holder.execute("SELECT 1 FROM desk.stream WHERE referral_id = $1 FOR UPDATE", thing)
        assert is_problem(await desk.ping(thing, 5, key=KEY), 503, "unavailable")
    await holder.close()
    assert (await desk.ping(thing, 5, key=KEY)).status_code == 200


HOSTILE_KEYS = [b"", b" ", b"\xe7\x8e\x8b", b"\xff\xfe", b"k" * 201, b"k" * 9_000, b"a\tb", b"a\x00b", b"\x7f"]


@pytest.mark.parametrize("key", HOSTILE_KEYS, ids=range(len(HOSTILE_KEYS)))
async def test_a_hostile_key_is_422_with_its_cure(desk: Desk, key: bytes) -> None:
    headers = [(b"idempotency-key", key), (b"if-match", b"*")]
    bearer = [(name.encode(), value.encode()) for name, value in desk.bearer().items()]
    answer = await desk.client.post(f"/v1/things/{new_id()}/ping", json={"n": 1}, headers=[*headers, *bearer])
    assert is_problem(answer, 422, "bad_idempotency_key")
    assert answer.json()["header"] == "Idempotency-Key"
    assert "ASCII" in answer.json()["detail_zh"]
    assert "王" not in answer.text


@pytest.mark.parametrize(
    "match", [b"", b"7", b'W/"7"', b'"7", "8"', b'"-1"', b'"9999999999"', b'"\xe7\x8e\x8b"', b'"' + b"7" * 9_000 + b'"']
)
async def test_a_hostile_version_is_422_with_its_cure(desk: Desk, match: bytes) -> None:
    bearer = [(name.encode(), value.encode()) for name, value in desk.bearer().items()]
    path = f"/v1/things/{new_id()}/ping"
    answer = await desk.client.post(path, json={"n": 1}, headers=[(b"if-match", match), *bearer])
    assert is_problem(answer, 422, "bad_if_match")
    assert answer.json()["header"] == "If-Match"


async def test_a_header_sent_twice_is_422(desk: Desk) -> None:
    bearer = list(desk.bearer().items())
    path = f"/v1/things/{new_id()}/ping"
    twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "b"), ("If-Match", "*")]
    assert is_problem(await desk.client.post(path, json={"n": 1}, headers=twice + bearer), 422, "bad_idempotency_key")
    twice = [("If-Match", '"1"'), ("If-Match", "*")]
    assert is_problem(await desk.client.post(path, json={"n": 1}, headers=twice + bearer), 422, "bad_if_match")


@pytest.mark.parametrize(
    "key", ["k", "k" * 200, "a b", "~!@#$%^&*()[]{}:;,.<>?/|", "0199aa00-0000-7000-8000-000000000000"]
)
async def test_any_printable_key_up_to_its_limit_is_good(desk: Desk, key: str) -> None:
    thing = await desk.opened(1)
    assert (await desk.ping(thing, 5, key=key)).status_code == 200
    assert (await desk.ping(thing, 6, key=key)).status_code == 409


async def test_who_may_not_ask_hears_so_before_anything_else(desk: Desk) -> None:
    path = f"/v1/things/{new_id()}/ping"
    assert (await desk.client.post(path, json={"n": 1}, headers={"Idempotency-Key": ""})).status_code == 401
    visitor = desk.bearer("visitor")
    assert is_problem(await desk.client.post(path, json={}, headers=visitor), 403, "role_required")


async def test_free_text_is_kept_sealed_and_read_in_scope_with_a_trace(desk: Desk) -> None:
    thing = await desk.opened(1)
    text_id = (await desk.ping(thing, 5, note=CLIENT_WORDS)).json()["text_id"]
    everything = [str(dict(row)) for table in ("text_note", "event_log", "audit", "outbox", "command_key")
                  for row in await desk.rows(f"SELECT * FROM desk.{table}")]  # fmt: skip
    assert all("王建国" not in row and CLIENT_WORDS.encode().hex() not in row for row in everything)
    answer = await desk.get(f"/v1/texts/{text_id}", sub="clerk-7")
    assert (answer.json()["text"], answer.json()["kind"]) == (CLIENT_WORDS, "ping_note")
    assert answer.headers["cache-control"] == "no-store"
    (row,) = await desk.rows("SELECT * FROM desk.audit WHERE action = $1", "read_text")
    assert (row["by"], row["subject"]) == ("clerk-7", thing)
    assert is_problem(await desk.get(f"/v1/texts/{text_id}", scope_path="31/310101"), 403, "out_of_scope")
    assert is_problem(await desk.get(f"/v1/texts/{text_id}", "visitor"), 403, "role_required")
    assert is_problem(await desk.get(f"/v1/texts/{new_id()}"), 404, "text_not_found")
    assert len(await desk.rows("SELECT 1 FROM desk.audit WHERE action = 'read_text'")) == 1


@pytest.mark.parametrize("note", [None, "", "  \n"])
async def test_nothing_written_is_no_text(desk: Desk, note: str | None) -> None:
    thing = await desk.opened(1)
    assert (await desk.ping(thing, 5, note=note)).json()["text_id"] is None
    assert await desk.count("text_note") == 0


async def test_the_document_tells_both_headers_the_roles_and_the_problems(desk: Desk) -> None:
    document = (await desk.client.get("/openapi.json")).json()
    ping = document["paths"]["/v1/things/{thing_id}/ping"]["post"]
    headers = {one["name"]: one for one in ping["parameters"] if one["in"] == "header"}
    assert (headers["If-Match"]["required"], headers["Idempotency-Key"]["required"]) == (True, False)
    assert all("ASCII" in one["description"] or "ETag" in one["description"] for one in headers.values())
    assert ping["x-roles"] == ["chief", "clerk"]
    assert {"401", "403", "404", "409", "412", "413", "415", "422", "428", "503"} <= ping["responses"].keys()
    created = document["paths"]["/v1/things"]["post"]
    assert "If-Match" not in {one["name"] for one in created["parameters"]}
    assert document["paths"]["/v1/things"]["get"]["x-roles"] == []


@pytest.mark.parametrize(
    "line",
    [
        b"Idempotency-Key: " + b"k" * 9_000,
        b"Idempotency-Key: \xe7\x8e\x8b",
        b"Idempotency-Key:",
        b"Idempotency-Key: a\x00b",
        b"If-Match: " + b"9" * 9_000,
        b"If-Match: \xff",
        b"X-Request-Id: " + b"\xff" * 300 + b"\r\nIf-Match:",
        b"Idempotency-Key: " + b"k" * 200_000,
    ],
    ids=range(8),
)
async def test_what_the_wire_can_carry_is_never_an_error_of_ours(desk: Desk, line: bytes) -> None:
    """Raw bytes to the server that serves in production."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        server = uvicorn.Server(
            uvicorn.Config(desk.app, loop="none", http="httptools", log_config=None, lifespan="off", ws="none")
        )
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await eventually(lambda: server.started)
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
        bearer = desk.bearer()["Authorization"].encode()
        head = b"POST /v1/things/%b/ping HTTP/1.1\r\nHost: x\r\nAuthorization: %b\r\n" % (
            str(new_id()).encode(),
            bearer,
        )
        body = b'Content-Type: application/json\r\nContent-Length: 8\r\nConnection: close\r\n\r\n{"n": 1}'
        writer.write(head + line + b"\r\n" + body)
        status_line = await asyncio.wait_for(reader.readline(), 10)
        writer.close()
        server.should_exit = True
        await serving
    assert status_line.split()[1] in {b"400", b"422", b"431"}, status_line
