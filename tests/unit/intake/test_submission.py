"""The version key: how a message stands to what we hold, whatever order messages come in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations

import pytest
from intake_svc.domain.instants import read_instant
from intake_svc.domain.numbers import looks_like_citizen_number, looks_like_phone
from intake_svc.domain.submission import Held, Standing, Submission, content_of, differing_fields, standing

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def a_submission(content: str, minute: int | None) -> Submission:
    return Submission(
        source="hongkou-110",
        call_no="1",
        reported_at=AT,
        updated_at=None if minute is None else AT + timedelta(minutes=minute),
        content_hash=content.encode(),
        fields={},
        body=b"{}",
        identity_key=None,
        station_code=None,
    )


@pytest.mark.parametrize(
    ("held_content", "held_minute", "content", "minute", "expected"),
    [
        ("a", 5, "a", 5, Standing.REPEAT),
        ("a", None, "a", None, Standing.REPEAT),
        ("a", 5, "a", None, Standing.REPEAT),
        ("a", 5, "a", 6, Standing.CONFIRMED),
        ("a", None, "a", 6, Standing.CONFIRMED),
        ("a", 5, "b", 6, Standing.NEWER),
        ("a", None, "b", 6, Standing.NEWER),
        ("a", 5, "b", 4, Standing.OLDER),
        ("a", 5, "a", 4, Standing.OLDER),
        ("a", 5, "b", 5, Standing.CONFLICT),
        ("a", None, "b", None, Standing.CONFLICT),
        ("a", 5, "b", None, Standing.CONFLICT),
    ],
)
def test_how_a_message_stands(
    held_content: str, held_minute: int | None, content: str, minute: int | None, expected: Standing
) -> None:
    held = a_submission(held_content, held_minute)
    assert standing(Held(held.updated_at, held.content_hash), a_submission(content, minute)) is expected


def test_messages_in_every_order_end_at_the_same_content() -> None:
    messages = [a_submission("a", 1), a_submission("b", 2), a_submission("a", 3), a_submission("c", 4)]
    for order in permutations(messages):
        held = Held(order[0].updated_at, order[0].content_hash)
        for message in order[1:]:
            if standing(held, message) in {Standing.NEWER, Standing.CONFIRMED}:
                held = Held(message.updated_at, message.content_hash)
        assert held.content_hash == b"c"


def test_content_is_every_field_but_the_sources_own_times() -> None:
    one = {"content": "x", "reported_at": "2026-03-02 09:00:00", "updated_at": "1", "created_at": "2", "level": None}
    assert content_of(one) == {"content": "x", "reported_at": "2026-03-02T01:00:00+00:00"}
    other = {"content": "y", "reported_at": "2026-03-02T01:00:00Z", "extra": [1]}
    assert differing_fields(one, other) == ["content", "extra"]


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02 09:00:00",
        "2026-03-02T09:00",
        "2026/03/02 09:00:00",
        "20260302090000",
        "2026-03-02T01:00:00Z",
        "2026-03-02T02:00:00+01:00",
        " 2026-03-02 09:00:00.000 ",
    ],
)
def test_times_are_read_as_chinas_unless_they_say_otherwise(text: str) -> None:
    assert read_instant(text) == AT
    assert read_instant(text).tzinfo is UTC


@pytest.mark.parametrize("text", ["", "2026-03-02", "now", "2026-02-30 09:00:00", "0001-01-01 00:00:00", "1772413200"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is for nobody
        read_instant(text)


def test_an_offset_is_kept_as_an_instant() -> None:
    assert read_instant("2026-03-02T09:00:00+08:00") == datetime(2026, 3, 2, 9, tzinfo=timezone(timedelta(hours=8)))


@pytest.mark.parametrize(
    "number", ["13800138000", "+86 138 0013 8000", "021-65123456转801", "65123456", "110", "4008123123"]
)
def test_numbers_that_look_like_phones(number: str) -> None:
    assert looks_like_phone(number)


@pytest.mark.parametrize("number", ["", "12800138000", "1380013800", "不详", "123"])
def test_numbers_that_do_not(number: str) -> None:
    assert not looks_like_phone(number)


def test_citizen_numbers_are_checked_by_date_and_check_character() -> None:
    assert looks_like_citizen_number("11010519491231002x")
    assert not looks_like_citizen_number("110105194912310021")
    assert not looks_like_citizen_number("11010519491331002X")
    assert not looks_like_citizen_number("护照E12345678")
