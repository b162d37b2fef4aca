from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import pytest
import structlog
from chassis.app import create_app
from chassis.auth import Caller, require
from chassis.database_errors import CommitOutcomeUnknown, DatabaseBusy, DatabaseUnavailable
from chassis.problems import Problem, problems
from fastapi import APIRouter, Depends, FastAPI
from pydantic import AwareDatetime, BaseModel, Field
from structlog.testing import capture_logs
from support.tokens import Issuer

SECRET = "王建国13800138000"


class Note(BaseModel):
    kind: Literal["call", "visit"]
    text: str = Field(min_length=1, max_length=20)
    at: AwareDatetime
    weight: int = Field(default=1, ge=1, le=9)
    extra: dict[str, Any] = {}


class Strict(BaseModel, extra="forbid"):
    n: int


ERRORS: dict[str, Exception] = {
    "problem": Problem(409, "moved", "已移动。", "Moved.", allowed=["a", "b"]),
    "unavailable": DatabaseUnavailable("gone"),
    "busy": DatabaseBusy("40P01 after 4 attempts"),
    "unknown": CommitOutcomeUnknown("cut"),
    "refused": ConnectionRefusedError(111, "refused"),
    "surprise": KeyError(SECRET),
}


def routes() -> APIRouter:
    router = APIRouter()

    @router.post("/v1/notes", status_code=201, responses=problems(409))
    async def take(note: Note, caller: Annotated[Caller, Depends(require("screener"))]) -> Note:
        return note

    @router.get("/v1/notes/{note_id}", responses=problems(404))
    async def give(note_id: UUID, caller: Annotated[Caller, Depends(require())], limit: int = 1) -> dict[str, str]:
        return {"note_id": str(note_id)}

    @router.get("/v1/raise/{what}")
    async def fail(what: str, caller: Annotated[Caller, Depends(require())]) -> None:
        raise ERRORS[what]

    @router.get("/v1/slow")
    async def slow(caller: Annotated[Caller, Depends(require())]) -> None:
        await asyncio.sleep(0.2)

    return router


def an_app(issuer: Issuer, **changes: Any) -> FastAPI:
    given: dict[str, Any] = {"settings": issuer.settings(), "routers": [routes()], "checks": {}} | changes
    return create_app("便笺服务", "Notes", **given)


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    folder: Path = tmp_path_factory.mktemp("secrets")
    return Issuer(folder)


