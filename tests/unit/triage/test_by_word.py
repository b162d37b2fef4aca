"""Of many rules only those are asked whose words stand in a text, or that go by a pattern."""

import re

from hypothesis import given
from hypothesis import strategies as st
from triage_svc.domain.matching import ByWord, Condition, Vocabulary

WORDS = ("邻居", "噪音", "漏水", "医院", "离婚", "财产", "打")
some_words = st.lists(st.sampled_from(WORDS), max_size=3, unique=True).map(tuple)
by_words = st.builds(Condition, words=some_words.filter(bool), beside=some_words, without=some_words)
by_pattern = st.builds(
    Condition, words=some_words, pattern=st.sampled_from([re.compile("第([0-9]+)次"), re.compile("漏")])
)
conditions = st.lists(by_words | by_pattern, max_size=12)
texts = st.lists(st.sampled_from((*WORDS, "第3次", "，", "老")), max_size=8).map("".join)


@given(conditions, texts)
def test_whoever_is_not_asked_would_have_found_nothing(rules: list[Condition], text: str) -> None:
    reading = Vocabulary(rules, {}).read(text)
    asked = ByWord.of(rules, lambda rule: rule).that_may_hold(reading)
    assert [rule for rule in asked if rule.hits(reading)] == [rule for rule in rules if rule.hits(reading)]
