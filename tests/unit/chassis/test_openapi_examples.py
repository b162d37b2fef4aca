from __future__ import annotations

from typing import Any

from chassis.openapi_examples import (
    EXAMPLE_ID,
    example_of,
    give_body_example,
    give_field_examples,
    give_parameter_example,
)
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


def test_an_id_that_must_be_sent_is_shown_and_one_that_may_be_left_out_is_not_filled_in() -> None:
    for required, shown in ((True, [EXAMPLE_ID]), (False, None)):
        parameter: dict[str, Any] = {"required": required, "schema": {"type": "string", "format": "uuid"}}
        give_parameter_example(parameter)
        assert parameter["schema"].get("examples") == shown
