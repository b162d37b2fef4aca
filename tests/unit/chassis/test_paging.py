from __future__ import annotations

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest
from chassis.ids import new_id
from chassis.paging import Cursor, Page
from chassis.problems import Problem
from hypothesis import given
from hypothesis import strategies as st

AT = datetime(2026, 1, 1, 8, tzinfo=UTC)
instants = st.datetimes(timezones=st.just(UTC))
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


@given(st.integers(-(2**63), 2**63 - 1), texts, st.uuids(), instants)
def test_a_cursor_comes_back_as_it_went(n: int, text: str, uuid: UUID, at: datetime) -> None:
    cursor = Cursor.encode(n, text, uuid, at)

    assert Cursor.decode(cursor, int, str, UUID, datetime) == (n, text, uuid, at)
    assert cursor.isascii()
    assert not set("+/=&?# ") & set(cursor)


def test_no_cursor_is_the_first_page() -> None:
    assert Cursor.decode(None, UUID) is None


def a_cursor(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "", "x", "not a cursor", "王", "====", "%00", "A" * 5_000, a_cursor({}), a_cursor([]), a_cursor(["x"]),
        a_cursor(["2026-01-01T08:00:00", 1]), a_cursor([None, 1]), a_cursor(["2026-01-01T08:00:00+08:00", "1"]),
        a_cursor(["2026-01-01T08:00:00+08:00", True]), a_cursor(["2026-01-01T08:00:00+08:00", 2**63]),
        a_cursor(["2026-01-01T08:00:00+08:00", 1.5]), a_cursor([["2026-01-01T08:00:00+08:00"], 1]),
        a_cursor(["2026-01-01T08:00:00+08:00", 1, 1]), a_cursor(["9" * 400, 1]),
    ],
)  # fmt: skip
def test_what_is_no_cursor_of_this_list_is_422(cursor: str) -> None:
    with pytest.raises(Problem) as refused:
        Cursor.decode(cursor, datetime, int)
    assert (refused.value.status, refused.value.code) == (422, "bad_cursor")


def test_a_text_with_nul_in_it_never_reaches_the_database() -> None:
    with pytest.raises(Problem):
        Cursor.decode(a_cursor(["a\x00b"]), str)


@given(st.text())
def test_no_cursor_whatever_is_an_error_of_ours(cursor: str) -> None:
    with suppress(Problem):
        Cursor.decode(cursor, datetime, UUID)


@given(st.integers(0, 12), st.integers(1, 5))
def test_pages_together_are_the_whole_list_and_only_the_last_has_no_next(total: int, limit: int) -> None:
    rows = [(AT, new_id()) for _ in range(total)]
    rows.sort(key=lambda row: row[1])
    seen: list[UUID] = []
    last: tuple[datetime, UUID] | None = None
    while True:
        rest = [row for row in rows if last is None or row > last][: limit + 1]
        page = Page[str].of(rest, limit=limit, show=lambda row: str(row[1]), key=lambda row: row)
        seen += [UUID(item) for item in page.items]
        assert len(page.items) == limit or page.next is None
        if page.next is None:
            break
        found = Cursor.decode(page.next, datetime, UUID)
        assert found is not None
        last = (found[0], found[1])

    assert seen == [row[1] for row in rows]
