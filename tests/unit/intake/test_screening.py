"""The first screening: what stays with the police, what people must see, what may pass; and that nothing is lost."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake_svc.domain.errors import RuleDataError
from intake_svc.domain.screening import CallFacts, Outcome, ScreeningRules
from intake_svc.domain.screening_data import screening_rules
from intake_svc.rules.loading import load_screening, shipped

RULES = load_screening()


def outcome_of(text: str, **fields: str) -> Outcome:
    return RULES.screen(CallFacts(text, "hongkou-110", fields)).outcome


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("有人拿着菜刀在楼下追人", "X_SELF_HARM"),
        ("他扬言要砍死我全家", "X_PUBLIC_SECURITY"),
        ("一女子坐在天台边缘要跳楼", "X_SELF_HARM"),
        ("老公喝醉酒动手打我", "X_DV"),
        ("孩子在学校被同学打", "X_MINOR_HARM"),
        ("我在微信上被骗了三万元", "X_CRIMINAL"),
        ("停在楼下的电动车被盗", "X_CRIMINAL"),
        ("他把我打得头破血流，缝了五针", "X_PUBLIC_SECURITY"),
        ("隔壁有人吸毒", "X_CRIMINAL"),
        ("他说要点火烧房子，还拎着汽油弹", "X_SELF_HARM"),
    ],
)
def test_danger_and_crime_stay_with_the_police(text: str, block: str) -> None:
    screening = RULES.screen(CallFacts(text))
    assert screening.outcome is Outcome.RETAINED_BY_POLICE
    assert block in screening.blocks


@pytest.mark.parametrize(
    "text", ["请问把人打成轻伤会判几年", "老人走失两天了", "女儿两天没回家电话打不通", "两家人发生推搡", "他家虐待老人"]
)
def test_what_is_asked_or_doubtful_goes_to_a_person(text: str) -> None:
    assert outcome_of(text) is Outcome.AWAITING_SCREENER


@pytest.mark.parametrize(
    "text",
    [
        "报警人称楼上邻居深夜使用电钻装修，噪音很大，多次沟通无果，要求民警到场处理。",
        "楼下住户长期敲打暖气管、用锤子敲地板，影响休息",
        "邻居家公鸡凌晨打鸣",
        "隔壁在楼道堆放砖头和鞋柜，有火灾隐患",
        "与楼上因漏水发生纠纷，双方争吵，没有动手，无人受伤，要求调解",
        "对打麻将的声音不满，打了好几次电话给物业",
        "兄弟姐妹为老人赡养费分摊争吵",
        "十年前他打过我，现在为遗产争吵",
    ],
)
def test_civil_disputes_pass_whatever_their_idioms(text: str) -> None:
    assert outcome_of(text) is Outcome.REFER


def test_full_width_and_spaced_writing_is_read_like_any_other() -> None:
    assert outcome_of("对方 拿 着 菜 刀") is Outcome.RETAINED_BY_POLICE
    assert outcome_of("说要跳楼！！（６楼）") is Outcome.RETAINED_BY_POLICE


def test_a_denial_frees_only_what_it_denies() -> None:
    assert outcome_of("他没有打人") is Outcome.REFER
    assert outcome_of("他没有打人，但是拿刀威胁我") is Outcome.RETAINED_BY_POLICE
    assert outcome_of("有没有打人说不清，是不是诈骗也说不清") is not Outcome.REFER


@pytest.mark.parametrize("flag", ["has_weapon", "has_danger", "has_explosion"])
def test_flags_of_the_source_hold_the_call_unless_they_say_no(flag: str) -> None:
    assert outcome_of("楼上漏水", **{flag: "1"}) is Outcome.RETAINED_BY_POLICE
    assert outcome_of("楼上漏水", **{flag: "2"}) is Outcome.RETAINED_BY_POLICE
    assert outcome_of("楼上漏水", **{flag: "0"}) is Outcome.REFER
    assert outcome_of("楼上漏水", **{flag: ""}) is Outcome.REFER


@pytest.mark.parametrize("note", ["trapped_note", "injured_note", "dead_note"])
def test_a_note_on_people_is_read_by_a_person(note: str) -> None:
    assert outcome_of("楼上漏水", **{note: "一人"}) is Outcome.AWAITING_SCREENER
    assert outcome_of("楼上漏水", **{note: " 无 "}) is Outcome.REFER


def test_categories_are_mapped_per_source_and_an_unknown_code_goes_to_a_person() -> None:
    def category(source: str, *codes: str) -> tuple[str | None, Outcome]:
        screening = RULES.screen(CallFacts("楼上漏水", source, category_codes=codes))
        return screening.category, screening.outcome

    assert category("hongkou-110") == (None, Outcome.REFER)
    assert category("hongkou-110", "060000") == ("DISPUTE", Outcome.REFER)
    assert category("hongkou-110", "010000") == ("CRIMINAL", Outcome.RETAINED_BY_POLICE)
    assert category("hongkou-110", "771234") == ("UNMAPPED", Outcome.AWAITING_SCREENER)
    assert category("hongkou-110", "060199", "060000") == ("DISPUTE", Outcome.REFER)
    assert category("elsewhere", "700000") == ("UNMAPPED", Outcome.AWAITING_SCREENER)


def test_a_rule_that_raises_sends_the_call_to_a_screener() -> None:
    class Unreadable(str):
        def strip(self, *_: object) -> str:
            raise RuntimeError("planted")

    screening = RULES.screen(CallFacts("楼上漏水", fields={"has_weapon": Unreadable("0")}))
    assert screening.outcome is Outcome.AWAITING_SCREENER
    assert [found.rule for found in screening.findings] == ["has_weapon"]
    broken = RULES.screen(CallFacts(None))  # type: ignore[arg-type]
    assert broken.outcome is Outcome.AWAITING_SCREENER


@given(st.text(max_size=300))
def test_any_text_gets_an_outcome(text: str) -> None:
    assert RULES.screen(CallFacts(text)).outcome in Outcome


def test_five_thousand_characters_are_screened_in_a_moment() -> None:
    import time

    for piece in ("打", "他说要", "没有被", "拿着一把", "家门口的车"):
        began = time.perf_counter()
        RULES.screen(CallFacts(piece * (5000 // len(piece))))
        assert time.perf_counter() - began < 0.5


def changed(path: list[Any], value: Any) -> dict[str, Any]:
    data = copy.deepcopy(shipped("screening"))
    node = data
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (["version"], 7, "screening.version"),
        (["words", 0, "any"], ["(unclosed"], "words.self_harm.any"),
        (["words", 0, "any"], ["打.*人"], "unbounded"),
        (["words", 0, "any"], ["x{0,3}"], "matches everything"),
        (["words", 0, "any"], ["<nobody>"], "no vocabulary <nobody>"),
        (["words", 0, "any"], [], "no pattern"),
        (["words", 0, "tehn"], {}, "unknown entry tehn"),
        (["words", 0, "past"], "sometimes", "words.self_harm.past"),
        (["words", 0, "then", "block"], "X_NOTHING", "X_NOTHING"),
        (["words", 0, "then", "outcome"], "dropped", "dropped"),
        (["words", 0, "then", "zh"], "", "zh"),
        (["words", 1, "id"], "self_harm", "used twice: self_harm"),
        (["fields", 0, "filled_unless"], None, "exactly one of"),
        (["categories", "sources", "hongkou-110"], {10000: "CRIMINAL"}, "quote the code"),
        (["categories", "sources", "hongkou-110"], {"1": "CRIME"}, "CRIME"),
        (["categories", "effects"], {}, "UNMAPPED"),
        (["surprise"], 1, "unknown entry surprise"),
    ],
)
def test_rule_data_that_cannot_be_used_is_refused_by_name(path: list[Any], value: Any, says: str) -> None:
    with pytest.raises(RuleDataError, match=".*" + says):
        screening_rules(changed(path, value))


def test_the_shipped_rules_load() -> None:
    assert isinstance(RULES, ScreeningRules)
    assert len(RULES.words) > 15