def client_of(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


@pytest.fixture
async def client(issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(an_app(issuer)) as client:
        client.headers.update(issuer.bearer("screener"))
        yield client


GOOD = {"kind": "call", "text": "楼上漏水", "at": "2026-01-01T08:00:00+08:00"}


def is_problem(answer: httpx.Response, status: int, code: str) -> bool:
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "code", "detail_zh", "detail_en", "instance"} <= body.keys()
    assert re.search("[一-龥]", body["detail_zh"])
    assert body["instance"] == answer.headers["x-request-id"]
    assert body["status"] == answer.status_code
    return bool((answer.status_code, body["code"]) == (status, code))


async def test_a_good_body_is_taken(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/notes", json=GOOD | {"extra": {"深": [1, {"a": None}]}})

    assert answer.status_code == 201
    assert datetime.fromisoformat(answer.json()["at"]) == datetime.fromisoformat(GOOD["at"])


@pytest.mark.parametrize(
    ("change", "field", "kind", "given"),
    [
        ({"kind": None}, "body.kind", "literal_error", "null"),
        ({"kind": SECRET}, "body.kind", "literal_error", "string"),
        ({"text": ""}, "body.text", "string_too_short", "string"),
        ({"text": SECRET * 9}, "body.text", "string_too_long", "string"),
        ({"text": 5}, "body.text", "string_type", "number"),
        ({"text": True}, "body.text", "string_type", "boolean"),
        ({"text": [SECRET]}, "body.text", "string_type", "array"),
        ({"text": {SECRET: 1}}, "body.text", "string_type", "object"),
        ({"at": "2026-01-01T08:00:00"}, "body.at", "timezone_aware", "string"),
        ({"at": SECRET}, "body.at", "datetime_from_date_parsing", "string"),
        ({"weight": 10}, "body.weight", "less_than_equal", "number"),
        ({"weight": 0}, "body.weight", "greater_than_equal", "number"),
        ({"weight": "x"}, "body.weight", "int_parsing", "string"),
        ({"extra": []}, "body.extra", "dict_type", "array"),
    ],
)
async def test_a_malformed_field_is_named_with_its_cure_and_never_repeated(
    client: httpx.AsyncClient, change: dict[str, Any], field: str, kind: str, given: str
) -> None:
    answer = await client.post("/v1/notes", json=GOOD | change)

    assert is_problem(answer, 422, "malformed_request")
    (error,) = answer.json()["errors"]
    assert (error["field"], error["kind"], error["given"]) == (field, kind, given)
    assert re.search("[一-龥]", error["cure_zh"])
    assert re.search("[A-Za-z]{2}", error["cure_en"])
    assert "{" not in error["cure_zh"] + error["cure_en"]
    assert "王建国" not in answer.text
    assert "13800138000" not in answer.text


async def test_a_missing_field_and_a_wrong_parameter_are_named_too(client: httpx.AsyncClient) -> None:
    body = await client.post("/v1/notes", json={"kind": "call", "text": "x"})
    path = await client.get("/v1/notes/no-uuid", params={"limit": "x"})

    assert [(e["field"], e["given"]) for e in body.json()["errors"]] == [("body.at", "nothing")]
    assert {e["field"] for e in path.json()["errors"]} == {"path.note_id", "query.limit"}


async def test_the_list_of_errors_is_bounded_and_unknown_names_are_not_repeated(issuer: Issuer) -> None:
    router = APIRouter()

    @router.post("/open/many")
    async def many(items: list[Strict]) -> None:
        return None

    async with client_of(an_app(issuer, routers=[router])) as client:
        answer = await client.post("/open/many", json=[{"n": 1, SECRET: 1, "odd_field": 2}] * 500)

    assert answer.json()["errors_total"] == 1_000
    assert len(answer.json()["errors"]) == 20
    assert {e["field"].split(".", 2)[2] for e in answer.json()["errors"]} == {"?", "odd_field"}
    assert "王" not in answer.text


DEEP = b"[" * 900 + b"]" * 900


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"nope", b"\x00", b"\xef\xbb\xbf{}", b"\xff\xfe", b'{"text": "\\ud800"}', b'{"text": "\xed\xa0\x80"}',
        b'{"text": "\\u0000"}', b'{"\\u0000": 1}', b'{"text": "\x00"}', b'{"text": NaN}', b'{"text": Infinity}', DEEP,
        b"[" * 100_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000, b'{"extra": {"n": 9223372036854775808}}',
        b'{"extra": {"n": -9223372036854775809}}', b'{"extra": {"n": ' + b"9" * 5_000 + b"}}",
        json.dumps(GOOD).encode("utf-16"), json.dumps(GOOD).encode("utf-32"), "楼上".encode("gbk"),
    ],
    ids=range(21),
)  # fmt: skip
async def test_json_that_nothing_behind_could_hold_is_malformed(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/v1/notes", content=body, headers={"content-type": "application/json"})

    assert is_problem(answer, 422, "malformed_json")


@pytest.mark.parametrize("number", ["9223372036854775807", "-9223372036854775808", '"99999999999999999999"', "1e308"])
async def test_numbers_at_the_border_and_long_numbers_in_text_pass(client: httpx.AsyncClient, number: str) -> None:
    body = json.dumps(GOOD)[:-1] + f', "extra": {{"n": {number}, "t": "\\\\u0000 is only text"}}}}'
    answer = await client.post("/v1/notes", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 201
    assert answer.json()["extra"]["n"] == json.loads(number)


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_another_content_type_is_415(client: httpx.AsyncClient, kind: str | None) -> None:
    headers = {} if kind is None else {"content-type": kind}

    assert is_problem(await client.post("/v1/notes", content=b"a=b", headers=headers), 415, "not_json")


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"]
)
async def test_every_way_to_write_json_is_taken(client: httpx.AsyncClient, kind: str) -> None:
    answer = await client.post("/v1/notes", content=json.dumps(GOOD), headers={"content-type": kind})

    assert answer.status_code == 201


async def test_no_body_where_one_is_needed_is_malformed(client: httpx.AsyncClient) -> None:
    assert is_problem(await client.post("/v1/notes"), 422, "malformed_request")


@pytest.mark.parametrize("size", [1_000, 1_001])
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_body_over_the_limit_is_413_however_it_is_sent(issuer: Issuer, size: int, streamed: bool) -> None:
    body = json.dumps(GOOD).encode()
    body += b" " * (size - len(body))

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(body), 100):
            yield body[at : at + 100]

    async with client_of(an_app(issuer, max_body_bytes=1_000)) as client:
        headers = {"content-type": "application/json"} | issuer.bearer("screener")
        answer = await client.post("/v1/notes", content=chunks() if streamed else body, headers=headers)

    assert answer.status_code == 201 if size == 1_000 else is_problem(answer, 413, "too_large")


@pytest.mark.parametrize("address", ["/v1/notes/%00", "/v1/notes/x?limit=%00", "/v1/notes/%ff%fe"])
async def test_an_address_with_bytes_that_are_no_text_is_malformed(client: httpx.AsyncClient, address: str) -> None:
    assert is_problem(await client.get(address), 422, "malformed_request")


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ("problem", 409, "moved"),
        ("unavailable", 503, "unavailable"),
        ("busy", 503, "unavailable"),
        ("refused", 503, "unavailable"),
        ("unknown", 503, "outcome_unknown"),
        ("surprise", 500, "internal"),
    ],
)
async def test_what_an_endpoint_raises_becomes_its_problem(
    client: httpx.AsyncClient, what: str, status: int, code: str
) -> None:
    with capture_logs() as logged:
        answer = await client.get(f"/v1/raise/{what}")

    assert is_problem(answer, status, code)
    assert ("retry-after" in answer.headers) == (status == 503)
    assert "王" not in answer.text
    assert "Traceback" not in answer.text
    assert (answer.json().get("allowed") == ["a", "b"]) == (what == "problem")
    assert any(line.get("exc_info") for line in logged) == (what != "problem")


