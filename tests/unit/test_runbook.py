"""An alarm in code, its place in the lists, its section in both runbooks and a test that raises it go together."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import chassis.alarms
import followup_svc.alarms
import intake_svc.alarms
import pytest
from chassis.metrics_counting import TRIED_AGAIN

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = {"runbook.md": ("Means", "Look", "Do"), "runbook.zh-CN.md": ("含义", "查看", "处理")}
LISTED = {
    "chassis": set(chassis.alarms.ALARMS),
    "intake-svc": set(intake_svc.alarms.ALARMS),
    "triage-svc": set[str](),
    "mediation-svc": set[str](),
    "followup-svc": set(followup_svc.alarms.ALARMS),
}
ALL = set.union(*LISTED.values())


def raised_in(folder: Path) -> Iterator[str]:
    """First words of `….error("…")` and `….critical("…")`."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("error", "critical", "exception")
                and node.args
            ):
                assert isinstance(node.args[0], ast.Constant), f"{file}:{node.lineno}: an alarm's name stands in code"
                yield str(node.args[0].value)


def sections(file: str) -> dict[str, str]:
    text = (ROOT / "docs" / file).read_text()
    parts = re.split(r"^### (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("folder", LISTED)
def test_every_alarm_in_code_is_listed_and_every_listed_one_is_in_code(folder: str) -> None:
    assert set(raised_in(ROOT / "services" / folder)) == LISTED[folder]


@pytest.mark.parametrize("file", RUNBOOKS)
def test_every_alarm_has_its_section_and_every_section_its_alarm(file: str) -> None:
    assert list(sections(file)) == sorted(ALL)
    for name, text in sections(file).items():
        for word in RUNBOOKS[file]:
            assert f"**{word}**" in text, f"{file}, {name}: no {word}"


@pytest.mark.parametrize("file", RUNBOOKS)
def test_links_within_a_runbook_lead_somewhere(file: str) -> None:
    text = (ROOT / "docs" / file).read_text()
    for target in re.findall(r"\]\(#([^)]+)\)", text):
        assert target in ALL, target
    for path in re.findall(r"\]\(([^#)][^)]*)\)", text):
        assert (ROOT / "docs" / path).exists(), path
    for path in re.findall(r"`((?:deploy|services)/[^`]+)`", text):
        assert (ROOT / path).exists(), path


def test_every_warning_that_something_waits_is_counted_as_a_retry() -> None:
    source = "\n".join(file.read_text() for file in (ROOT / "services").rglob("*.py"))
    waiting = set(re.findall(r'"([a-z_]+_waits?)"', source))
    assert len(waiting) > 5
    assert waiting - TRIED_AGAIN == set()


def test_every_alarm_is_asserted_by_a_test() -> None:
    """By its name, as a literal, in some other test."""
    told = "\n".join(
        file.read_text() for file in (ROOT / "tests").rglob("*.py") if file.resolve() != Path(__file__).resolve()
    )
    missing = {name for name in ALL if f'"{name}"' not in told}
    assert missing == set(), "no test raises these"
