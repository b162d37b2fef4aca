"""The feed command against a server that answers as intake may: nothing is lost, everything is told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stack import feed
from support.scripted import Answer, scripted

Run = Callable[..., int]


class Intake:
    """Answers by call number; a list is used up from the front, its last entry stays."""

    def __init__(self) -> None:
        self.scripts: dict[str, list[Answer]] = {}
        self.posted: list[dict[str, Any]] = []

    def __call__(self, method: str, path: str, body: Any) -> Answer:
        if method == "GET":
            return 200, {}, {}
        self.posted.append(body)
        script = self.scripts.get(body["call_no"], [(202, {"version": 1}, {})])
        return script.pop(0) if len(script) > 1 else script[0]


@pytest.fixture
def intake() -> Intake:
    return Intake()


@pytest.fixture
def run(intake: Intake, tmp_path: Path) -> Run:
    def run_feed(*lines: str, words: tuple[str, ...] = ()) -> int:
        file = tmp_path / "in.jsonl"
        file.write_text("\n".join(lines) + "\n")
        with scripted(intake) as url:
            services = {name: {"url": url} for name in ("intake", "triage", "mediation", "followup")}
            stack_file = tmp_path / ".local" / "stack.json"
            stack_file.parent.mkdir(exist_ok=True)
            stack_file.write_text(json.dumps({"services": services, "tokens": {"dispatch": "t"}}))
            return feed.main([str(file), "--stack", str(stack_file), *words])

    return run_feed


def narrative(row_id: str, text: str = "邻里噪音") -> str:
    return json.dumps({"id": row_id, "text": text, "label": "neighbour"}, ensure_ascii=False)


def rejected(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "in.jsonl.rejected.jsonl").read_text().splitlines()]


def test_outcomes_are_counted_and_exit_is_0_when_nothing_was_rejected(
    run: Run, intake: Intake, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    intake.scripts = {
        "b": [(202, {"version": 2}, {})],
        "c": [(200, {"version": 1}, {})],
        "d": [(200, {"superseded": True}, {})],
    }
    assert run(*map(narrative, "abcd")) == 0
    printed = capsys.readouterr().out
    for label in ("accepted", "new versions", "repeated", "superseded"):
        assert any(label in line and " 1 " in line for line in printed.splitlines())
    assert not (tmp_path / "in.jsonl.rejected.jsonl").exists()


def test_503_and_a_dropped_answer_are_asked_again_with_the_same_body(run: Run, intake: Intake) -> None:
    unknown = (503, {"code": "commit_unknown"}, {"Retry-After": "0"})
    intake.scripts = {"a": [unknown, unknown, (202, {"version": 1}, {})]}
    assert run(narrative("a")) == 0
    assert len(intake.posted) == 3
    assert intake.posted[0] == intake.posted[2]


def test_rejected_rows_go_to_a_file_with_line_and_reason(
    run: Run, intake: Intake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = {"code": "call_conflict", "detail_en": "other content under this number", "fields": ["content"]}
    intake.scripts = {"b": [(409, problem, {})]}
    assert run(narrative("a"), "{broken", narrative("b"), '{"text": "x"}') == 1
    rows = sorted(rejected(tmp_path), key=lambda row: int(row["line"]))
    assert [(row["line"], row["code"]) for row in rows] == [(2, "not_json"), (3, "call_conflict"), (4, "no_id")]
    assert rows[1]["row"] == json.loads(narrative("b"))
    assert "call_conflict" in capsys.readouterr().out


def test_a_row_that_never_gets_an_answer_is_rejected_not_forgotten(run: Run, intake: Intake, tmp_path: Path) -> None:
    intake.scripts = {"a": [(503, {}, {})]}
    assert run(narrative("a"), words=("--patience", "0.5")) == 1
    assert [row["code"] for row in rejected(tmp_path)] == ["no_answer"]


def test_a_duplicate_in_the_file_is_named_and_sent_after_its_first(
    run: Run, intake: Intake, capsys: pytest.CaptureFixture[str]
) -> None:
    intake.scripts = {"a": [(503, {}, {}), (202, {"version": 1}, {}), (200, {}, {})]}
    assert run(narrative("a"), narrative("b"), narrative("a")) == 0
    assert [body["call_no"] for body in intake.posted].count("a") == 3
    assert intake.posted[-1]["call_no"] == "a"
    assert "line 3: a 同 as 第 1 行" in capsys.readouterr().out


def test_a_clean_run_removes_the_rejected_rows_of_an_earlier_one(run: Run, intake: Intake, tmp_path: Path) -> None:
    intake.scripts = {"a": [(422, {"code": "malformed"}, {})]}
    assert run(narrative("a")) == 1
    intake.scripts = {}
    assert run(narrative("a")) == 0
    assert not (tmp_path / "in.jsonl.rejected.jsonl").exists()


def test_a_folder_that_cannot_be_written_sends_the_rejected_rows_to_the_stack_folder(
    run: Run, intake: Intake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    intake.scripts = {"a": [(422, {"code": "malformed"}, {})]}
    (tmp_path / "in.jsonl.rejected.jsonl").mkdir()  # unwritable for root as well
    assert run(narrative("a")) == 1
    assert (tmp_path / ".local" / "in.jsonl.rejected.jsonl").read_text().count("\n") == 1
    assert "cannot be written" in capsys.readouterr().out


def test_no_stack_and_no_file_are_exit_2(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert feed.main([str(tmp_path / "in.jsonl"), "--stack", str(tmp_path / "none.json")]) == 2
    assert "make up" in capsys.readouterr().err
    assert run(narrative("a")) == 0
    assert (
        feed.main([str(tmp_path / "in.jsonl"), "--stack", str(tmp_path / ".local/stack.json")]) == 2
    )  # it is down now
    with pytest.raises(SystemExit) as usage:
        feed.main([])
    assert usage.value.code == 2
