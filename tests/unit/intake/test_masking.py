"""What came as a field never leaves in the narrative, however it is written; personal numbers are found by form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intake_svc.api.models import CallIn
from intake_svc.domain.masking import mask
from intake_svc.domain.spelling import bare, with_plain_digits
from intake_svc.rules.loading import load_rules

RULES = load_rules().masking
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
CHINESE = str.maketrans("0123456789", "零一二三四五六七八九")


def masked(text: str, **fields: Any) -> str:
    return mask(text, fields, RULES).text


names = st.text(st.sampled_from("赵钱孙李周吴郑王冯陈欧阳伟芳娜敏静丽强磊军洋"), min_size=2, max_size=4)
phones = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
houses = st.builds(
    lambda lane, house, room: f"{lane}弄{house}号{room}室",
    st.integers(1, 999),
    st.integers(1, 99),
    st.integers(101, 2999),
)
around = st.text(st.sampled_from("称与楼上邻居漏水发生纠纷要求处理，。（）、 "), max_size=12)
name_spellings = st.sampled_from(
    [
        lambda n: n,
        lambda n: " ".join(n),
        lambda n: "·".join(n),
        lambda n: "　".join(n),
        lambda n: f"{n[0]}\u200b{n[1:]}",
    ]
)
phone_spellings = st.sampled_from(
    [
        lambda p: p,
        lambda p: f"{p[:3]}-{p[3:7]}-{p[7:]}",
        lambda p: f"{p[:3]} {p[3:7]} {p[7:]}",
        lambda p: f"+86{p}",
        lambda p: f"+86 {p[:3]}-{p[3:]}",
        lambda p: f"0086{p}",
        lambda p: p.translate(FULL_WIDTH),
        lambda p: p.translate(CHINESE),
        lambda p: "-".join(p),
        lambda p: f"{p[:3]}.{p[3:7]}.{p[7:]}",
    ]
)
address_spellings = st.sampled_from(
    [
        lambda house: f"上海市虹口区大连路{house}",
        lambda house: f"虹口区大连路{house}",
        lambda house: f"大连路{house}",
        lambda house: house,
        lambda house: house.translate(FULL_WIDTH),
        lambda house: house.translate(CHINESE),
        lambda house: house.replace("弄", " 弄 ").replace("号", "号，"),
    ]
)


@given(names, name_spellings, around, around)
def test_the_callers_name_never_survives(name: str, spelling: Any, before: str, after: str) -> None:
    out = masked(before + spelling(name) + after, caller_name=name)
    assert name not in bare(out)


@given(phones, phone_spellings, around, around, st.booleans())
def test_a_phone_never_survives_whether_it_came_as_a_field_or_not(
    phone: str, spelling: Any, before: str, after: str, is_field: bool
) -> None:
    fields = {"contact_phone": phone} if is_field else {}
    out = masked(f"{before}，{spelling(phone)}，{after}", **fields)
    assert phone not in with_plain_digits(bare(out))
    assert "[PHONE_1]" in out or "[CARD_1]" in out


@settings(max_examples=300)
@given(houses, address_spellings, around, around)
def test_the_house_of_the_own_address_never_survives(house: str, spelling: Any, before: str, after: str) -> None:
    out = masked(before + spelling(house) + after, incident_address=f"上海市虹口区大连路{house}")
    plain = with_plain_digits(bare(out))
    lane, rest = house.split("弄")
    assert house not in plain
    assert f"{lane}弄" not in plain
    assert rest not in plain


@given(phones)
def test_what_is_no_field_and_no_number_stays_as_it_was(phone: str) -> None:
    text = "楼上漏水，双方争吵，2026年3月2日上午9点，赔偿500元，住了3年，第5次。"
    assert masked(text, caller_name="匿名", caller_phone=phone) == text


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("身份证11010519491231002x。", "身份证[ID_1]。"),
        ("身份证110105 19491231 002X。", "身份证[ID_1]。"),
        ("旧证号110105491231002。", "旧证号[CARD_1]。"),
        ("座机021-65123456转801", "座机[PHONE_1]"),
        ("座机（021）65123456", "座机[PHONE_1]"),
        ("电话65123456。", "电话[PHONE_1]。"),
        ("卡号6222 0212 3456 7890 123", "卡号[CARD_1]"),
        ("车牌沪A·12345，沪AD12345", "车牌[PLATE_1]，[PLATE_2]"),
        ("邮箱zhang.san@example.com", "邮箱[EMAIL_1]"),
        ("住56弄7号802室", "住[ADDRESS_1]"),
    ],
)
def test_personal_numbers_are_found_by_their_form(text: str, token: str) -> None:
    assert masked(text) == token


@pytest.mark.parametrize(
    "text",
    ["2026-03-02 09:00:00", "拨打110、12345", "赔20000000元", "3月4号", "住了5年3个月", "20260302", "第1234567号"],
)
def test_times_amounts_and_service_numbers_stay(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize("name", ["匿名", " 匿 名 ", "王", "", "先生", "不详", None])
def test_what_names_nobody_masks_nothing(name: str | None) -> None:
    assert masked("匿名，王先生称不详", caller_name=name) == "匿名，王先生称不详"


def test_the_same_value_keeps_its_token_in_every_spelling_and_field() -> None:
    text = "13800138000，138-0013-8000，+86 13800138000，另13900139000"
    out = masked(text, caller_phone="13800138000", contact_phone="+8613800138000")
    assert out == "[PHONE_1]，[PHONE_1]，[PHONE_1]，另[PHONE_2]"


def test_people_inside_rows_and_unknown_fields_count_too() -> None:
    out = masked(
        "李四与赵六，号123456789X，经办人钱七", parties=[{"name": "李四"}, {"party_xm": "赵六"}], handler_name="钱七"
    )
    assert out == "[NAME_1]与[NAME_2]，号123456789X，经办人[NAME_3]"


@pytest.mark.parametrize("field", ["姓名", "对方", "linkman", "contactName", "party_names", "lxr_2", "nobody_knows"])
@pytest.mark.parametrize("name", ["欧阳翊珩", "张翊", "阿卜杜拉·买买提"])
def test_a_name_in_a_field_that_nobody_knows_is_found_by_the_fields_end_or_by_its_look(field: str, name: str) -> None:
    assert masked(f"找{name}处理", **{field: name}) == "找[NAME_1]处理"
    assert masked(f"找{name}处理", **{field: ["匿名", name]}) == "找[NAME_1]处理"


@pytest.mark.parametrize(
    ("value", "token"),
    [
        ("E12345678", "NUMBER"),
        ("wx_88123456", "NUMBER"),
        ("大连西路12弄3号401室", "ADDRESS"),
        (31010920260101, "NUMBER"),
    ],
)
def test_a_number_or_an_address_in_a_field_that_nobody_knows_is_found_by_its_look(value: Any, token: str) -> None:
    assert masked(f"见（{value}）处理", nobody_knows=value) == f"见（[{token}_1]）处理"


@pytest.mark.parametrize("value", ["红色", "离婚纠纷", "高空抛物", "房屋", "500", "有", "2026年3月", True, None])
def test_plain_words_in_a_field_that_nobody_knows_stay_readable(value: Any) -> None:
    text = "红色电动车，离婚纠纷，高空抛物，房屋漏水，赔500元，有2026年3月的合同"
    assert masked(text, nobody_knows=value) == text


def test_every_field_of_a_call_is_either_personal_or_said_not_to_be() -> None:
    undecided = CallIn.model_fields.keys() - RULES.fields.keys() - RULES.not_personal
    assert undecided == set()


@pytest.mark.parametrize("spelling", ["1234-5-1101", "1234－5－1101", "1234弄5号1101", "一二三四弄，五号，1101室"])
def test_an_address_is_found_with_dashes_and_without_its_last_word(spelling: str) -> None:
    address = "上海市虹口区大连西路1234弄5号1101室"
    assert masked(f"住{spelling}，漏水", incident_address=address) == "住[ADDRESS_1]，漏水"


def test_an_address_that_came_with_dashes_is_found_by_its_numbers_alone() -> None:
    assert masked("住1234-5-1101", incident_address="上海市虹口区大连西路1234-5-1101") == "住[ADDRESS_1]"


def test_a_phone_told_in_chinese_digits_with_pauses_is_still_the_callers() -> None:
    assert masked("打一三八，零零一三，八零零零", caller_phone="13800138000") == "打[PHONE_1]"


def test_organisations_stay_readable() -> None:
    assert masked("曲阳路派出所民警到场", jurisdiction_name="曲阳路派出所") == "曲阳路派出所民警到场"


def test_a_number_sent_as_a_number_is_a_field_like_any_other() -> None:
    assert masked("打8123便知", operator_no=8123) == "打[NUMBER_1]便知"


@given(st.text(max_size=200), st.text(max_size=20), st.text(max_size=20))
def test_any_text_with_any_fields_is_masked_without_error(text: str, name: str, address: str) -> None:
    out = masked(text, caller_name=name, incident_address=address, caller_phone=name)
    assert isinstance(out, str)
