"""`python -m intake_svc screen`, as scripts from outside run it; and how the shipped rules do on real narratives."""

from __future__ import annotations

import json
import subprocess
import sys

from intake_svc.rules.loading import load_screening
from intake_svc.screen_cli import screened


def run(lines: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "intake_svc", "screen"], input=lines, text=True, capture_output=True, timeout=60
    )


def test_each_line_is_answered_in_order() -> None:
    rows = [
        {"id": "a", "text": "楼上漏水，要求调解"},
        {"id": "b", "text": "他拿着菜刀要砍人"},
        {"id": "c", "text": "楼上漏水", "flags": {"has_weapon": 1}},
        {"id": "d", "text": "请问打架会不会拘留"},
    ]
    done = run("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n\n")
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(one["id"], one["outcome"], one["review"]) for one in answers] == [
        ("a", "referred", False),
        ("b", "retained_by_police", False),
        ("c", "retained_by_police", False),
        ("d", "awaiting_screener", True),
    ]
    assert answers[0]["blocks"] == []
    assert {key: answers[2]["blocks"][0][key] for key in ("code", "matched")} == {"code": "X_SELF_HARM", "matched": "1"}
    assert set(answers[1]["blocks"][0]["reason"]) == {"zh", "en"}


def test_a_line_that_is_no_object_stops_it_and_is_named() -> None:
    done = run('{"id": 1, "text": "x"}\nnonsense\n')
    assert done.returncode == 2
    assert "line 2" in done.stderr


def test_a_row_without_text_is_answered_too() -> None:
    assert screened({"id": 1}, load_screening())["outcome"] == "referred"
