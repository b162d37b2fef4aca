"""A committed OpenAPI document as requests that can be sent, and whether what comes back is what it promises."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any, Protocol
from urllib.parse import quote

import httpx
from jsonschema import Draft202012Validator, FormatChecker
from referral_schemas.__main__ import FOLDER
from support.tokens import Issuer

Node = dict[str, Any]
JSON = "application/json"
METHODS = ("get", "put", "post", "delete", "patch")
NEVER = {401, 403, 408, 413, 415, 422, 428, 431, 503}
"""Documented, and yet no answer to a good example from somebody who may send it."""
_CALLERS = count(1)


@dataclass(frozen=True)
class Example:
    """One request. `shows` says which example of the document it is there for."""

    shows: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None


class Documented:
    """One operation of one document."""

    def __init__(self, document: Node, method: str, path: str) -> None:
        self._document, self.method, self.path = document, method, path
        self.node: Node = document["paths"][path][method]
        self.name: str = self.node["operationId"]

    def __repr__(self) -> str:
        return self.name

    @property
    def roles(self) -> list[str]:
        return list(self.node.get("x-roles", ()))

    @property
    def needs_a_walk(self) -> bool:
        """Whether there must be something first that it is about."""
        return "{" in self.path or bool(self.bodies)

    @cached_property
    def bodies(self) -> Mapping[str, Any]:
        """All examples of the body, by name; the first is what the docs page fills in."""
        content = self.node.get("requestBody", {}).get("content", {}).get(JSON)
        if content is None:
            return {}
        named = {name: one["value"] for name, one in content.get("examples", {}).items()}
        alone = [content["example"]] if "example" in content else []
        of_schema = self._plain(content["schema"]).get("examples", [])
        return named | {str(n): value for n, value in enumerate([*alone, *of_schema], 1)}

    @cached_property
    def parameters(self) -> Mapping[str, list[Any]]:
        """All examples of each parameter; none for one that has none."""
        return {one["name"]: _examples(one) for one in self.node.get("parameters", ())}

    def first(self, **filled: Any) -> Example:
        """The first examples of all that must be there, and of every header."""
        needed = [
            one["name"] for one in self.node.get("parameters", ()) if one.get("required") or one["in"] == "header"
        ]
        lacking = [name for name in needed if not self.parameters[name] and name not in filled]
        assert not lacking, f"{self.name}: no example of {lacking}"
        shown = {name: filled.get(name) or self.parameters[name][0] for name in needed}
        return Example("the first of all", shown, next(iter(self.bodies.values()), None))

    def examples(self) -> Iterator[Example]:
        """Every one once: each further body, and each example of a parameter that the first request does not send."""
        first = self.first()
        yield first
        for name, body in list(self.bodies.items())[1:]:
            yield Example(f"body {name}", first.parameters, body)
        for name, values in self.parameters.items():
            for value in values:
                if first.parameters.get(name) != value:
                    yield Example(f"{name}={value}", {**first.parameters, name: value}, first.body)

    def check(self, answer: httpx.Response, example: Example) -> None:
        """Raises where status, media type or content is not as documented."""
        told = f"{self.name}, {example.shows}: {answer.status_code} {answer.text[:600]}"
        assert str(answer.status_code) in self.node["responses"], told
        documented = self.node["responses"][str(answer.status_code)].get("content", {})
        media_type = answer.headers["content-type"].partition(";")[0]
        assert media_type in documented, f"{told}: {media_type}"
        schema = {**documented[media_type]["schema"], "components": self._document["components"]}
        errors = Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(answer.json())
        wrong = [f"{error.json_path}: {error.message[:200]}" for error in errors]
        assert not wrong, f"{told}: {wrong}"

    def _plain(self, schema: Node) -> Node:
        while "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema


def operations_of(service: str) -> list[Documented]:
    document = json.loads((FOLDER.parent / f"openapi/{service}.json").read_text(encoding="utf-8"))
    paths = document["paths"].items()
    return [Documented(document, method, path) for path, item in paths for method in METHODS if method in item]


def _examples(parameter: Node) -> list[Any]:
    named = [one["value"] for one in parameter.get("examples", {}).values()]
    alone = [parameter["example"]] if "example" in parameter else []
    return [*named, *alone, *parameter["schema"].get("examples", [])]


class Place(Protocol):
    """A running service and somebody who issues tokens for it."""

    @property
    def client(self) -> httpx.AsyncClient: ...

    @property
    def issuer(self) -> Issuer: ...


async def send(place: Place, operation: Documented, example: Example, *, role: str | None = None) -> httpx.Response:
    """Each time as another person: nobody's idempotency key has been used before."""
    where = {one["name"]: one["in"] for one in operation.node.get("parameters", ())}
    given: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}}
    for name, value in example.parameters.items():
        given[where[name]][name] = _text(value)
    headers = given["header"]
    if operation.roles:
        claims = {"sub": f"caller-{next(_CALLERS)}", "source": "hongkou-110"}
        headers |= place.issuer.bearer(role or operation.roles[0], **claims)
    path = operation.path.format(**{name: quote(value, safe="") for name, value in given["path"].items()})
    body = {} if example.body is None else {"json": example.body}
    return await place.client.request(operation.method.upper(), path, params=given["query"], headers=headers, **body)


def _text(value: Any) -> Any:
    """A list is sent as the same name again and again."""
    if isinstance(value, list):
        return [_text(one) for one in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


async def answers_as_documented(place: Place, operation: Documented) -> None:
    """Every example of it, whatever it finds there; from the first who may send it there."""
    for example in operation.examples():
        for role in operation.roles or ["nobody"]:
            answer = await send(place, operation, example, role=role)
            operation.check(answer, example)
            if answer.status_code != 403:
                break
        assert answer.status_code not in NEVER, f"{operation.name}, {example.shows}: {answer.text}"


@dataclass(frozen=True)
class Ready:
    """What stands there now and waits for the command; and who sends it, where not the first who may."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    role: str | None = None


async def is_taken(place: Place, operation: Documented, ready: Ready) -> None:
    """Its first example, as it stands."""
    example = operation.first(**ready.parameters)
    answer = await send(place, operation, example, role=ready.role)
    operation.check(answer, example)
    assert answer.is_success, f"{operation.name}: {answer.status_code} {answer.text}"
