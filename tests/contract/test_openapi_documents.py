"""The four OpenAPI documents: what stands committed is what the services serve, and it helps whoever reads it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referral_schemas.__main__ import FOLDER

DOCUMENTS = FOLDER.parent / "openapi"
SERVICES = ("intake", "triage", "mediation", "followup")
METHODS = ("get", "put", "post", "delete", "patch")
JSON = "application/json"
Node = dict[str, Any]


@dataclass(frozen=True)
class Operation:
    service: str
    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.service} {self.method.upper()} {self.path}"

    @property
    def node(self) -> Node:
        node: Node = document(self.service)["paths"][self.path][self.method]
        return node

    @property
    def is_secured(self) -> bool:
        return bool(self.node.get("security"))

    def headers(self) -> set[str]:
        return {parameter["name"] for parameter in self.node.get("parameters", ()) if parameter["in"] == "header"}

    def body(self) -> Node | None:
        content: Node = self.node.get("requestBody", {}).get("content", {})
        return content.get(JSON)


@cache
def document(service: str) -> Node:
    path = DOCUMENTS / f"{service}.json"
    read: Node = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"paths": {}}
    return read


OPERATIONS = [
    Operation(service, method, path)
    for service in SERVICES
    for path, item in document(service)["paths"].items()
    for method in METHODS
    if method in item
]
BODIES = [operation for operation in OPERATIONS if operation.body() is not None]
FIELDS = [
    (service, name, field)
    for service in SERVICES
    for name, schema in sorted(document(service).get("components", {}).get("schemas", {}).items())
    for field in schema.get("properties", {})
]


def both_languages(text: str | None) -> bool:
    has_chinese = any("\u4e00" <= letter <= "\u9fff" for letter in text or "")
    return has_chinese and re.search(r"[A-Za-z]{2}", text or "") is not None


def resolve(schema: Node, service: str) -> Node:
    while "$ref" in schema:
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**document(service)["components"]["schemas"][schema["$ref"].rpartition("/")[2]], **rest}
    return schema


def fields_of(
    schema: Node, service: str, path: str = "", seen: frozenset[str] = frozenset()
) -> Iterator[tuple[str, Node]]:
    """Every field of a schema at every depth, by its path."""
    name = schema.get("$ref", "")
    if name in seen:
        return
    plain = resolve(schema, service)
    for choice in (*plain.get("anyOf", ()), *plain.get("oneOf", ()), *plain.get("allOf", ())):
        yield from fields_of(choice, service, path, seen | {name})
    for field, inner in plain.get("properties", {}).items():
        yield f"{path}.{field}".lstrip("."), inner
        yield from fields_of(inner, service, f"{path}.{field}", seen | {name})
    if isinstance(plain.get("items"), dict):
        yield from fields_of(plain["items"], service, f"{path}[]", seen | {name})


def has_example(schema: Node) -> bool:
    return bool(schema.get("examples")) or "example" in schema


def first_example(body: Node, service: str) -> Any:
    """The one that the docs page fills in; None where there is none."""
    for example in body.get("examples", {}).values():
        return example.get("value")
    return body.get("example", next(iter(resolve(body["schema"], service).get("examples", ())), None))


@pytest.mark.parametrize("service", SERVICES)
def test_the_committed_document_is_what_the_service_prints(service: str) -> None:
    command = [sys.executable, "-m", f"{service}_svc", "openapi"]
    printed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert printed.returncode == 0, printed.stderr
    committed = (DOCUMENTS / f"{service}.json").read_text(encoding="utf-8")
    assert printed.stdout == committed, "run make contracts"


@pytest.mark.parametrize("service", SERVICES)
def test_it_is_openapi_3_1_with_a_title_in_both_languages(service: str) -> None:
    assert document(service)["openapi"].startswith("3.1.")
    assert both_languages(document(service)["info"]["title"])
    assert {"/livez", "/readyz"} <= set(document(service)["paths"])


@pytest.mark.parametrize("service", SERVICES)
def test_operation_ids_are_camel_case_words_and_each_stands_once(service: str) -> None:
    ids = [operation.node.get("operationId", "") for operation in OPERATIONS if operation.service == service]
    assert len(ids) == len(set(ids)), sorted(one for one in ids if ids.count(one) > 1)
    assert [one for one in ids if re.fullmatch(r"[a-z]+([A-Z][a-z0-9]*)*", one) is None] == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_an_operation_has_a_short_id_and_a_summary_in_both_languages(operation: Operation) -> None:
    # FastAPI's own ids repeat path and method: no client would call a function by such a name.
    generated = re.sub(r"\W", "_", operation.path)
    assert not operation.node["operationId"].endswith(f"{generated}_{operation.method}")
    assert both_languages(operation.node.get("summary"))


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.path.startswith("/v1")], ids=str)
def test_everything_under_v1_asks_who_is_calling_and_names_the_roles(operation: Operation) -> None:
    assert operation.is_secured
    assert operation.node["x-roles"]


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.is_secured], ids=str)
def test_an_operation_lists_its_problems(operation: Operation) -> None:
    expected = {"401", "403", "503"}
    if operation.body() is not None:
        expected |= {"413", "415", "422"}
    if "Idempotency-Key" in operation.headers():
        expected |= {"409", "422"}
    if "If-Match" in operation.headers():
        expected |= {"412", "428"}
    if "{" in operation.path and not operation.path.startswith("/v1/ops"):
        expected |= {"404"}
    responses = operation.node["responses"]
    assert expected <= set(responses), sorted(expected - set(responses))
    for status, response in responses.items():
        assert both_languages(response["description"]) or status.startswith("2"), status
        if status.startswith("4"):
            assert "application/problem+json" in response["content"], status


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.is_secured], ids=str)
def test_an_answer_has_a_shape(operation: Operation) -> None:
    good = {status: response for status, response in operation.node["responses"].items() if status.startswith("2")}
    assert good
    for response in good.values():
        for content in response.get("content", {}).values():
            assert content.get("schema"), "an empty schema tells nothing"


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_a_parameter_is_described_in_both_languages(operation: Operation) -> None:
    unclear = [
        f"{parameter['in']} {parameter['name']}"
        for parameter in operation.node.get("parameters", ())
        if not both_languages(parameter.get("description") or parameter["schema"].get("description"))
    ]
    assert unclear == []


@pytest.mark.parametrize("operation", BODIES, ids=str)
def test_each_field_of_a_body_is_described_in_both_languages_with_an_example(operation: Operation) -> None:
    body = operation.body()
    assert body is not None
    found = dict(fields_of(body["schema"], operation.service))
    assert [path for path, field in found.items() if not both_languages(field.get("description"))] == []
    assert [path for path, field in found.items() if not has_example(field)] == []


@pytest.mark.parametrize("operation", BODIES, ids=str)
def test_a_body_has_a_first_example_which_its_own_schema_accepts(operation: Operation) -> None:
    body = operation.body()
    assert body is not None
    example = first_example(body, operation.service)
    assert example is not None
    schema = {**body["schema"], "components": document(operation.service)["components"]}
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(example)


@pytest.mark.parametrize(("service", "name", "field"), FIELDS, ids=lambda value: str(value))
def test_each_field_of_each_schema_is_described_in_both_languages_with_an_example(
    service: str, name: str, field: str
) -> None:
    schema = document(service)["components"]["schemas"][name]["properties"][field]
    assert both_languages(resolve(schema, service).get("description"))
    assert has_example(resolve(schema, service))


@pytest.mark.parametrize("service", SERVICES)
def test_a_document_names_nothing_but_the_api(service: str) -> None:
    text = json.dumps(document(service), ensure_ascii=False)
    assert "HTTPValidationError" not in text
    assert re.search(r"/(home|tmp|work|root|usr)/", text) is None
