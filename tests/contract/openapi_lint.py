"""What a good OpenAPI document says, as findings about one that does not: each a place and what is wrong there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

METHODS = ("get", "put", "post", "delete", "patch")
JSON = "application/json"
PROBLEM = "application/problem+json"
OPERATION_ID = re.compile(r"[a-z]+([A-Z][a-z0-9]*)*")
Node = dict[str, Any]


def both_languages(text: str | None) -> bool:
    has_chinese = any("\u4e00" <= letter <= "\u9fff" for letter in text or "")
    return has_chinese and re.search(r"[A-Za-z]{2}", text or "") is not None


@dataclass(frozen=True)
class Operation:
    document: Node
    method: str
    path: str

    @property
    def node(self) -> Node:
        node: Node = self.document["paths"][self.path][self.method]
        return node

    @property
    def is_secured(self) -> bool:
        return bool(self.node.get("security"))

    @property
    def body(self) -> Node | None:
        content: Node = self.node.get("requestBody", {}).get("content", {})
        return content.get(JSON)

    @property
    def headers(self) -> set[str]:
        return {parameter["name"] for parameter in self.node.get("parameters", ()) if parameter["in"] == "header"}

    def findings(self) -> Iterator[str]:
        yield from self._name()
        if self.path.startswith("/v1"):
            yield from self._access()
        if self.is_secured:
            yield from self._problems()
            yield from self._answers()
        yield from self._parameters()
        yield from self._body()

    def _name(self) -> Iterator[str]:
        name = self.node.get("operationId", "")
        if OPERATION_ID.fullmatch(name) is None:
            yield f"operation id is not in camel case: {name!r}"
        if not both_languages(summary := self.node.get("summary", "")) or summary[0].isascii():
            yield f"summary not in both languages, Chinese first: {summary!r}"
        if [tag["name"] for tag in self.document["tags"]].count("".join(self.node.get("tags", ()))) != 1:
            yield f"stands not in one group of the page: {self.node.get('tags')}"

    def _access(self) -> Iterator[str]:
        if not self.is_secured:
            yield "asks nobody who is calling"
        if not self.node.get("x-roles"):
            yield "names no roles"
        elif not all(f"`{role}`" in self.node.get("description", "") for role in self.node["x-roles"]):
            yield "does not tell its reader who may"

    def _problems(self) -> Iterator[str]:
        expected = {"401", "403", "503"}
        if self.body is not None:
            expected |= {"413", "415", "422"}
        if "Idempotency-Key" in self.headers:
            expected |= {"409", "422"}
        if "If-Match" in self.headers:
            expected |= {"412", "428"}
        if "{" in self.path and not self.path.startswith("/v1/ops"):
            expected |= {"404"}
        missing = expected - set(self.node["responses"])
        if missing:
            yield f"problems not listed: {', '.join(sorted(missing))}"
        for status, response in self.node["responses"].items():
            if status.startswith(("4", "5")):
                if not both_languages(response["description"]):
                    yield f"{status} not described in both languages"
                if PROBLEM not in response.get("content", {}):
                    yield f"{status} is not a problem response"

    def _answers(self) -> Iterator[str]:
        good = {status: response for status, response in self.node["responses"].items() if status.startswith("2")}
        if not good:
            yield "no answer is described"
        for status, response in good.items():
            if not both_languages(response["description"]):
                yield f"{status} not described in both languages"
            if any(not content.get("schema") for content in response.get("content", {}).values()):
                yield f"{status} has no schema"

    def _parameters(self) -> Iterator[str]:
        for parameter in self.node.get("parameters", ()):
            if not both_languages(parameter.get("description") or parameter["schema"].get("description")):
                yield f"{parameter['in']} {parameter['name']} not described in both languages"
            if parameter.get("required") and not parameter["schema"].get("examples"):
                yield f"{parameter['in']} {parameter['name']} must be sent and has no example"
            if {"type": "null"} in parameter["schema"].get("anyOf", ()):
                yield f"{parameter['in']} {parameter['name']} may be null, which nobody can send"

    def _body(self) -> Iterator[str]:
        if self.body is None:
            return
        example = first_example(self.body, self.document)
        if example is None:
            yield "body has no example"
            return
        schema = {**self.body["schema"], "components": self.document["components"]}
        for error in Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(example):
            yield f"first example of the body: {error.json_path}: {error.message[:120]}"


def operations(document: Node) -> list[Operation]:
    paths = document["paths"].items()
    return [Operation(document, method, path) for path, item in paths for method in METHODS if method in item]


def schema_findings(name: str, document: Node) -> Iterator[str]:
    """Every field of one named schema, those of schemas written out inside it included."""
    schema = document["components"]["schemas"][name]
    for path, field in _fields(schema, ""):
        plain = _resolve(field, document)
        if not both_languages(plain.get("description")):
            yield f"{path} not described in both languages"
        if not plain.get("examples") and "example" not in plain:
            yield f"{path} has no example"


def first_example(body: Node, document: Node) -> Any:
    """The one that the docs page fills in; None where there is none."""
    for example in body.get("examples", {}).values():
        return example.get("value")
    return body.get("example", next(iter(_resolve(body["schema"], document).get("examples", ())), None))


def _resolve(schema: Node, document: Node) -> Node:
    while "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], **beside}
    return schema


def _fields(schema: Node, path: str) -> Iterator[tuple[str, Node]]:
    """References are not followed: what they lead to is looked at under its own name."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}".lstrip("."), field
        yield from _fields(field, f"{path}.{name}")
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from _fields(choice, path)
    if isinstance(schema.get("items"), dict):
        yield from _fields(schema["items"], f"{path}[]")
