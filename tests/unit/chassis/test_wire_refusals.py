"""An attribute that cannot be relied on gives the record no place: what reads it further in would fall over it."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from chassis.delivery.wire import Unreadable, read_headers, write_headers

GOOD = write_headers(
    event_id=UUID(int=1), event_type="cn.example.one.done.v1", subject=UUID(int=2), at=datetime(2026, 1, 1, tzinfo=UTC),
    seq=1, after={"two": 3}, causation_id=None,
)  # fmt: skip


def with_changed(name: str, value: bytes) -> list[tuple[str, bytes]]:
    return [(key, text.encode()) for key, text in GOOD.items() if key != name] + [(name, value)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_time", b"2026-01-01T00:00:00"),
        ("ce_time", b"0001-01-01T00:00:00+23:59"),
        ("ce_time", b"9999-12-31T23:59:59-23:59"),
        ("ce_time", b"yesterday"),
        ("ce_type", "欧阳翊珩18612345678".encode()),
        ("ce_type", b"cn.example.one.done.v1\x00"),
        ("ce_type", b"cn.example.one.done.v1\n"),
        ("ce_type", b"x.y" + b"z" * 200),
        ("ce_type", b"nothing"),
        ("ce_streamseq", b"0"),
        ("ce_streamseq", "１".encode()),
        ("ce_streamseq", b"2147483648"),
        ("ce_after", b"two:3,"),
        ("ce_id", b"\xff"),
        ("ce_subject", b""),
    ],
)
def test_what_cannot_be_relied_on_is_unreadable_and_named(name: str, value: bytes) -> None:
    with pytest.raises(Unreadable, match=name):
        read_headers(with_changed(name, value))


def test_what_is_good_is_read() -> None:
    read = read_headers([(key, text.encode()) for key, text in GOOD.items()])
    assert (read.type, read.seq, dict(read.after)) == ("cn.example.one.done.v1", 1, {"two": 3})
