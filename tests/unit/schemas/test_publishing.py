"""The commands behind `make contracts`, run as make and CI run them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from referral_schemas.__main__ import FOLDER, asyncapi_file, main
from referral_schemas.publishing import PUBLISHED

WATCH = "cn.liandong.followup.watch_opened.v1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of what is committed, the AsyncAPI document beside it."""
    shutil.copy(asyncapi_file(FOLDER), tmp_path)
    return Path(shutil.copytree(FOLDER, tmp_path / "json"))


def run(command: str, folder: Path) -> int:
    return main([command, "--folder", str(folder)])


def test_what_is_committed_agrees_with_the_models_and_with_what_was_released() -> None:
    done = subprocess.run([sys.executable, "-m", "referral_schemas", "check"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_there_is_one_file_per_event_type_and_nothing_else() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(PUBLISHED)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_file_is_sorted_keeps_chinese_readable_and_lets_readers_pass_over_unknown_fields(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    assert '"additionalProperties": false' not in text


def test_generating_twice_changes_nothing(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*.json")}
    assert run("generate", folder) == 0
    assert {path: path.read_bytes() for path in folder.rglob("*.json")} == before


def test_an_edited_file_is_drift_and_the_difference_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / f"{WATCH}.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"minimum": 1', '"minimum": 0'), encoding="utf-8")
    assert run("check", folder) == 1
    shown = capsys.readouterr().out
    assert f"{WATCH}.json" in shown
    assert '-      "minimum": 0,' in shown
    assert '+      "minimum": 1,' in shown


def test_an_edited_or_missing_asyncapi_document_is_drift(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = asyncapi_file(folder)
    path.write_text(path.read_text(encoding="utf-8").replace("partitions: 12", "partitions: 6", 1), encoding="utf-8")
    assert run("check", folder) == 1
    assert "-        partitions: 6\n+        partitions: 12" in capsys.readouterr().out
    path.unlink()
    assert run("check", folder) == 1
    assert run("generate", folder) == 0
    assert run("check", folder) == 0


def test_a_missing_file_and_a_stray_one_are_drift_and_generate_mends_both(folder: Path) -> None:
    (folder / f"{WATCH}.json").unlink()
    assert run("check", folder) == 1
    (folder / "cn.liandong.toy.gone.v1.json").write_text("{}\n", encoding="utf-8")
    assert run("generate", folder) == 0
    assert run("check", folder) == 0
    assert not (folder / "cn.liandong.toy.gone.v1.json").exists()


def test_a_change_against_what_was_released_fails_the_check_and_the_release(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "released" / f"{WATCH}.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    schema["properties"]["reason"] = {"type": "string"}
    path.write_text(json.dumps(schema), encoding="utf-8")
    assert run("check", folder) == 1
    assert f"{WATCH}: reason: field removed" in capsys.readouterr().out
    assert run("release", folder) == 1
    assert json.loads(path.read_text(encoding="utf-8")) == schema


def test_releasing_freezes_the_present_schemas(folder: Path) -> None:
    (folder / "released" / f"{WATCH}.json").unlink()
    assert run("release", folder) == 0
    assert (folder / "released" / f"{WATCH}.json").read_bytes() == (folder / f"{WATCH}.json").read_bytes()
