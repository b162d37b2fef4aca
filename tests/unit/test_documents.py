"""The pages for strangers: both languages have the same shape, what they name is there, what they link to too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAIRS = [("README.md", "README.zh-CN.md"), ("CONTRIBUTING.md", "CONTRIBUTING.zh-CN.md"),
         ("docs/runbook.md", "docs/runbook.zh-CN.md")]  # fmt: skip
PAGES = sorted(
    {page for pair in PAIRS for page in pair}
    | {str(file.relative_to(ROOT)) for file in (ROOT / "docs").glob("*.md")}
    | {str(file.relative_to(ROOT)) for file in ROOT.glob("services/*/README.md")}
)
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OURS = re.compile(r"(?:services|schemas|deploy|docs|tests)/[\w./-]+\.(?:py|yaml|yml|md|json|sha256)")


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def sections(page: str) -> list[int]:
    """How deep each heading is, in order."""
    outside = BLOCK.sub("", text_of(page))
    return [len(marks) for marks in re.findall(r"^(#+) ", outside, re.MULTILINE)]


def tables(page: str) -> list[int]:
    """Rows of each table, in order."""
    rows = "".join("|" if line.startswith("|") else "\n" for line in BLOCK.sub("", text_of(page)).splitlines())
    return [len(run) for run in re.findall(r"\|+", rows)]


def commands(page: str) -> list[tuple[str, list[str]]]:
    """Code blocks without what is said beside the commands; pictures hold words of their language."""
    found = []
    for language, code in BLOCK.findall(text_of(page)):
        if not re.search("[│▼──]", code):
            found.append((language, [re.sub(r"\s+# .*", "", line) for line in code.splitlines()]))
    return found


def names(page: str) -> list[str]:
    """What stands between backticks and is no word of a language, sorted: paths, fields, commands."""
    found = re.findall(r"`([^`\n]+)`", BLOCK.sub("", text_of(page)))
    return sorted(name for name in found if not re.search("[一-龥<>]", name))


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_both_languages_have_the_same_sections_tables_and_commands(english: str, chinese: str) -> None:
    assert sections(english) == sections(chinese)
    assert tables(english) == tables(chinese)
    assert commands(english) == commands(chinese)


@pytest.mark.parametrize(("english", "chinese"), PAIRS[:2])
def test_both_languages_name_the_same_things(english: str, chinese: str) -> None:
    one, other = set(names(english)), set(names(chinese))
    assert one - other == set(), f"only in {english}"
    assert other - one == set(), f"only in {chinese}"


def test_what_is_compared_is_more_than_nothing() -> None:
    assert len(sections("README.md")) > 8
    assert len(commands("README.md")) > 3
    assert len(tables("README.md")) > 1


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", BLOCK.sub("", text_of(page))):
        if not target.startswith("http"):
            assert ((ROOT / page).parent / target).exists(), f"{page}: {target}"


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_by_its_path_exists(page: str) -> None:
    for path in OURS.findall(text_of(page)):
        found = (ROOT / path).exists() or ((ROOT / page).parent / path).exists()
        assert found, f"{page}: {path}"


def test_contributing_names_a_file_for_every_step() -> None:
    for page in PAIRS[1]:
        assert len(set(OURS.findall(text_of(page)))) > 40


def test_every_target_of_make_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    for page in PAGES:
        asked = set(re.findall(r"(?:^|[`\n;])make (?:-s )?([a-z]+)", text_of(page)))
        assert asked <= targets, page


def test_the_rule_that_decides_an_office_is_two_hops_from_the_tree() -> None:
    """From the page of the tree to the service's own page, from there to the rule."""
    first = "services/triage-svc/README.md"
    assert f"(../{first})" in text_of("docs/architecture.md")
    opening = text_of(first).split("\n## ")[1]
    assert opening.startswith("Why did this office")
    (rule,) = set(re.findall(r"\((src/triage_svc/rules/routing\.yaml)\)", opening))
    assert "trust:" in (ROOT / "services/triage-svc" / rule).read_text()
