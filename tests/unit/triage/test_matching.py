"""What a rule's condition holds against."""

import re

import pytest
from triage_svc.domain.matching import Condition, matching_copy


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("楼上漏水", ("漏水",)),
        ("一切正常", ()),
        ("楼上漏水，物业不管", ()),
    ],
)
def test_words_hold_unless_a_forbidden_one_stands_too(text: str, hits: tuple[str, ...]) -> None:
    assert Condition(words=("漏水", "渗水"), without=("物业",)).hits(text) == hits


def test_words_beside_must_stand_and_are_told() -> None:
    condition = Condition(words=("打伤",), beside=("丈夫", "妻子"))
    assert condition.hits("被人打伤") == ()
    assert condition.hits("被丈夫打伤") == ("打伤", "丈夫")


@pytest.mark.parametrize(("people", "holds"), [(9, False), (10, True), (29, True), (30, False)])
def test_a_number_is_bounded_from_both_sides(people: int, holds: bool) -> None:
    condition = Condition(pattern=re.compile("([0-9]+)人"), at_least=10, below=30, label="人数10–29")
    assert bool(condition.hits(f"现场{people}人")) is holds


def test_a_pattern_tells_its_label_never_what_it_matched() -> None:
    assert Condition(pattern=re.compile("某.{1,3}某"), label="两方").hits("王某与李某") == ("两方",)


def test_the_matching_copy_folds_width_case_blanks_and_traditional_characters() -> None:
    assert matching_copy("ＫＴＶ 隔壁 鄰居１２", {ord("鄰"): "邻"}) == "ktv隔壁邻居12"
