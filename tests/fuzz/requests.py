"""Requests that begin as a document shows them and end as nobody should send them, each made again from its seed."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fuzz.junk import JUNK, PERSON, PHONE, as_bytes, changed, torn
from fuzz.wire import RawRequest
from support.documented import Documented, Example, Place, Ready

TEXTS = [value for value in JUNK if isinstance(value, str)] + ["9" * 30, "-1", "1.5", "..", ".", "a/b", "a%2fb", " "]
RAW_VALUES = [
    b"", b" ", b"\xff\xfe", "电话".encode(), f"{PERSON}{PHONE}".encode(), b"k" * 9_000, b"a\tb",
    b"'; DROP TABLE call; --", b"*", b'"7"', b'W/"7"', b'"-1"', b'"99999999999999999999999"', b"0", b'"7", "8"',
    b"application/json; charset=gb18030",
    b"text/plain", b"application/xml", b"multipart/form-data; boundary=x", b"gzip", b"chunked",
    b"Bearer", b"Bearer x.y.z",
    b"Bearer " + b"W1tb" * 6_000 + b".e30.e30", b"Basic AAAA", b"Bearer ldk_" + b"x" * 50, b"Bearer \xff", b"close",
    b"upgrade",
]  # fmt: skip
HEADER_NAMES = [
    b"if-match", b"idempotency-key", b"authorization", b"content-type", b"x-request-id", b"traceparent", b"accept",
    b"accept-encoding", b"content-encoding", b"expect", b"x-forwarded-for", b"x-forwarded-host", b"forwarded",
    b"cookie",
    b"range", b"origin", b"x-http-method-override", b"te", b"if-none-match",
]  # fmt: skip


@dataclass(frozen=True)
class Seeded:
    """An operation, and what stands there that it can be asked about."""

    operation: Documented
    shown: Ready
    ready: Ready
    examples: Sequence[Example]


def hostile_request(place: Place, seeded: Seeded, tokens: Mapping[str, str], rng: random.Random) -> RawRequest:
    operation, example = seeded.operation, rng.choice(seeded.examples)
    parameters = {**example.parameters, **(seeded.ready.parameters if rng.random() < 0.8 else {})}
    for one in operation.node.get("parameters", ()):
        if rng.random() < 0.15:
            parameters[one["name"]] = rng.choice(TEXTS)
    target, headers = addressed(operation, parameters)
    body = _body(example.body, rng)
    if operation.roles:
        headers.append((b"authorization", f"Bearer {tokens[seeded.ready.role or operation.roles[0]]}".encode()))
    if body is not None:
        headers.append((b"content-type", b"application/json"))
    for _ in range(rng.choice([0, 0, 0, 1, 1, 3])):
        _bend(headers, rng)
    method = operation.method.upper() if rng.random() < 0.98 else rng.choice(["GET", "POST", "PUT", "DELETE", "PATCH"])
    return RawRequest(method, target.encode("ascii"), headers, body)


def example_request(seeded: Seeded, tokens: Mapping[str, str]) -> RawRequest:
    """As the document shows it, about what waits for it."""
    operation = seeded.operation
    example = operation.first(**seeded.shown.parameters)
    target, headers = addressed(operation, example.parameters)
    if operation.roles:
        headers.append((b"authorization", f"Bearer {tokens[seeded.shown.role or operation.roles[0]]}".encode()))
    body = None if example.body is None else as_bytes(example.body)
    if body is not None:
        headers.append((b"content-type", b"application/json"))
    return RawRequest(operation.method.upper(), target.encode("ascii"), headers, body)


def addressed(operation: Documented, parameters: Mapping[str, Any]) -> tuple[str, list[tuple[bytes, bytes]]]:
    """Each parameter in its place: the address, and what goes into headers."""
    given: dict[str, dict[str, str]] = {"path": {}, "query": {}, "header": {}}
    for one in operation.node.get("parameters", ()):
        value = parameters.get(one["name"])
        if value is not None or one["in"] == "path":
            given[one["in"]][one["name"]] = str(value).lower() if isinstance(value, bool) else str(value)
    path = operation.path.format(**{name: _quoted(value) for name, value in given["path"].items()})
    query = "&".join(f"{quote(name)}={_quoted(value)}" for name, value in given["query"].items())
    headers = [(name.encode(), _one_line(value)) for name, value in given["header"].items()]
    return f"{path}?{query}" if query else path, headers


def _body(value: Any, rng: random.Random) -> bytes | None:
    lot = rng.random()
    if value is None:
        return None if lot < 0.9 else torn(b"{}", rng)
    for _ in range(rng.randint(1, 3) if lot < 0.8 else 0):
        value = changed(value, rng)
    raw = as_bytes(value) if rng.random() < 0.5 else json.dumps(value).encode("utf-8", "surrogatepass")
    if lot > 0.9:
        return torn(raw, rng)
    return rng.choice([b"", b" ", b"null", b'"x"', b"5", raw + b" " * 300_000]) if lot > 0.87 else raw


def _quoted(text: str) -> str:
    """Long ones are cut: what an address may hold is tried at the door."""
    return quote(text[:3_000].encode("utf-8", "surrogatepass"), safe="")


def _one_line(text: str) -> bytes:
    return text.replace("\r", "").replace("\n", "").encode("utf-8", "surrogatepass")[:9_000]


def _bend(headers: list[tuple[bytes, bytes]], rng: random.Random) -> None:
    match rng.randrange(4):
        case 0 if headers:
            del headers[rng.randrange(len(headers))]
        case 1 if headers:
            at = rng.randrange(len(headers))
            headers[at] = (headers[at][0], rng.choice(RAW_VALUES))
        case 2:
            headers += [(b"x-%d" % n, b"y") for n in range(rng.choice([5, 60, 200]))]
        case _:
            headers.append((rng.choice(HEADER_NAMES), rng.choice(RAW_VALUES)))
