"""The fields of a body as text: sources send numbers and truth values for what is a number plate or a mark."""

from collections.abc import Mapping


def text_of(fields: Mapping[str, object], name: str) -> str:
    """Empty when the field is missing or is no single value."""
    return as_text(fields.get(name)) or ""


def as_text(value: object) -> str | None:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value) if isinstance(value, str | int | float) else None
