"""The scanner finds a planted value in whatever way it is written, and nothing where nothing is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.planted import ADDRESSES, NAMES, NUMBERS, PHONES, Person, person, planted_call
from support.scanner import Scanner, text_of

PEOPLE = [person(n) for n in range(2000)]
WRAPPED: list[Callable[[str], str]] = [
    str,
    lambda text: json.dumps({"told": text}),
    lambda text: json.dumps(json.dumps({"told": text})),
    lambda text: repr(text.encode()),
    lambda text: json.dumps(repr(text.encode())),
    lambda text: f"GET /v1/calls?q={quote(text)} HTTP/1.1",
    lambda text: text_of([("key", text.encode()), None, {"inner": (text.encode(),)}]),
    lambda text: f"\ufffd\x00\x17{text}\x00\ufffd",
]


def found(person: Person, text: str) -> set[str]:
    planted = {person.name: "name", person.phone: "phone", person.id_no: "number", person.address: "address"}
    return {hit.label for hit in Scanner(planted).hits("here", text)}


@pytest.mark.parametrize("wrap", WRAPPED)
@pytest.mark.parametrize("of", PEOPLE[:8])
def test_every_spelling_is_found_in_every_wrapping(of: Person, wrap: Callable[[str], str]) -> None:
    for label, value, spellings in (
        ("name", of.name, NAMES),
        ("phone", of.phone, PHONES),
        ("number", of.id_no, NUMBERS),
        ("address", of.address, ADDRESSES),
    ):
        for spelling in spellings:
            assert label in found(of, wrap(f"据称{spelling(value)}，漏水")), spelling(value)


def test_a_phone_that_came_with_the_countrys_code_is_found_without_it() -> None:
    assert Scanner({"+86 186-1234-5678": "phone"}).hits("here", "打18612345678")


@pytest.mark.parametrize("of", PEOPLE[:8])
def test_one_persons_values_are_not_found_in_anothers(of: Person) -> None:
    others = " ".join(f"{one.name} {one.phone} {one.id_no} {one.address}" for one in PEOPLE if one != of)
    assert found(of, others) == set()


def test_a_masked_narrative_holds_nothing() -> None:
    of = PEOPLE[0]
    assert found(of, "[NAME_1]电话[PHONE_1]，住曲阳路[ADDRESS_1]，2026-11-25T01:19:32.123456+08:00") == set()


@given(st.datetimes().map(lambda at: at.isoformat(" ") + "+0000"))
@example("2000-01-01 00:00:18.600001+0000")
def test_no_instant_looks_like_a_phone(instant: str) -> None:
    assert [prefix for prefix in ("186", "187", "188", "189", "199") if looks_like(prefix, instant)] == []


def looks_like(prefix: str, instant: str) -> bool:
    """Eleven digits that begin so, and do not end in three of the zone's zeros as no planted phone does."""
    digits = "".join(character for character in instant if character.isdigit())
    return bool(re.search(f"(?={prefix}[0-9]{{5}}(?!000)[0-9]{{3}})", digits[4:]))


def test_everybody_is_unique_and_no_phone_ends_in_three_zeros() -> None:
    for values in ([one.name for one in PEOPLE], [one.phone for one in PEOPLE], [one.id_no for one in PEOPLE]):
        assert len(set(values)) == len(PEOPLE)
    assert len({one.house for one in PEOPLE}) == len(PEOPLE)
    assert not [one.phone for one in PEOPLE if one.phone.endswith("000")]


def test_a_planted_call_names_everything_personal_again_in_its_text() -> None:
    for n in range(40):
        call = planted_call(n)
        text = call.body["content"] + call.body["content_extra"]
        told = {hit.label for hit in Scanner(call.personal).hits("text", text)}
        assert set(call.personal.values()) - told == {f"remark of {n}"}
