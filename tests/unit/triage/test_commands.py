"""`classify` and `route` as scripts use them: their own processes, JSON lines in and out, no database."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CLASSIFY_FIELDS = {
    "id", "category", "confidence", "runner_up", "decision", "review", "grade", "blocks", "evidence", "versions",
}  # fmt: skip
ROUTE_FIELDS = {"id", "decision", "office", "candidates", "second_stage", "versions"}


def run(*words: str, rows: list[dict[str, Any]] | str) -> subprocess.CompletedProcess[bytes]:
    text = rows if isinstance(rows, str) else "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return subprocess.run(
        [sys.executable, "-m", "triage_svc", *words],
        input=text.encode(),
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        timeout=60,
    )


def answers(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_classify_answers_every_line_with_the_contract_s_fields() -> None:
    calm, sad, blocked = answers(
        run(
            "classify",
            rows=[
                {"id": "a", "text": "楼上邻居漏水"},
                {"id": 2, "text": "今天天气很好"},
                {"id": "c", "text": "丈夫家暴，把我打伤"},
            ],
        )
    )
    assert set(calm) == CLASSIFY_FIELDS
    assert (calm["id"], calm["category"], calm["decision"], calm["blocks"]) == ("a", "neighbour", "auto", [])
    assert (sad["id"], sad["category"], sad["decision"], sad["review"]) == (2, "other", "review", True)
    assert blocked["decision"] == "stop"
    assert {"X_DV"} <= {block["code"] for block in blocked["blocks"]}
    assert set(blocked["blocks"][0]) == {"code", "matched", "reason"}


def test_a_grave_grade_is_never_automatic() -> None:
    (answer,) = answers(run("classify", rows=[{"id": 1, "text": "与邻居因漏水推搡"}]))
    assert (answer["grade"], answer["review"], answer["decision"]) == ("orange", True, "review")


def test_route_answers_every_line_with_the_contract_s_fields() -> None:
    known, unsure, unknown = answers(
        run(
            "route",
            rows=[
                {"id": 1, "station_code": "310109018-PCS2", "category": "medical"},
                {"id": 2, "address": "场中路与嘉兴路口"},
                {"id": 3, "address": "北京市朝阳区"},
            ],
        )
    )
    assert set(known) == ROUTE_FIELDS
    assert (known["decision"], known["office"]["code"]) == ("assigned", "310109018-SFS")
    assert known["second_stage"]["code"] == "310109-YTW"
    assert set(known["candidates"][0]) == {"code", "name", "score", "reason"}
    assert (unsure["decision"], unsure["office"], len(unsure["candidates"])) == ("review", None, 2)
    assert (unknown["decision"], unknown["office"], unknown["candidates"]) == ("none", None, [])


def test_route_reads_another_directory_where_told_and_refuses_a_faulty_one(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        """
dataset: own
areas: [{code: "110105001", name: 朝外街道}]
organisations: [{code: O, kind: judicial_office, name: 朝外司法所, area: "110105001", valid_from: 2018-01-01}]
relations: [{kind: covers, from: O, to: "110105001", valid_from: 2018-01-01}]
"""
    )
    (answer,) = answers(run("route", "--directory", str(own), rows=[{"id": 1, "area_code": "110105001"}]))
    assert answer["office"] == {"code": "O", "name": "朝外司法所"}
    own.write_text(own.read_text().replace("from: O", "from: NOBODY"))
    refused = run("route", "--directory", str(own), rows=[])
    assert refused.returncode == 1
    assert "NOBODY" in refused.stderr.decode()


@pytest.mark.parametrize("line", ["not json\n", "[1]\n"])
def test_a_line_that_is_no_row_is_named(line: str) -> None:
    done = run("classify", rows='{"id": 1, "text": "x"}\n' + line)
    assert done.returncode == 1
    assert "line 2" in done.stderr.decode()


def test_serving_without_settings_says_which_are_missing() -> None:
    done = run("api", rows="")
    assert done.returncode == 2
    assert "TRIAGE_DATABASE_URL" in done.stderr.decode()
