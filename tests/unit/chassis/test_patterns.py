"""A pattern that is tried only where it may begin finds what it would find if it were tried everywhere."""

from __future__ import annotations

import re

import pytest
from chassis.patterns import begun_well
from hypothesis import given
from hypothesis import strategies as st

LETTERS = "ab人我]-^"
TEXTS = st.text(LETTERS + "x", max_size=12)

_classes = st.builds(
    "[{}{}]".format, st.sampled_from(["", "^"]), st.sampled_from(["ab", "a-c", "人我", r"\]\-\^", r"\w"])
)
_atoms = st.one_of(st.sampled_from(LETTERS).map(re.escape), _classes, st.sampled_from([".", "^", "$", r"\b"]))


def _larger(patterns: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.lists(patterns, min_size=1, max_size=3)
    groups = ["({})", "(?:{})", "(?:{})?", "(?:{}){{0,2}}", "(?:{}){{1,3}}?", "(?={})", "(?!{})", "(?i:{})"]
    return st.one_of(
        lists.map("".join),
        lists.map("|".join),
        st.builds(str.format, st.sampled_from(groups), patterns),
    )


PATTERNS = st.recursive(_atoms, _larger, max_leaves=8)


@given(PATTERNS, TEXTS)
def test_it_matches_what_the_plain_pattern_matches_group_for_group(pattern: str, text: str) -> None:
    def found(one: re.Pattern[str]) -> list[tuple[object, ...]]:
        return [(match.span(), match.groups()) for match in one.finditer(text)]

    assert found(begun_well(pattern)) == found(re.compile(pattern))


@pytest.mark.parametrize(
    ("pattern", "begins_with"),
    [
        ("(?:打|殴打)[^，。]{0,4}人", "打殴"),
        ("(?:我|他)?被打", "他我被"),
        ("(?<!_)救命", "救"),
        ("(?:[0-2]{1,3}岁的?)孩", "012"),
    ],
)
def test_what_it_may_begin_with_stands_in_front_of_it(pattern: str, begins_with: str) -> None:
    assert begun_well(pattern).pattern == f"(?=[{begins_with}])(?:{pattern})"


@pytest.mark.parametrize(
    "pattern", ["[^，]打", "打?", "把?[^，。]{0,3}撞", "(?i:k)粉", "(?i)k粉", r"\w打", "[一-鿿]路", "(?:打|)"]
)
def test_where_that_is_not_known_it_stays_as_it_is(pattern: str) -> None:
    assert begun_well(pattern).pattern == pattern
