"""The judge of answers and the walker of examples are themselves held against planted faults."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.documented import Documented, Ready
from support.documented_ops import brought_to_it

ANSWER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
DOCUMENT: dict[str, Any] = {
    "paths": {
        "/v1/things/{thing}": {
            "post": {
                "operationId": "changeThing",
                "parameters": [
                    {"in": "path", "name": "thing", "required": True, "schema": {"examples": ["a", "b"]}},
                    {"in": "query", "name": "limit", "schema": {"examples": [50]}},
                    {"in": "query", "name": "after", "schema": {}},
                    {"in": "header", "name": "Idempotency-Key", "schema": {"examples": ["k"]}},
                ],
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/In"},
                            "examples": {"named": {"value": {"n": 1}}},
                        }
                    }
                },
                "responses": {"200": {"content": {"application/json": {"schema": ANSWER}}}},
            },
            "get": {"operationId": "readThings", "responses": {}},
        },
        "/v1/things": {"get": {"operationId": "listThings", "responses": {}}},
    },
    "components": {"schemas": {"In": {"examples": [{"n": 2}, {"n": 3}]}}},
}
CHANGE = Documented(DOCUMENT, "post", "/v1/things/{thing}")


def test_every_example_is_sent_once_beside_the_first_of_what_must_be_there() -> None:
    sent = [(dict(one.parameters), one.body) for one in CHANGE.examples()]
    must = {"thing": "a", "Idempotency-Key": "k"}
    assert sent == [
        (must, {"n": 1}),
        (must, {"n": 2}),
        (must, {"n": 3}),
        (must | {"thing": "b"}, {"n": 1}),
        (must | {"limit": 50}, {"n": 1}),
    ]


def test_what_stands_there_takes_the_place_of_the_id_that_is_shown() -> None:
    assert CHANGE.first(thing="mine", else_="not asked for").parameters == {"thing": "mine", "Idempotency-Key": "k"}


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (httpx.Response(200, json={"n": 1}), None),
        (httpx.Response(200, json={"n": "one"}), "is not of type"),
        (httpx.Response(200, text="n", headers={"content-type": "text/plain"}), "text/plain"),
        (httpx.Response(201, json={"n": 1}), "changeThing, the first of all: 201"),
    ],
    ids=["as documented", "another shape", "another media type", "another status"],
)
def test_an_answer_is_held_against_the_document(answer: httpx.Response, complaint: str | None) -> None:
    if complaint is None:
        return CHANGE.check(answer, CHANGE.first())
    with pytest.raises(AssertionError, match=complaint):
        CHANGE.check(answer, CHANGE.first())
    return None


async def test_a_route_nobody_has_prepared_anything_for_fails_where_something_must_be_there() -> None:
    place: Any = None
    with pytest.raises(AssertionError, match="readThings: say in this file"):
        await brought_to_it(place, Documented(DOCUMENT, "get", "/v1/things/{thing}"), {})
    assert await brought_to_it(place, Documented(DOCUMENT, "get", "/v1/things"), {}) == Ready()
