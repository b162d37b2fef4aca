"""`make test` names its folders one by one, in an order of its own: none may be forgotten."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_folder_with_tests_is_run_by_make_test() -> None:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    said = subprocess.run(["make", "-n", "test"], cwd=ROOT, env=plain, capture_output=True, text=True, check=True)
    named = [ROOT / word for word in said.stdout.split() if word.startswith("tests/")]
    assert len(named) > 5
    forgotten = [
        str(file.relative_to(ROOT))
        for file in sorted((ROOT / "tests").rglob("test_*.py"))
        if not any(file.is_relative_to(folder) for folder in named)
    ]
    assert not forgotten
