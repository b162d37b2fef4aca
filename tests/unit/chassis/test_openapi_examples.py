from __future__ import annotations

from typing import Any

import pytest
from chassis.openapi_examples import (
    EXAMPLE_ID,
    example_of,
    give_body_example,
    give_field_examples,
    give_parameter_example,
    give_problem_examples,
)
from chassis.problems import _DESCRIPTIONS, ProblemOut, problem_response
from pydantic import BaseModel, Field


class Inner(BaseModel):
    code: str = Field(examples=["a", "b"])
    unknown: int | None = None


class Outer(BaseModel):
    n: int = Field(examples=[5])
    inner: Inner
    many: list[Inner]
    kind: str = "plain"
    left_out: str | None = None
    nothing: str | None = Field(default="x", examples=[None])


class Whole(BaseModel, json_schema_extra={"examples": [{"n": 7}]}):
    n: int = Field(examples=[5])


def schema_of(model: type[BaseModel]) -> tuple[dict[str, Any], dict[str, Any]]:
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = {**schema.pop("$defs", {}), model.__name__: schema}
    return {"$ref": f"#/components/schemas/{model.__name__}"}, schemas


def a_body(model: type[BaseModel], **content: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    ref, schemas = schema_of(model)
    return {"requestBody": {"content": {"application/json": {"schema": ref} | content}}}, schemas


def test_a_body_without_an_example_gets_one_of_its_fields() -> None:
    operation, schemas = a_body(Outer)
    give_body_example(operation, schemas)
    example = operation["requestBody"]["content"]["application/json"]["example"]
    assert example == {"n": 5, "inner": {"code": "a"}, "many": [{"code": "a"}], "kind": "plain"}
    Outer.model_validate(example)


def test_an_example_that_somebody_wrote_stands() -> None:
    for operation, schemas in (a_body(Whole), a_body(Outer, example={"n": 1}), a_body(Outer, examples={})):
        before = str(operation)
        give_body_example(operation, schemas)
        assert str(operation) == before


def test_a_field_that_holds_models_shows_one_of_them() -> None:
    class Holder(BaseModel):
        one: Inner | None
        many: list[Inner] = Field(description="x")
        own: list[Inner] = Field(examples=[[{"code": "z"}]])
        bare: int

    _, schemas = schema_of(Holder)
    give_field_examples(schemas)
    fields = schemas["Holder"]["properties"]
    assert fields["one"]["examples"] == [{"code": "a"}]
    assert fields["many"]["examples"] == [[{"code": "a"}]]
    assert fields["own"]["examples"] == [[{"code": "z"}]]
    assert "examples" not in fields["bare"]


def test_no_body_is_no_example_and_too_little_is_none() -> None:
    operation: dict[str, Any] = {"responses": {}}
    give_body_example(operation, {})
    assert operation == {"responses": {}}
    assert example_of({"type": "string"}, {}) is None


@pytest.mark.parametrize(("form", "shown"), [("uuid", [EXAMPLE_ID]), ("email", None)])
def test_a_parameter_whose_form_says_enough_is_shown(form: str, shown: list[str] | None) -> None:
    parameter: dict[str, Any] = {"schema": {"type": "string", "format": form}}
    give_parameter_example(parameter)
    assert parameter["schema"].get("examples") == shown


def test_every_problem_that_is_documented_shows_one_of_its_own_status() -> None:
    document: dict[str, Any] = {"components": {}}
    responses = {str(status): problem_response(status) for status in _DESCRIPTIONS}
    give_problem_examples(document, [{"responses": responses | {"200": {"content": {"application/json": {}}}}}])
    shown = document["components"]["examples"]
    assert set(shown) == {f"Problem{status}" for status in responses}
    for status, response in responses.items():
        ((code, place),) = response["content"]["application/problem+json"]["examples"].items()
        example = shown[place["$ref"].rpartition("/")[2]]["value"]
        assert (example["status"], example["code"]) == (int(status), code)
        ProblemOut.model_validate(example, strict=True)
