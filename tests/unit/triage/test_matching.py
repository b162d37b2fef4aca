"""What a rule's condition holds against."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from triage_svc.domain.matching import Condition, Vocabulary, matching_copy


def hits(condition: Condition, text: str) -> tuple[str, ...]:
    return condition.hits(Vocabulary([condition], {}).read(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("楼上漏水", ("漏水",)),
        ("一切正常", ()),
        ("楼上漏水，物业不管", ()),
    ],
)
def test_words_hold_unless_a_forbidden_one_stands_too(text: str, expected: tuple[str, ...]) -> None:
    assert hits(Condition(words=("漏水", "渗水"), without=("物业",)), text) == expected


def test_words_beside_must_stand_and_are_told() -> None:
    condition = Condition(words=("打伤",), beside=("丈夫", "妻子"))
    assert hits(condition, "被人打伤") == ()
    assert hits(condition, "被丈夫打伤") == ("打伤", "丈夫")


@pytest.mark.parametrize(("people", "holds"), [(9, False), (10, True), (29, True), (30, False)])
def test_a_number_is_bounded_from_both_sides(people: int, holds: bool) -> None:
    condition = Condition(pattern=re.compile("([0-9]+)人"), at_least=10, below=30, label="人数10–29")
    assert bool(hits(condition, f"现场{people}人")) is holds


def test_a_pattern_tells_its_label_never_what_it_matched() -> None:
    assert hits(Condition(pattern=re.compile("某.{1,3}某"), label="两方"), "王某与李某") == ("两方",)


def test_the_matching_copy_folds_width_case_blanks_and_traditional_characters() -> None:
    assert matching_copy("ＫＴＶ 隔壁 鄰居１２", {ord("鄰"): "邻"}) == "ktv隔壁邻居12"


PIECES = st.text(alphabet="楼上漏水邻居", max_size=12)


@given(text=PIECES, words=st.lists(st.text(alphabet="楼上漏水邻居", min_size=1, max_size=4), min_size=1, max_size=8))
def test_a_reading_finds_exactly_the_words_that_stand_in_the_text(text: str, words: list[str]) -> None:
    reading = Vocabulary([Condition(words=tuple(words))], {}).read(text)
    assert reading.words == {word for word in words if word in text}
