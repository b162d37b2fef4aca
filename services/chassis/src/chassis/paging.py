"""Lists, page by page: a cursor nobody needs to understand, and a `next` whenever there is more."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, Self, TypeVar
from uuid import UUID

import orjson
from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from chassis.problems import Problem

T = TypeVar("T")
R = TypeVar("R")

DEFAULT_LIMIT, MAX_LIMIT = 50, 200
_INT64 = range(-(2**63), 2**63)

Limit = Annotated[
    int, Query(ge=1, le=MAX_LIMIT, description="每页条数，1至200。Items a page, 1 to 200.", examples=[DEFAULT_LIMIT])
]
After = Annotated[
    str | None,
    Query(max_length=1000, description="上一页返回的 next；首页不填。`next` of the last page; none for the first."),
]
"""Query parameters of every list: `limit: Limit = DEFAULT_LIMIT, after: After = None`."""


class Cursor:
    """The sort key of a page's last row, as opaque text."""

    @staticmethod
    def encode(*values: str | int | UUID | datetime | None) -> str:
        """`default` is for the driver's own kind of UUID."""
        return base64.urlsafe_b64encode(orjson.dumps(values, default=str)).rstrip(b"=").decode()

    @staticmethod
    def decode(text: str | None, *kinds: type[Any]) -> tuple[Any, ...] | None:
        """The values as they were encoded, None for a first page; raises a 422 problem `bad_cursor`.

        `kinds` are `str`, `int`, `UUID` or `datetime`, one a value.
        """
        if text is None:
            return None
        try:
            values = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
            if not isinstance(values, list) or len(values) != len(kinds):
                raise ValueError("another list's cursor")
            return tuple(_read(value, kind) for value, kind in zip(values, kinds, strict=True))
        except (ValueError, TypeError, binascii.Error):
            raise bad_cursor() from None


def _show_an_item(schema: dict[str, Any], page: type[Any]) -> None:
    """A page's example is one item made of its fields' examples."""
    (item,) = page.__pydantic_generic_metadata__["args"] or (None,)
    if isinstance(item, type) and issubclass(item, BaseModel):
        example = {name: field.examples[0] for name, field in item.model_fields.items() if field.examples}
        schema["properties"]["items"]["examples"] = [[example]]


class Page(BaseModel, Generic[T]):
    """One page of a list. 列表的一页。"""

    model_config = ConfigDict(json_schema_extra=_show_an_item)

    items: list[T] = Field(description="本页各项。The items of this page.")
    next: str | None = Field(
        default=None,
        description="下一页的 after；为空即已到末页。`after` of the next page; null: this was the last.",
        examples=["WyIwMTk5NzRkMSJd"],
    )

    @classmethod
    def of(
        cls,
        rows: Sequence[R],
        *,
        limit: int,
        show: Callable[[R], T],
        key: Callable[[R], tuple[str | int | UUID | datetime | None, ...]],
    ) -> Self:
        """`rows` were read with `LIMIT limit + 1`: one more than shown says that there is a next page."""
        shown = rows[:limit]
        following = Cursor.encode(*key(shown[-1])) if len(rows) > limit else None
        return cls(items=[show(row) for row in shown], next=following)


def bad_cursor() -> Problem:
    return Problem(
        422,
        "bad_cursor",
        "游标无效，请使用上一页返回的 next。",
        "The cursor is not one of ours; use `next` of the last page.",
    )


def _read(value: Any, kind: type[Any]) -> Any:
    if kind is int:
        if not isinstance(value, int) or isinstance(value, bool) or value not in _INT64:
            raise ValueError("no integer")
        return value
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError("no text")
    if kind is datetime:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise ValueError("no instant")
        return instant
    return value if kind is str else kind(value)
