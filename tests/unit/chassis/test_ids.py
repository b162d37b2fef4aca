from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from chassis import ids
from hypothesis import given
from hypothesis import strategies as st

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_ids_are_version_7_and_carry_the_present_millisecond() -> None:
    before = datetime.now(UTC)
    made = ids.new_id()
    after = datetime.now(UTC)

    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    instant = datetime.fromtimestamp((made.int >> 80) / 1000, UTC)
    assert before - timedelta(milliseconds=1) <= instant <= after


def test_ids_of_one_process_only_rise_and_never_repeat() -> None:
    made = [ids.new_id() for _ in range(20_000)]

    assert made == sorted(set(made))


def test_ids_made_by_several_threads_do_not_repeat() -> None:
    with ThreadPoolExecutor(8) as threads:
        rounds = list(threads.map(lambda _: [ids.new_id() for _ in range(2_000)], range(8)))

    assert len({made for each in rounds for made in each}) == 16_000
    assert all(each == sorted(each) for each in rounds)


def test_ids_rise_while_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ids.new_id()
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000_000_000_000)

    assert first < ids.new_id() < ids.new_id()


def test_a_full_counter_borrows_the_next_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000_000_000_000)
    sequence = ids._Sequence()
    first = sequence.next()
    sequence._counter = (1 << 74) - 1

    assert sequence.next().int >> 80 == (first.int >> 80) + 1


def test_the_example_of_the_rfc_lies_just_above_the_border_of_its_instant() -> None:
    """RFC 9562 appendix A.6: Tuesday, February 22, 2022 2:22:22.00 PM GMT-05:00."""
    example = UUID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F")
    instant = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)

    assert ids.id_at(instant) <= example < ids.id_at(instant + timedelta(milliseconds=1))
    assert ids.id_at(instant) == UUID("017F22E2-79B0-7000-8000-000000000000")


@pytest.mark.parametrize("year", [1, 439, 1969, 1970])
def test_before_ids_began_the_border_lies_below_all_of_them(year: int) -> None:
    lowest = UUID("00000000-0000-7000-8000-000000000000")
    assert ids.id_at(datetime(year, 1, 1, tzinfo=UTC)) == lowest


def test_a_border_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        ids.id_at(datetime(2026, 1, 1))  # noqa: DTZ001


def test_the_check_character_agrees_with_published_examples() -> None:
    """Printed by others who use ISO 7064 MOD 37,36: the GRid handbook, and the ISAN of ISO 15706."""
    assert ids.check_character("A12425GABC1234002") == "M"
    assert ids.check_character("188166C734206541") == "Y"
    assert ids.check_character("00000000D07A0090") == "Q"


def test_a_new_code_has_the_shown_form_and_reads_as_itself() -> None:
    for _ in range(200):
        code = ids.new_tracking_code()
        assert re.fullmatch(f"LD-[{CROCKFORD}]{{5}}-[{CROCKFORD}]{{5}}-[0-9A-Z]", code)
        assert ids.read_tracking_code(code) == code


@given(st.text(CROCKFORD, min_size=10, max_size=10), st.integers(0, 9), st.sampled_from(CROCKFORD))
def test_every_single_wrong_character_is_found(body: str, place: int, other: str) -> None:
    check = ids.check_character(body)
    spoiled = body[:place] + other + body[place + 1 :]

    read = ids.read_tracking_code(f"LD-{spoiled[:5]}-{spoiled[5:]}-{check}")
    assert (read is not None) == (spoiled == body)


@given(st.text(CROCKFORD, min_size=10, max_size=10))
def test_a_code_copied_by_hand_reads_as_the_code(body: str) -> None:
    code = f"LD-{body[:5]}-{body[5:]}-{ids.check_character(body)}"
    by_hand = body.replace("0", "o").replace("1", "l").lower()

    assert ids.read_tracking_code(f"ld {by_hand} {code[-1].lower()}") == code


@pytest.mark.parametrize(
    "text", ["", "LD", "LD-00000-00000", "XX-00000-00000-0", "LD-0000U-00000-0", "LD-😀0000-00000-0"]
)
def test_what_is_no_code_reads_as_none(text: str) -> None:
    assert ids.read_tracking_code(text) is None


@given(st.uuids(), st.uuids())
def test_an_id_that_was_read_stands_for_the_standard_one_everywhere(one: UUID, other: UUID) -> None:
    read, beside = ids.read_id(str(one)), ids.read_id(str(other))
    assert isinstance(read, UUID)
    assert read == one
    assert hash(read) == hash(one)
    assert str(read) == str(one)
    assert ((read < other), (one < beside), (read < beside)) == ((one < other),) * 3
    assert {one: 1}[read] == {read: 1}[one]


@pytest.mark.parametrize(
    "text", ["", "x", "01a229c1-0fdb-72c7-9201-e47a71c828b", "01a229c1-0fdb-72c7-9201-e47a71c828bg"]
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ids.read_id(text)
