"""The four OpenAPI documents: what stands committed is what the services serve, and it helps whoever reads it."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from contract.openapi_lint import Node, both_languages, operations, schema_findings
from jsonschema import Draft202012Validator
from referral_schemas.__main__ import FOLDER

DOCUMENTS = FOLDER.parent / "openapi"
SERVICES = ("intake", "triage", "mediation", "followup")
OFFICIAL = Path(__file__).parent / "official" / "openapi-3.1.json"
OFFICIAL_SHA256 = "eb5c4544fa2560f8dbd25da98014b7efc07d1ab1e6d7320afec559ee0df2a1fc"


@cache
def document(service: str) -> Node:
    path = DOCUMENTS / f"{service}.json"
    read: Node = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"paths": {}}
    return read


OPERATIONS = [
    (service, operation.method, operation.path) for service in SERVICES for operation in operations(document(service))
]
SCHEMAS = [
    (service, name)
    for service in SERVICES
    for name in sorted(document(service).get("components", {}).get("schemas", {}))
]


def findings(document: Node) -> list[str]:
    """All that the lint finds in one document."""
    found = [finding for operation in operations(document) for finding in operation.findings()]
    return found + [
        finding for name in document["components"]["schemas"] for finding in schema_findings(name, document)
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_the_committed_document_is_what_the_service_prints(service: str) -> None:
    command = [sys.executable, "-m", f"{service}_svc", "openapi"]
    printed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert printed.returncode == 0, printed.stderr
    committed = (DOCUMENTS / f"{service}.json").read_text(encoding="utf-8")
    assert printed.stdout == committed, "run make contracts"


@pytest.mark.parametrize("service", SERVICES)
def test_it_satisfies_the_official_schema_and_so_do_the_schemas_in_it(service: str) -> None:
    official = Draft202012Validator(json.loads(OFFICIAL.read_text(encoding="utf-8")))
    assert [f"{error.json_path}: {error.message}" for error in official.iter_errors(document(service))] == []
    for schema in document(service)["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_the_official_schema_is_the_one_that_was_published() -> None:
    assert hashlib.sha256(OFFICIAL.read_bytes()).hexdigest() == OFFICIAL_SHA256


@pytest.mark.parametrize("service", SERVICES)
def test_an_operation_id_stands_once(service: str) -> None:
    ids = [operation.node.get("operationId") for operation in operations(document(service))]
    assert sorted({str(one) for one in ids if ids.count(one) > 1}) == []


@pytest.mark.parametrize(("service", "method", "path"), OPERATIONS, ids=str)
def test_an_operation_says_who_may_call_it_what_it_takes_and_how_it_answers(
    service: str, method: str, path: str
) -> None:
    (operation,) = [one for one in operations(document(service)) if (one.method, one.path) == (method, path)]
    assert list(operation.findings()) == []


@pytest.mark.parametrize(("service", "name"), SCHEMAS, ids=str)
def test_each_field_is_described_in_both_languages_with_an_example(service: str, name: str) -> None:
    assert list(schema_findings(name, document(service))) == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_document_says_in_both_languages_what_the_service_is_for_and_how_it_is_asked(service: str) -> None:
    purpose, *how_to = document(service)["info"]["description"].split("\n\n")
    assert both_languages(f"{purpose} {how_to[0]}")
    assert "If-Match" in how_to[-1]


@pytest.mark.parametrize("service", SERVICES)
def test_a_document_names_nothing_but_the_api(service: str) -> None:
    text = json.dumps(document(service), ensure_ascii=False)
    assert "HTTPValidationError" not in text
    assert re.search(r"/(home|tmp|work|root|usr)/", text) is None


# ── the lint itself, on a small document without a fault and then with one planted ─────────────────────────────────

FIELD: Node = {"type": "string", "description": "原因 · Reason", "examples": ["not_our_area"]}
PROBLEM: Node = {"description": "没有权限。Not allowed.", "content": {"application/problem+json": {"schema": FIELD}}}
GOOD: Node = {
    "tags": [{"name": "事 Things"}],
    "paths": {
        "/v1/things/{thing}/return": {
            "post": {
                "operationId": "returnThing",
                "tags": ["事 Things"],
                "description": "角色 Roles: `clerk`",
                "summary": "退回 Return a thing",
                "security": [{"bearer": []}],
                "x-roles": ["clerk"],
                "parameters": [
                    {"in": "path", "name": "thing", "required": True, "description": "编号 · Its id", "schema": FIELD},
                    {"in": "header", "name": "If-Match", "description": "版本 · Version", "schema": {"type": "string"}},
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/In"}}}},
                "responses": {
                    "200": {"description": "好。Done.", "content": {"application/json": {"schema": FIELD}}},
                    **dict.fromkeys(("401", "403", "404", "409", "412", "413", "415", "422", "428", "503"), PROBLEM),
                },
            }
        }
    },
    "components": {
        "schemas": {
            "In": {
                "type": "object",
                "properties": {
                    "reason": FIELD,
                    "parts": {**FIELD, "type": "array", "items": {"properties": {"n": FIELD}}},
                },
                "required": ["reason"],
                "examples": [{"reason": "not_our_area"}],
            }
        }
    },
}


def post(document: Node) -> Node:
    node: Node = document["paths"]["/v1/things/{thing}/return"]["post"]
    return node


def schema(document: Node) -> Node:
    node: Node = document["components"]["schemas"]["In"]
    return node


PLANTED: dict[str, tuple[Callable[[Node], object], str]] = {
    "no security": (lambda d: post(d).pop("security"), "asks nobody"),
    "no roles": (lambda d: post(d).pop("x-roles"), "names no roles"),
    "a snake": (lambda d: post(d).update(operationId="return_thing"), "camel case"),
    "one language": (lambda d: post(d).update(summary="Return a thing"), "summary"),
    "English first": (lambda d: post(d).update(summary="Return 退回"), "Chinese first"),
    "two groups": (lambda d: post(d).update(tags=["事 Things", "审计 Audit"]), "not in one group"),
    "roles for machines alone": (lambda d: post(d).update({"x-roles": ["head"]}), "who may"),
    "an answer in one language": (
        lambda d: post(d)["responses"]["200"].update(description="Done"),
        "200 not described",
    ),
    "a problem left out": (lambda d: post(d)["responses"].pop("428"), "428"),
    "a problem without words": (lambda d: post(d)["responses"]["404"].update(description="Not found"), "404"),
    "an answer without shape": (
        lambda d: post(d)["responses"]["200"]["content"]["application/json"].update(schema={}),
        "200 has no schema",
    ),
    "a mute parameter": (lambda d: post(d)["parameters"][1].pop("description"), "header If-Match not described"),
    "a path that shows nothing": (
        lambda d: post(d)["parameters"][0].update(schema={"type": "string"}),
        "path thing must be sent and has no example",
    ),
    "a header of null": (
        lambda d: post(d)["parameters"][1]["schema"].update(anyOf=[{"type": "string"}, {"type": "null"}]),
        "header If-Match may be null",
    ),
    "no example of the body": (lambda d: schema(d).pop("examples"), "body has no example"),
    "an example that is refused": (lambda d: schema(d).update(examples=[{"reason": 1}]), "first example"),
    "a field without example": (lambda d: schema(d)["properties"]["reason"].pop("examples"), "reason has no example"),
    "a mute inner field": (
        lambda d: schema(d)["properties"]["parts"]["items"]["properties"]["n"].pop("description"),
        "parts[].n not described",
    ),
}


def test_the_lint_finds_nothing_in_a_good_document() -> None:
    assert findings(GOOD) == []


@pytest.mark.parametrize("fault", PLANTED)
def test_the_lint_finds_a_planted_fault(fault: str) -> None:
    plant, expected = PLANTED[fault]
    broken = copy.deepcopy(GOOD)
    plant(broken)
    assert any(expected in finding for finding in findings(broken)), findings(broken)
