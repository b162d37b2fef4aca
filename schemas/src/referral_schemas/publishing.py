"""The models as JSON Schema files: written, compared with what is committed, compared with what was released."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from referral_schemas.compatibility import breaches
from referral_schemas.envelope import PublicEvent, dataschema_of
from referral_schemas.registry import EVENTS, NOTICES

Models = Mapping[str, type[PublicEvent]]
PUBLISHED: Models = {**EVENTS, **{name: notice.model for name, notice in NOTICES.items()}}


class _WithoutTitles(GenerateJsonSchema):
    """Titles repeat the field's name; descriptions say what it means."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def payload(model: type[PublicEvent]) -> dict[str, Any]:
    """The body alone, open to unknown fields, as readers must be."""
    schema: dict[str, Any] = _opened(model.model_json_schema(schema_generator=_WithoutTitles))
    return schema


def document(event_type: str, model: type[PublicEvent]) -> str:
    """Sorted, so that it changes only where the model does."""
    means = NOTICES[event_type].means if event_type in NOTICES else getattr(model, "MEANS", None)
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
        committed, generated = files.get(name, ""), expected.get(name, "")
        if committed != generated:
            yield "\n".join(
                difflib.unified_diff(
                    committed.splitlines(),
                    generated.splitlines(),
                    f"{name}.json (committed)",
                    f"{name}.json (generated)",
                    lineterm="",
                )
            )


def incompatibilities(models: Models, released: Path) -> Iterator[str]:
    """A released type stays for good; a type not yet released may still change freely."""
    for path in sorted(released.glob("*.json")):
        if path.stem not in models:
            yield f"{path.stem}: released type removed"
            continue
        present = json.loads(document(path.stem, models[path.stem]))
        for breach in breaches(json.loads(path.read_text(encoding="utf-8")), present):
            yield f"{path.stem}: {breach}"
