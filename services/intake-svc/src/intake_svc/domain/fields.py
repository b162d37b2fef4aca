"""The fields of a body as text: sources send numbers and truth values for what is a number plate or a mark."""

from collections.abc import Mapping

_NO = frozenset({"", "0", "false", "否", "无", "没有", "n", "no", "none", "-"})


def text_of(fields: Mapping[str, object], name: str) -> str:
    """Empty when the field is missing or is no single value."""
    return as_text(fields.get(name)) or ""


def is_marked(fields: Mapping[str, object], name: str) -> bool:
    """A mark that the source has set, however it writes yes; anything but a no counts."""
    return text_of(fields, name).strip().lower() not in _NO


def as_text(value: object) -> str | None:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value) if isinstance(value, str | int | float) else None
