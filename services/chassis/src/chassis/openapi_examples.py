"""Examples made of the examples of their parts, where nobody has written one for the whole."""

from collections.abc import Iterable, Mapping
from typing import Any

from chassis.problem_examples import PROBLEM_EXAMPLES
from chassis.problems import MEDIA_TYPE

_JSON = "application/json"
EXAMPLE_ID = "0199aa00-0000-7000-8000-000000000000"
_BY_FORMAT = {"uuid": EXAMPLE_ID, "date-time": "2026-01-01T01:30:02.500Z"}
Schemas = Mapping[str, Any]


def give_body_example(operation: dict[str, Any], schemas: Schemas) -> None:
    """What the docs page fills in. Optional fields without an example of their own are left out."""
    content = operation.get("requestBody", {}).get("content", {}).get(_JSON)
    if content is None or "example" in content or "examples" in content:
        return
    if _resolved(content["schema"], schemas).get("examples"):
        return
    found = example_of(content["schema"], schemas)
    if found is not None:
        content["example"] = found


def give_parameter_example(parameter: dict[str, Any]) -> None:
    """Where its form alone says enough."""
    schema = parameter["schema"]
    if "examples" not in schema and (example := _BY_FORMAT.get(schema.get("format", ""))):
        schema["examples"] = [example]


def give_problem_examples(document: dict[str, Any], operations: Iterable[dict[str, Any]]) -> None:
    """Each refusal shows one of its own status. They stand once in the document and are pointed to."""
    shown = document["components"].setdefault("examples", {})
    for operation in operations:
        for status, response in operation["responses"].items():
            content = response.get("content", {}).get(MEDIA_TYPE)
            if content is not None and (example := PROBLEM_EXAMPLES.get(int(status))):
                shown[f"Problem{status}"] = {"summary": example["code"], "value": example}
                content["examples"] = {example["code"]: {"$ref": f"#/components/examples/Problem{status}"}}


def give_field_examples(schemas: Schemas) -> None:
    """A field that holds other models shows one of them."""
    for schema in schemas.values():
        for field in schema.get("properties", {}).values():
            if "examples" not in field and (found := example_of(field, schemas)) not in (None, [], {}):
                field["examples"] = [found]


def example_of(schema: Mapping[str, Any], schemas: Schemas) -> Any:
    """None where the schema gives too little to go by."""
    for examples in (schema.get("examples"), _resolved(schema, schemas).get("examples")):
        if examples:
            return examples[0]
    plain = _resolved(schema, schemas)
    if "properties" in plain:
        given = {name: example_of(field, schemas) for name, field in plain["properties"].items()}
        required = plain.get("required", ())
        return {name: value for name, value in given.items() if value is not None or name in required}
    if plain.get("type") == "array":
        item = example_of(plain.get("items", {}), schemas)
        return [] if item is None else [item]
    for choice in plain.get("anyOf", plain.get("oneOf", ())):
        if (found := example_of(choice, schemas)) is not None:
            return found
    return plain.get("const", plain.get("default", next(iter(plain.get("enum", ())), None)))


def _resolved(schema: Mapping[str, Any], schemas: Schemas) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    return schema
