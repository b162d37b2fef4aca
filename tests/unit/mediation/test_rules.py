"""Rule data: what ships loads, and what cannot be used says where."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mediation_svc.domain.areas import scope_path_of
from mediation_svc.domain.errors import RuleDataError, ValueRefused
from mediation_svc.domain.reasons import Why
from mediation_svc.rules.loading import SHIPPED_RULES, load_rulebook

RULES = load_rulebook()


def test_a_file_number_has_the_shape_of_the_rule() -> None:
    assert RULES.numbers.file("310109010-PMC", year=2026, number=1).text == "（2026）虹曲人调字第0001号"


def test_a_committee_without_a_short_name_shows_its_code() -> None:
    assert RULES.numbers.file("310115001-PMC", year=2026, number=12).text == "（2026）310115001-PMC人调字第0012号"


@given(
    st.sets(
        st.tuples(
            st.sampled_from(["310109009-PMC", "310109010-PMC", "310115001-PMC", "310109-YTW"]),
            st.integers(2026, 2030),
            st.integers(1, 20000),
        ),
        min_size=2,
        max_size=2,
    )
)
def test_no_two_files_have_one_number(files: set[tuple[str, int, int]]) -> None:
    texts = {RULES.numbers.file(code, year=year, number=number).text for code, year, number in files}
    assert len(texts) == len(files)


def test_the_second_agreement_of_a_file_has_a_number_of_its_own() -> None:
    file = RULES.numbers.file("310109010-PMC", year=2026, number=3)
    assert RULES.numbers.agreement_no(file, nth=1) == "（2026）虹曲人调协字第0003号"
    assert RULES.numbers.agreement_no(file, nth=2) == "（2026）虹曲人调协字第0003号-2"


def test_an_unknown_reason_is_refused_with_those_that_are_known() -> None:
    assert RULES.reasons.find(Why.TERMINATE, "no_agreement").zh
    with pytest.raises(ValueRefused) as refused:
        RULES.reasons.find(Why.TERMINATE, "because")
    assert "no_agreement" in refused.value.known


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("clocks.yaml", "3wd", "soon", "accept_or_decline"),
        ("clocks.yaml", "3wd", "3s", "demonstrations"),
        ("clocks.yaml", "medical_limit", "medical_limits", "medical_limits"),
        ("clocks.yaml", 'version: "2026-11-25"', "", "version"),
        ("numbering.yaml", '{number:04d}号"\nagreement', '号"\nagreement', "number"),
        ("numbering.yaml", "{part}", "{parts}", "part"),
        ("numbering.yaml", "310109010-PMC: 曲", "310109010-PMC: 欧", "欧"),
        ("reasons.yaml", "pauses: [medical_limit]", "pauses: [tea]", "tea"),
        ("reasons.yaml", "code: no_agreement, ", "", "terminate"),
    ],
)
def test_unusable_data_is_refused_and_says_where(tmp_path: Path, name: str, old: str, new: str, says: str) -> None:
    folder = shutil.copytree(SHIPPED_RULES, tmp_path / "rules", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RuleDataError, match=says):
        load_rulebook(folder)


def test_a_demonstration_may_count_in_seconds(tmp_path: Path) -> None:
    folder = shutil.copytree(SHIPPED_RULES, tmp_path / "rules")
    clocks = folder / "clocks.yaml"
    clocks.write_text(clocks.read_text(encoding="utf-8").replace("3wd", "3s"), encoding="utf-8")
    assert load_rulebook(folder, demo=True)


@pytest.mark.parametrize(
    ("code", "path"),
    [
        ("310109010-SFS", "31/310109/310109010"),
        ("310109-YTW", "31/310109"),
        ("YTW", None),
        ("3101-YTW", None),
        (None, None),
    ],
)
def test_the_area_of_an_organisation_is_what_its_code_begins_with(code: str | None, path: str | None) -> None:
    assert scope_path_of(code) == path