async def test_what_the_framework_refuses_looks_the_same(client: httpx.AsyncClient) -> None:
    assert is_problem(await client.get("/v1/nothing-here"), 404, "not_found")
    wrong = await client.delete("/v1/slow")
    assert is_problem(wrong, 405, "method_not_allowed")
    assert wrong.headers["allow"] == "GET"


async def test_too_much_at_once_is_503_and_the_next_is_served(issuer: Issuer) -> None:
    async with client_of(an_app(issuer, max_at_once=2)) as client:
        client.headers.update(issuer.bearer("screener"))
        answers = await asyncio.gather(*(client.get("/v1/slow") for _ in range(5)))
        refused = [answer for answer in answers if answer.status_code == 503]
        later = await client.get("/v1/slow")

    assert len(refused) == 3
    assert all(is_problem(answer, 503, "overloaded") and answer.headers["retry-after"] for answer in refused)
    assert later.status_code == 200


async def test_the_access_log_names_the_template_and_nothing_that_was_sent(client: httpx.AsyncClient) -> None:
    with capture_logs() as logged:
        await client.get(f"/v1/raise/problem?who={SECRET}")
        await client.post("/v1/notes", json=GOOD | {"text": SECRET})
        await client.get(f"/v1/{SECRET}")
        await client.get("/livez")

    requests = [line for line in logged if line["event"] == "request"]
    assert [(r["method"], r["route"], r["status"], r["log_level"]) for r in requests] == [
        ("GET", "/v1/raise/{what}", 409, "info"),
        ("POST", "/v1/notes", 201, "info"),
        ("GET", "none", 404, "info"),
        ("GET", "/livez", 200, "debug"),
    ]
    assert all(line["ms"] >= 0 for line in requests)
    assert "王" not in str(logged)


async def test_a_request_id_is_kept_if_it_looks_like_one_and_replaced_if_not(client: httpx.AsyncClient) -> None:
    kept = await client.get("/livez", headers={"x-request-id": "abc-12345678"})
    replaced = await client.get("/livez", headers={"x-request-id": "<script>"})

    assert kept.headers["x-request-id"] == "abc-12345678"
    assert UUID(replaced.headers["x-request-id"]).version == 7
    assert structlog.contextvars.get_contextvars() == {}


async def test_readiness_says_which_part_is_missing_within_its_time(issuer: Issuer) -> None:
    async def good() -> None:
        return None

    async def bad() -> None:
        raise DatabaseUnavailable(SECRET)

    async def hanging() -> None:
        await asyncio.Event().wait()

    async with client_of(an_app(issuer, checks={"a": good})) as client:
        green = await client.get("/readyz")
        alive = await client.get("/livez")
    async with client_of(an_app(issuer, checks={"a": good, "b": bad, "c": hanging})) as client:
        began = time.monotonic()
        red = await client.get("/readyz")
        alive_anyway = await client.get("/livez")

    assert (green.status_code, green.json()) == (200, {"ready": True, "checks": {"a": "ok"}})
    checks = {"a": "ok", "b": "failed: DatabaseUnavailable", "c": "timeout"}
    assert (red.status_code, red.json()) == (503, {"ready": False, "checks": checks})
    assert time.monotonic() - began < 4
    assert alive.status_code == alive_anyway.status_code == 200


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
async def test_the_documentation_needs_no_other_machine(client: httpx.AsyncClient, page: str) -> None:
    answer = await client.get(page)
    addresses = re.findall(r"""(?:src|href|url)\s*[=:(]\s*["']?([^"'\s>)]+)""", answer.text)

    assert answer.status_code == 200
    assert addresses, "a page without any address is not the documentation"
    assert [address for address in addresses if re.match(r"(?:https?:)?//", address)] == []
    assets = [address for address in addresses if address.startswith("/static")]
    assert len(assets) >= 2
    for address in assets:
        assert (await client.get(address)).status_code == 200
    sources = re.findall(r"[a-z-]+-src ([^;]*)", answer.headers["content-security-policy"])
    allowed = {word for source in sources for word in source.split()}
    assert allowed == {"'none'", "'self'", "'unsafe-inline'", "data:", "blob:"}, "what a script asks for is refused too"


async def test_the_openapi_document_lists_the_problems_of_every_endpoint(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()

    post = document["paths"]["/v1/notes"]["post"]
    get = document["paths"]["/v1/notes/{note_id}"]["get"]
    assert set(post["responses"]) == {"201", "401", "403", "408", "409", "413", "415", "422", "431", "503"}
    assert set(get["responses"]) == {"200", "401", "403", "404", "422", "431", "503"}
    for status, response in post["responses"].items():
        assert list(response["content"]) == ["application/json" if status == "201" else "application/problem+json"]
    assert post["security"] == [{"HTTPBearer": []}]
    assert "Problem" in document["components"]["schemas"]
    assert not {"HTTPValidationError", "ValidationError"} & document["components"]["schemas"].keys()
    assert document["info"]["title"] == "便笺服务 Notes"
