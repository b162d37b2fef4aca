"""The models as JSON Schema files: written, compared with what is committed, compared with what was released."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from referral_schemas.compatibility import breaches
from referral_schemas.envelope import PublicEvent, dataschema_of
from referral_schemas.registry import EVENTS, INBOUND, NOTICES

Models = Mapping[str, type[PublicEvent]]
APART = {**NOTICES, **INBOUND}
PUBLISHED: Models = {**EVENTS, **{name: notice.model for name, notice in APART.items()}}


class _WithoutTitles(GenerateJsonSchema):
    """Titles repeat the field's name; descriptions say what it means."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def payload(model: type[PublicEvent]) -> dict[str, Any]:
    """The body alone, open to unknown fields, as readers must be."""
    schema: dict[str, Any] = _opened(model.model_json_schema(schema_generator=_WithoutTitles))
    return schema


def shared_schemas(models: Iterable[type[PublicEvent]]) -> tuple[dict[str, Any], Mapping[type[PublicEvent], str]]:
    """All bodies and their parts under one roof, `#/components/schemas/…`, and the name of each body there."""
    ordered = sorted(models, key=lambda model: (model.__module__, model.__name__))
    references, schema = models_json_schema(
        [(model, "validation") for model in ordered],
        ref_template="#/components/schemas/{model}",
        schema_generator=_WithoutTitles,
    )
    names = {model: _plain_name(references[model, "validation"]["$ref"].rpartition("/")[2]) for model in ordered}
    schemas = {_plain_name(name): _opened(_renamed(part)) for name, part in schema["$defs"].items()}
    for model, name in names.items():
        schemas[name]["description"] = model.MEANS
    return dict(sorted(schemas.items())), names


def _plain_name(name: str) -> str:
    """Classes of one name in several modules: `referral_schemas__triage__DeadlineSet` → `triage.DeadlineSet`."""
    return name.removeprefix("referral_schemas__").replace("__", ".")


def _renamed(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: "#/components/schemas/" + _plain_name(value.rpartition("/")[2]) if key == "$ref" else _renamed(value)
            for key, value in node.items()
        }
    return [_renamed(value) for value in node] if isinstance(node, list) else node


def document(event_type: str, model: type[PublicEvent]) -> str:
    """Sorted, so that it changes only where the model does."""
    means = APART[event_type].means if event_type in APART else getattr(model, "MEANS", None)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": dataschema_of(event_type),
        **payload(model),
        **({"description": means} if means else {}),
    }
    return json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _opened(node: Any) -> Any:
    if isinstance(node, dict):
        closed = node.get("additionalProperties") is False
        return {key: _opened(value) for key, value in node.items() if not (closed and key == "additionalProperties")}
    return [_opened(value) for value in node] if isinstance(node, list) else node


def generate(models: Models, folder: Path) -> None:
    """Writes one file per type and removes those of types that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.json"):
        if path.stem not in models:
            path.unlink()
    for event_type, model in models.items():
        (folder / f"{event_type}.json").write_text(document(event_type, model), encoding="utf-8")


def drift(models: Models, folder: Path) -> Iterator[str]:
    """What `generate` would change, as a diff per file."""
    files = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    expected = {event_type: document(event_type, model) for event_type, model in models.items()}
    for name in sorted({*files, *expected}):
        yield from difference(f"{name}.json", files.get(name, ""), expected.get(name, ""))


def difference(name: str, committed: str, generated: str) -> Iterator[str]:
    """One diff, or nothing when they are alike."""
    before, after = committed.splitlines(), generated.splitlines()
    if committed != generated:
        yield "\n".join(difflib.unified_diff(before, after, f"{name} (committed)", f"{name} (generated)", lineterm=""))


def incompatibilities(models: Models, released: Path) -> Iterator[str]:
    """A released type stays for good; a type not yet released may still change freely."""
    for path in sorted(released.glob("*.json")):
        if path.stem not in models:
            yield f"{path.stem}: released type removed"
            continue
        present = json.loads(document(path.stem, models[path.stem]))
        for breach in breaches(json.loads(path.read_text(encoding="utf-8")), present):
            yield f"{path.stem}: {breach}"
