"""The first classifier on shipped rule data, and its catalogue."""

import re
from datetime import date
from pathlib import Path
from shutil import copytree
from uuid import uuid4

import pytest
import yaml
from referral_schemas.triage import Category, Grade, ReferralClassified
from triage_svc.domain.classification import Classification, strongest
from triage_svc.domain.matching import matching_copy
from triage_svc.rules.loading import SHIPPED_RULES, load_rulebook

RULES = load_rulebook()


def classify(text: str, *, on: date = date(2026, 11, 1)) -> Classification:
    return RULES.classifier.classify(RULES.vocabulary.read(text), on=on)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("楼上邻居半夜装修，噪音扰民", "neighbour"),
        ("邻居在楼道堆放杂物，阻碍通行", "neighbour"),
        ("車位被鄰居占用，雙方爭執", "neighbour"),
        ("兄弟二人因父亲遗产分配争吵", "family"),
        ("儿子不赡养老人，老人求助", "family"),
        ("医院误诊，患者家属要求赔偿", "medical"),
        ("双眼皮手术失败，诊所拒绝退还手术费", "medical"),
        ("订婚后女方悔婚，不退彩礼", "marital"),
        ("前女友不退还恋爱期间的转账", "marital"),
        ("老板拖欠工资三个月", "other"),
        ("顾客与商家因退款争执", "other"),
    ],
)
def test_each_category_is_known_by_its_own_words(text: str, category: str) -> None:
    assert classify(text).category == category


def test_custody_within_a_divorce_is_marital_and_after_it_family() -> None:
    assert classify("我想离婚，两个孩子的抚养权归谁").category == "marital"
    assert classify("离婚后前夫不付抚养费，也不来探视").category == "family"


def test_a_dispute_with_the_property_manager_is_other_and_with_a_resident_neighbour() -> None:
    assert classify("物业乱收停车费，业主不满").category == "other"
    assert classify("楼上住户漏水，不肯修").category == "neighbour"


def test_what_no_signal_knows_is_other_without_confidence_and_is_reviewed() -> None:
    found = classify("今天天气很好")
    assert (found.category, found.confidence, found.runner_up, found.needs_review) == ("other", 0.0, None, True)


def test_the_answer_names_the_words_it_rests_on() -> None:
    reasons = strongest(classify("与隔壁邻居因漏水争吵").reasons, limit=8)
    assert any("邻居" in reason and reason.startswith("neighbour") for reason in reasons)


@pytest.mark.parametrize(("day", "category"), [(date(2017, 12, 31), "other"), (date(2018, 1, 1), "medical")])
def test_a_call_is_judged_by_the_catalogue_in_force_on_its_day(day: date, category: str) -> None:
    assert classify("医院误诊，医患双方争执", on=day).category == category


def test_confidence_lies_between_nought_and_one_and_the_unsure_are_reviewed() -> None:
    for text in ("离婚", "邻居", "我和邻居离婚", "老板是我丈夫", "x" * 5000):
        found = classify(text)
        assert 0 <= found.confidence <= 1
        assert found.needs_review is (found.confidence < RULES.classifier.review_below)


def test_every_category_and_grade_of_the_rule_data_can_be_published() -> None:
    document = yaml.safe_load((SHIPPED_RULES / "categories.yaml").read_text())
    assert {row["for"] for row in document["signals"]} <= {row["code"] for row in document["catalogue"]}
    for category in (row["code"] for row in document["catalogue"]):
        for grade in RULES.grades.order:
            ReferralClassified(
                category=Category(category),
                confidence=0.5,
                grade=Grade(grade),
                review=False,
                reasons=(),
                decision_id=uuid4(),
                versions=dict(RULES.versions),
            )


def test_no_rule_word_holds_a_character_that_the_matching_copy_would_change() -> None:
    for name in ("categories", "grades", "blocks"):
        table = (SHIPPED_RULES / f"{name}.yaml").read_text().split("version:")[1]
        for word in re.findall(r"\w+", table):
            assert word.isascii() or matching_copy(word, RULES.simplified) == word.lower(), word


def test_rule_versions_change_with_the_bytes_of_the_file(tmp_path: Path) -> None:
    copy = copytree(SHIPPED_RULES, tmp_path / "rules")
    with (copy / "grades.yaml").open("a") as file:
        file.write("# a remark\n")
    versions = load_rulebook(copy).versions
    assert versions["grades"] != RULES.versions["grades"]
    assert versions["blocks"] == RULES.versions["blocks"]
