"""Whether an event type may change like this under its old name.

Topics keep old events and services are deployed one after the other, so old and new readers meet old and new events.
Therefore one change alone is compatible: a further optional field. Everything else, a wider enum included,
needs a new version of the type beside the old one. Knows the keywords that pydantic generates from our models;
any other keyword must stay as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

ANNOTATIONS = {"$defs", "$id", "$schema", "$ref", "title", "description", "examples"}
STRUCTURE = {"anyOf", "properties", "required", "items", "enum", "type"}
NULL: Schema = {"type": "null"}
ABSENT = "absent"


@dataclass(frozen=True)
class Breach:
    """`field` as a path from the body: `place.area_code`, `clocks[].due_at`; empty for the body itself."""

    field: str
    rule: str

    def __str__(self) -> str:
        return f"{self.field or '(body)'}: {self.rule}"


def breaches(released: Schema, present: Schema) -> list[Breach]:
    """Empty when every old reader can read new events and every new reader old ones."""
    return list(_compare(_Node.of(released, released), _Node.of(present, present), ""))


@dataclass(frozen=True)
class _Node:
    """A schema with its references followed and its null set apart."""

    schema: Schema
    root: Schema
    nullable: bool

    @classmethod
    def of(cls, schema: Schema, root: Schema) -> _Node:
        choices = [choice for choice in schema.get("anyOf", ()) if choice != NULL]
        nullable = len(choices) < len(schema.get("anyOf", ()))
        if len(choices) == 1:
            schema = {**schema, **choices[0], "anyOf": ()}
        elif choices:
            schema = {**schema, "anyOf": choices}
        if "$ref" in schema:
            schema = {**root["$defs"][schema["$ref"].rpartition("/")[2]], **schema}
        return cls(schema, root, nullable)

    def child(self, schema: Schema) -> _Node:
        return _Node.of(schema, self.root)


def _compare(old: _Node, new: _Node, path: str) -> Iterator[Breach]:
    if old.nullable != new.nullable:
        yield Breach(path, "nullable became not nullable" if old.nullable else "became nullable")
    yield from _types(old.schema, new.schema, path)
    yield from _values(old.schema, new.schema, path)
    yield from _fields(old, new, path)
    yield from _inner(old, new, path)
    for keyword in sorted({*old.schema, *new.schema} - ANNOTATIONS - STRUCTURE):
        before, after = (node.schema.get(keyword, ABSENT) for node in (old, new))
        if before != after and not (isinstance(before, Mapping) and isinstance(after, Mapping)):
            yield Breach(path, f"{keyword} changed: {before} → {after}")


def _types(old: Schema, new: Schema, path: str) -> Iterator[Breach]:
    before, after = (schema.get("type", ABSENT) for schema in (old, new))
    if before != after:
        yield Breach(path, f"type changed: {before} → {after}")


def _values(old: Schema, new: Schema, path: str) -> Iterator[Breach]:
    before, after = ({*schema.get("enum", ())} for schema in (old, new))
    if ("enum" in old) != ("enum" in new):
        yield Breach(path, "enum taken away" if "enum" in old else "narrowed to an enum")
    elif before - after:
        yield Breach(path, f"enum narrowed by {', '.join(sorted(before - after))}")
    elif after - before:
        yield Breach(path, f"enum widened by {', '.join(sorted(after - before))}: older readers refuse it")


def _fields(old: _Node, new: _Node, path: str) -> Iterator[Breach]:
    before, after = (node.schema.get("properties", {}) for node in (old, new))
    was_required, is_required = ({*node.schema.get("required", ())} for node in (old, new))
    for name in sorted({*before, *after}):
        field = f"{path}.{name}" if path else name
        if name not in after:
            yield Breach(field, "field removed")
        elif name not in before:
            if name in is_required:
                yield Breach(field, "new required field")
        else:
            if (name in was_required) != (name in is_required):
                yield Breach(field, "required became optional" if name in was_required else "optional became required")
            yield from _compare(old.child(before[name]), new.child(after[name]), field)


def _inner(old: _Node, new: _Node, path: str) -> Iterator[Breach]:
    for keyword, mark in (("items", "[]"), ("additionalProperties", "{}")):
        before, after = (node.schema.get(keyword) for node in (old, new))
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _compare(old.child(before), new.child(after), path + mark)
        elif keyword == "items" and before != after:
            yield Breach(path, "items changed")
    before, after = (node.schema.get("anyOf", ()) for node in (old, new))
    if len(before) != len(after):
        yield Breach(path, "number of alternatives changed")
    for one, other in zip(before, after, strict=False):
        yield from _compare(old.child(one), new.child(other), path)
