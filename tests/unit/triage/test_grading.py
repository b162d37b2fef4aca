"""First grades and routing blocks on shipped rule data."""

import pytest
from triage_svc.domain.blocks import blocks_in
from triage_svc.domain.grading import Grading
from triage_svc.rules.loading import load_rulebook

RULES = load_rulebook()


def grade(text: str, category: str = "other") -> Grading:
    return RULES.grades.grade(RULES.vocabulary.read(text), category)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("双方平静，已协商好", "blue"),
        ("双方在家中吵架", "yellow"),
        ("多次沟通，对方不理", "yellow"),
        ("双方有推搡", "orange"),
        ("前男友一直跟踪，分手后不肯罢休", "orange"),
        ("扬言要同归于尽", "red"),
        ("双方争吵时一方持刀", "red"),
        ("患者死亡，家属聚集讨说法", "red"),
    ],
)
def test_the_gravest_factor_gives_the_grade(text: str, expected: str) -> None:
    assert grade(text).grade == expected


@pytest.mark.parametrize(
    ("people", "expected"), [(4, "blue"), (5, "yellow"), (9, "yellow"), (10, "orange"), (29, "orange"), (30, "red")]
)
def test_a_crowd_is_graded_at_five_ten_and_thirty(people: int, expected: str) -> None:
    assert grade(f"现场有{people}人").grade == expected


@pytest.mark.parametrize(("category", "amount", "expected"), [("medical", 9, "blue"), ("medical", 10, "orange")])
def test_a_medical_claim_of_a_hundred_thousand_is_orange(category: str, amount: int, expected: str) -> None:
    assert grade(f"要求赔偿{amount}万元", category).grade == expected


def test_the_same_amount_elsewhere_raises_nothing() -> None:
    assert grade("要求赔偿50万元", "other").grade == "blue"


def test_machine_red_and_orange_are_always_reviewed_and_the_fired_factors_told() -> None:
    assert grade("双方有推搡").needs_review
    assert not grade("双方在家中吵架").needs_review
    assert {one.code for one in grade("双方推搡，一方持刀").fired} >= {"physical_contact", "weapon_or_dangerous_goods"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("她站在楼顶说不想活了", "X_SELF_HARM"),
        ("被丈夫家暴", "X_DV"),
        ("婆婆打了我", "X_DV"),
        ("网上投资被骗五万元", "X_CRIMINAL"),
        ("邻居把我打伤住院", "X_PUBLIC_SECURITY"),
        ("虐待孩子", "X_MINOR_HARM"),
    ],
)
def test_what_police_must_see_is_blocked_with_its_code(text: str, code: str) -> None:
    found = blocks_in(RULES.vocabulary.read(text), RULES.blocks)
    assert code in {block.code for block in found}
    assert all(block.matched and block.reason for block in found)


@pytest.mark.parametrize("text", ["楼上漏水，协商赔偿", "兄弟因遗产争吵", "想离婚，他不同意", "医院误诊要求赔偿"])
def test_an_ordinary_dispute_is_not_blocked(text: str) -> None:
    assert blocks_in(RULES.vocabulary.read(text), RULES.blocks) == ()
