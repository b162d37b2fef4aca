"""Before `.venv` is there: which of the Pythons on the path makes it."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PYTHONS = runpy.run_path(str(ROOT / "deploy/pythons.py"))
THIS = os.path.realpath(sys.executable)

Put = Callable[..., str]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Lays a Python of the given release and build under a name on the path, which holds nothing else."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def lay(name: str, *, release: str = "3 12", profiled: bool = False) -> str:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho {release} {profiled:d} {path}\n")
        path.chmod(0o755)
        return str(path)

    return lay


def test_one_that_was_built_with_a_profile_is_taken_before_one_that_was_not(put: Put) -> None:
    first = put("python3")
    put("python3.11")
    profiled = put("python3.12", profiled=True)
    assert PYTHONS["best"](first) == profiled


@pytest.mark.parametrize("profiled", [True, False])
def test_among_equals_the_first_one_stays(put: Put, profiled: bool) -> None:
    first = put("python3", profiled=profiled)
    put("python3.12", profiled=profiled)
    assert PYTHONS["best"](first) == first


def test_one_that_does_not_fit_or_does_not_run_is_passed_over(put: Put, tmp_path: Path) -> None:
    first = put("python3")
    put("python3.11", release="3 10", profiled=True)
    put("python3.12", release="3 15", profiled=True)
    Path(put("python3.13")).write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "python3.14").symlink_to("/nowhere")
    assert PYTHONS["best"](first) == first


def test_a_python_of_several_names_is_found_once(put: Put, tmp_path: Path) -> None:
    (tmp_path / "python3").symlink_to(THIS)
    Path(put("python3.11")).write_text(f'#!/bin/sh\nexec {THIS} "$@"\n')
    found = list(PYTHONS["found_on"](os.get_exec_path()))
    assert [os.path.realpath(one.path) for one in found] == [THIS]
