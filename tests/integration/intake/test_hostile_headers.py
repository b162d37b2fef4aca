"""POST of a call decides by its natural key; an Idempotency-Key beside it, of whatever form, changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

HOSTILE = [b"", b" ", b"\xe7\x8e\x8b", b"\xff\xfe", b"k" * 9_000, b"a\tb", b"\x7f", b"'; DROP TABLE call; --"]


def headers_of(intake: Any, *extra: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    bearer = intake.issuer.bearer("source_system", source="hongkou-110")
    return [*((name.encode(), value.encode()) for name, value in bearer.items()), *extra]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("name", [b"idempotency-key", b"if-match", b"x-request-id", b"traceparent"])
async def test_a_hostile_header_is_no_reason_to_lose_a_call(intake: Any, name: bytes, value: bytes) -> None:
    call = intake.a_call()
    headers = headers_of(intake, (name, value))
    first = await intake.client.post("/v1/calls", json=call, headers=headers)
    again = await intake.client.post("/v1/calls", json=call, headers=headers)
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["call_id"] == first.json()["call_id"]


async def test_one_key_on_two_calls_is_two_calls(intake: Any) -> None:
    """The natural key decides: a source that reuses its key loses nothing."""
    headers = headers_of(intake, (b"idempotency-key", b"k-1"), (b"idempotency-key", b"k-2"))
    answers = [await intake.client.post("/v1/calls", json=intake.a_call(), headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["call_id"] != answers[1].json()["call_id"]
