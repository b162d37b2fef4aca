"""A directory file is taken whole or refused with every fault named."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from triage_svc.cli import sample_directory
from triage_svc.domain.errors import DirectoryRefused
from triage_svc.store.directory_file import read_directory_file

SOUND: dict[str, Any] = {
    "dataset": "t",
    "areas": [{"code": "310109010", "name": "曲阳路街道"}],
    "organisations": [
        {"code": "A", "kind": "judicial_office", "name": "甲", "area": "310109010", "valid_from": "2018-01-01"},
        {"code": "S", "kind": "police_station", "name": "乙", "area": "310109010", "valid_from": "2018-01-01"},
        {"code": "M", "kind": "pmc", "name": "丙", "area": "310109010", "valid_from": "2018-01-01"},
    ],
    "relations": [{"kind": "paired_with", "from": "S", "to": "A", "valid_from": "2018-01-01"}],
}


def written(folder: Path, document: object) -> Path:
    path = folder / "directory.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True).replace("'2018-01-01'", "2018-01-01"))
    return path


def faults_of(folder: Path, document: object) -> list[str]:
    with pytest.raises(DirectoryRefused) as refusal:
        read_directory_file(written(folder, document)).directory()
    return refusal.value.faults


def with_rows(section: str, *rows: dict[str, object]) -> dict[str, object]:
    return {**SOUND, section: [*SOUND[section], *rows]}


def test_the_shipped_sample_is_sound_and_says_that_it_is_one() -> None:
    sample = read_directory_file(sample_directory())
    assert sample.directory().version == sample.label
    assert sample.is_sample
    assert len([area for area in sample.areas if len(area.code) == 9]) == 8


def test_a_sound_file_is_read(tmp_path: Path) -> None:
    assert len(read_directory_file(written(tmp_path, SOUND)).organisations) == 3


@pytest.mark.parametrize(
    ("section", "row", "named", "cure"),
    [
        ("relations", {"kind": "guides", "from": "A", "to": "NOBODY"}, "NOBODY", "add it to organisations"),
        ("relations", {"kind": "covers", "from": "A", "to": "310109099"}, "310109099", "add it to areas"),
        ("relations", {"kind": "paired_with", "from": "S", "to": "A"}, "S → A", "make them one"),
        ("relations", {"kind": "paired_with", "from": "S", "to": "M"}, "M", "change the kind"),
        ("relations", {"kind": "loves", "from": "S", "to": "A"}, "loves", "use one of"),
        ("organisations", {"code": "M", "kind": "pmc", "name": "x", "area": "310109010"}, "M", "remove one"),
        (
            "organisations",
            {"code": "B", "kind": "pmc", "name": "x", "area": "310109077"},
            "310109077",
            "add it to areas",
        ),
        ("organisations", {"code": "B", "kind": "club", "name": "x", "area": "310109010"}, "club", "use one of"),
        ("organisations", {"code": 7, "kind": "pmc", "name": "x", "area": "310109010"}, "7", "quotes"),
        ("areas", {"code": "310109010", "name": "又一"}, "310109010", "remove one"),
        ("areas", {"code": "31010", "name": "短"}, "31010", "6, 9 or 12 digits"),
        ("areas", {"code": "310109011"}, "name", "add it"),
    ],
)
def test_a_fault_names_its_row_and_the_cure(
    tmp_path: Path, section: str, row: dict[str, object], named: str, cure: str
) -> None:
    dated = row if section == "areas" else {**row, "valid_from": "2018-01-01"}
    (fault,) = faults_of(tmp_path, with_rows(section, dated))
    assert fault.startswith(section)
    assert named in fault
    assert cure in fault


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    document = with_rows(
        "relations",
        {"kind": "guides", "from": "A", "to": "X", "valid_from": "2018-01-01"},
        {"kind": "guides", "from": "Y", "to": "A", "valid_from": "2018-01-01"},
    )
    assert len(faults_of(tmp_path, document)) == 2


def test_two_units_cannot_speak_for_one_source(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {
            "code": code,
            "kind": "command_center",
            "name": code,
            "area": "310109010",
            "valid_from": "2018-01-01",
            "sources": ["hongkou-110"],
        }
        for code in ("C1", "C2")
    ]
    assert "hongkou-110" in faults_of(tmp_path, with_rows("organisations", *rows))[0]


@pytest.mark.parametrize("content", ["[", "- a\n- b", "a: b: c"])
def test_what_is_no_directory_at_all_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "directory.yaml").write_text(content)
    with pytest.raises(DirectoryRefused):
        read_directory_file(tmp_path / "directory.yaml")


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(DirectoryRefused, match=r"nowhere\.yaml"):
        read_directory_file(tmp_path / "nowhere.yaml")
