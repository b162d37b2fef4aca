"""What is true of every endpoint is written into the OpenAPI document once, here."""

from collections.abc import Iterator
from typing import Any

from chassis.access import Rights
from chassis.commands_headers import IDEMPOTENCY_KEY, IF_MATCH
from chassis.openapi_examples import (
    give_body_example,
    give_field_examples,
    give_parameter_example,
    give_problem_examples,
)
from chassis.openapi_words import introduce
from chassis.problems import ProblemOut, problem_response

_METHODS = ("get", "put", "post", "delete", "patch")


def complete(document: dict[str, Any], rights: Rights) -> dict[str, Any]:
    """Adds the problems that may happen everywhere and the roles of each operation; takes out FastAPI's own form of
    422, which we never send.
    """
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = ProblemOut.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    give_field_examples(schemas)
    for path, method, operation in _operations(document):
        if (method.upper(), path) in rights:
            operation["x-roles"] = sorted(rights[method.upper(), path])
        _require_if_match(operation)
        for parameter in operation.get("parameters", ()):
            _never_null(parameter)
            give_parameter_example(parameter)
        give_body_example(operation, schemas)
        responses = operation.setdefault("responses", {})
        for status in _statuses(operation):
            if status == 422 or str(status) not in responses:
                responses[str(status)] = problem_response(status)
    every = [operation for _, _, operation in _operations(document)]
    give_problem_examples(document, every)
    introduce(document, every)
    return document


def _require_if_match(operation: dict[str, Any]) -> None:
    """Its absence is answered 428 by hand, so FastAPI thinks that it may be left out."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "header" and parameter["name"] == IF_MATCH:
            parameter["required"] = True


def _never_null(parameter: dict[str, Any]) -> None:
    """Nobody can send null in a path, a query or a header: what FastAPI calls so is left out."""
    schema = parameter["schema"]
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del schema["anyOf"]
        parameter["schema"] = choices[0] | schema


def _statuses(operation: dict[str, Any]) -> Iterator[int]:
    if operation.get("security"):
        yield from (401, 403, 431, 503)
    headers = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "header"}
    if IDEMPOTENCY_KEY in headers:
        yield from (409, 422)
    if IF_MATCH in headers:
        yield from (412, 428)
    if "requestBody" in operation:
        yield from (408, 413, 415, 422)
    elif "422" in operation["responses"]:
        yield 422


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document.get("paths", {}).items():
        yield from ((path, method, item[method]) for method in _METHODS if method in item)
