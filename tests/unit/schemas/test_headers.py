"""The header codec: what is written is read back, and what cannot be read is named."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from referral_schemas.envelope import Envelope, UnreadableHeader, from_headers, to_headers
from referral_schemas.registry import EVENTS

ID = UUID("01997b3c-71b2-7a04-8c55-d1e2f3a4b501")
REFERRAL = UUID("01997b3c-6a0f-7d52-8e1b-3c5a7d9e1f01")
TYPE = "cn.liandong.triage.referral_dispatched.v1"
AT = datetime(2026, 3, 14, 12, 41, 9, 482113, tzinfo=UTC)

numbers = st.integers(min_value=1, max_value=2**31 - 1)
offsets = st.integers(min_value=-14 * 60, max_value=14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
envelopes = st.builds(
    Envelope,
    event_id=st.uuids(),
    event_type=st.sampled_from(sorted(EVENTS)),
    subject=st.uuids(),
    time=st.datetimes(min_value=datetime(1970, 1, 2), timezones=offsets),  # noqa: DTZ001
    streamseq=numbers,
    after=st.dictionaries(st.from_regex(r"[a-z]{1,12}", fullmatch=True), numbers, max_size=4),
    causation_id=st.none() | st.uuids(),
    urgent=st.booleans(),
    traceparent=st.none() | st.from_regex(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", fullmatch=True),
)


def an_envelope(*, urgent: bool = False) -> Envelope:
    return Envelope(
        event_id=ID,
        event_type=TYPE,
        subject=REFERRAL,
        time=AT,
        streamseq=2,
        after={"triage": 5, "intake": 3},
        causation_id=ID,
        urgent=urgent,
    )


def with_header(name: str, value: bytes | None) -> list[tuple[str, bytes]]:
    others = [(key, text) for key, text in to_headers(an_envelope(urgent=True)) if key != name]
    return others if value is None else [*others, (name, value)]


@given(envelopes)
def test_whatever_is_written_is_read_back(envelope: Envelope) -> None:
    assert from_headers(to_headers(envelope)) == envelope


@given(envelopes)
def test_writing_again_what_was_read_gives_the_same_bytes(envelope: Envelope) -> None:
    assert to_headers(from_headers(to_headers(envelope))) == to_headers(envelope)


@given(st.lists(st.tuples(st.sampled_from([name for name, _ in to_headers(an_envelope())]), st.binary(max_size=40))))
def test_no_bytes_whatever_raise_anything_but_the_named_refusal(noise: list[tuple[str, bytes]]) -> None:
    with suppress(UnreadableHeader):
        read = from_headers([*to_headers(an_envelope()), *noise])
        assert from_headers(to_headers(read)) == read


def test_the_headers_stand_as_the_contract_shows_them() -> None:
    assert to_headers(an_envelope(urgent=True)) == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"01997b3c-71b2-7a04-8c55-d1e2f3a4b501"),
        ("ce_source", b"/liandong/triage"),
        ("ce_type", b"cn.liandong.triage.referral_dispatched.v1"),
        ("ce_subject", b"01997b3c-6a0f-7d52-8e1b-3c5a7d9e1f01"),
        ("ce_time", b"2026-03-14T12:41:09.482113Z"),
        ("ce_dataschema", b"urn:liandong:triage:referral_dispatched:v1"),
        ("ce_streamseq", b"2"),
        ("ce_after", b"intake:3,triage:5"),
        ("ce_causationid", b"01997b3c-71b2-7a04-8c55-d1e2f3a4b501"),
        ("ce_urgent", b"true"),
        ("content-type", b"application/json"),
    ]


def test_what_does_not_apply_is_left_out() -> None:
    bare = Envelope(event_id=ID, event_type=TYPE, subject=REFERRAL, time=AT, streamseq=1)
    names = {name for name, _ in to_headers(bare)}
    assert names.isdisjoint({"ce_after", "ce_causationid", "ce_urgent", "ce_traceparent"})


def test_an_unknown_header_is_passed_over() -> None:
    assert from_headers([*to_headers(an_envelope()), ("ce_tenant", b"\xff"), ("x", b"")]) == an_envelope()


def test_an_empty_after_means_no_causes() -> None:
    assert from_headers(with_header("ce_after", b"")).after == {}


@pytest.mark.parametrize("attribute", ["subject", "streamseq", "id", "type", "time", "specversion"])
def test_a_missing_attribute_is_named(attribute: str) -> None:
    with pytest.raises(UnreadableHeader) as refusal:
        from_headers(with_header(f"ce_{attribute}", None))
    assert refusal.value.attribute == attribute


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("subject", b"not-a-uuid"),
        ("subject", b"\xff\xfe"),
        ("subject", b""),
        ("streamseq", b"0"),
        ("streamseq", b"-1"),
        ("streamseq", b"+1"),
        ("streamseq", b" 1"),
        ("streamseq", b"1_0"),
        ("streamseq", "２".encode()),
        ("streamseq", b"2147483648"),
        ("streamseq", b"01"),
        ("id", b"42"),
        ("type", b"cn.liandong.triage.v1"),
        ("type", b"cn.liandong.triage.Dispatched.v1"),
        ("time", b"2026-03-14T12:41:09"),
        ("time", b"yesterday"),
        ("after", b"intake"),
        ("after", b"intake:0"),
        ("after", b"intake:3,intake:4"),
        ("after", b"intake:3, triage:5"),
        ("after", b"intake:3,"),
        ("after", b"intake:2147483648"),
        ("causationid", b"?"),
        ("urgent", b"yes"),
        ("traceparent", b"\xff"),
        ("specversion", b"0.3"),
    ],
)
def test_a_malformed_attribute_is_named(attribute: str, value: bytes) -> None:
    with pytest.raises(UnreadableHeader) as refusal:
        from_headers(with_header(f"ce_{attribute}", value))
    assert refusal.value.attribute == attribute


def test_the_largest_stream_number_is_read() -> None:
    assert from_headers(with_header("ce_streamseq", b"2147483647")).streamseq == 2**31 - 1


def test_subject_is_named_before_anything_else_that_is_unreadable() -> None:
    with pytest.raises(UnreadableHeader, match="subject"):
        from_headers([])
