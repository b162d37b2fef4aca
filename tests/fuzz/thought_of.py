"""What schemathesis thinks of from a document alone: bodies and parameters as they may be, and as they may not be."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import schemathesis
from fuzz.junk import as_bytes
from fuzz.requests import Seeded
from fuzz.wire import RawRequest
from hypothesis import HealthCheck, Phase, given, seed, settings
from referral_schemas.__main__ import FOLDER
from schemathesis import GenerationMode
from schemathesis.core import NOT_SET

MODES = (GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
OPEN_FOR = {"If-Match": "*"}


def documents_of(service: str) -> Any:
    return schemathesis.openapi.from_path(str(FOLDER.parent / f"openapi/{service}.json"))


def cases_of(document: Any, path: str, method: str, *, count: int, number: int) -> list[Any]:
    """Of three two are as the document allows."""
    operation, found = document[path][method.upper()], []
    for n, mode in enumerate(MODES):
        share = len(range(n, count, len(MODES)))
        if share and _can(operation, mode):
            found += list(_drawn(operation, mode, share, number * 10 + n))
    return found


def _can(operation: Any, mode: GenerationMode) -> bool:
    """Nothing can be sent wrongly where nothing is sent."""
    takes_something = operation.body or operation.path_parameters or operation.query
    return mode is GenerationMode.POSITIVE or bool(takes_something)


def _drawn(operation: Any, mode: GenerationMode, count: int, number: int) -> Iterator[Any]:
    cases: list[Any] = []

    @seed(number)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(generation_mode=mode))
    def draw(case: Any) -> None:
        cases.append(case)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        draw()
    yield from cases[:count]


def as_request(case: Any, subject: Seeded, tokens: Mapping[str, str], *, n: int) -> RawRequest:
    """Every other one is about what stands there; all come with a token, and most with leave to change it."""
    operation = subject.operation
    path = {**(case.path_parameters or {})}
    if n % 2 == 0:
        path |= {name: value for name, value in subject.ready.parameters.items() if name in path}
    address = operation.path.format(**{name: _in_address(value) for name, value in path.items()})
    query = "&".join(
        f"{quote(name, safe='')}={quote(_text(value), safe='')}" for name, value in (case.query or {}).items()
    )
    headers = dict(case.headers or {})
    headers |= {name: value for name, value in OPEN_FOR.items() if name in headers and n % 4 != 3}
    if operation.roles:
        headers["Authorization"] = f"Bearer {tokens[subject.ready.role or operation.roles[0]]}"
    body = None if case.body is NOT_SET or not operation.bodies else _body(case.body)
    if body is not None:
        headers["Content-Type"] = "application/json"
    raw = [(name.encode(), _text(value).encode("utf-8", "surrogatepass")) for name, value in headers.items()]
    return RawRequest(operation.method.upper(), (f"{address}?{query}" if query else address).encode(), raw, body)


def _body(value: Any) -> bytes:
    return value if isinstance(value, bytes) else as_bytes(value)


def _text(value: Any) -> str:
    return str(value).replace("\r", "").replace("\n", "")


def _in_address(value: Any) -> str:
    """Schemathesis has quoted what it made up; what we put there we quote."""
    text = str(value)
    return text if "%" in text else quote(text, safe="")
