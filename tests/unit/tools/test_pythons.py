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
    """Lays a Python of the given release and speed under a name on the path, which holds nothing else."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def lay(name: str, *, release: str = "3 12", seconds: float = 60.0) -> str:
        path = tmp_path / name
        path.write_text(f'#!/bin/sh\ncase "$3" in *process_time*) echo {seconds};; *) echo {release} {path};; esac\n')
        path.chmod(0o755)
        return str(path)

    return lay


def test_a_faster_python_is_taken(put: Put) -> None:
    put("python3.11", seconds=50.0)
    faster = put("python3.12", seconds=0.0)
    assert PYTHONS["fastest"](sys.executable) == faster


def test_for_less_than_a_tenth_the_first_one_stays(put: Put) -> None:
    first = put("python3", seconds=1.0)
    put("python3.12", seconds=0.95)
    assert PYTHONS["fastest"](first) == first


def test_one_that_does_not_fit_or_does_not_run_is_passed_over(put: Put, tmp_path: Path) -> None:
    put("python3", release="3 10", seconds=0.0)
    put("python3.11", release="3 15", seconds=0.0)
    Path(put("python3.12")).write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "python3.13").symlink_to("/nowhere")
    assert PYTHONS["fastest"](sys.executable) == sys.executable


def test_a_python_of_several_names_is_asked_once(put: Put, tmp_path: Path) -> None:
    (tmp_path / "python3").symlink_to(THIS)
    Path(put("python3.11")).write_text(f'#!/bin/sh\nexec {THIS} "$@"\n')
    found = list(PYTHONS["found_on"](os.get_exec_path()))
    assert [os.path.realpath(one) for one in found] == [THIS]
