"""What is true of every endpoint is written into the OpenAPI document once, here."""

from collections.abc import Iterator
from typing import Any

from chassis.problems import ProblemOut, problem_response

_METHODS = ("get", "put", "post", "delete", "patch")


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Adds the problems that may happen everywhere, and takes out FastAPI's own form of 422, which we never send."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = ProblemOut.model_json_schema()
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for operation in _operations(document):
        responses = operation.setdefault("responses", {})
        for status in _statuses(operation):
            if status == 422 or str(status) not in responses:
                responses[str(status)] = problem_response(status)
    return document


def _statuses(operation: dict[str, Any]) -> Iterator[int]:
    if operation.get("security"):
        yield from (401, 403, 503)
    if "requestBody" in operation:
        yield from (413, 415, 422)
    elif "422" in operation["responses"]:
        yield 422


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document.get("paths", {}).values():
        yield from (path[method] for method in _METHODS if method in path)
