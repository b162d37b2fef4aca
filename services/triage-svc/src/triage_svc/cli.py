"""`classify` and `route`: JSON lines in, JSON lines out (CONTRACTS §8). They need rules and a file, no database."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from triage_svc.domain.directory import Directory, Organisation
from triage_svc.domain.matching import matching_copy
from triage_svc.domain.routing import Place, Routing
from triage_svc.rules.loading import Rulebook, load_rulebook
from triage_svc.store.directory_file import read_directory_file
from triage_svc.use_cases.judge import Judgement, find_office, judge, judged_by, routed_by

Row = Mapping[str, Any]


class UnreadableLine(ValueError):
    """An input line is not what the command reads; says which and why."""


def sample_directory() -> Path:
    """The directory shipped with the project, found from this file upwards."""
    for folder in Path(__file__).resolve().parents:
        if (found := folder / "deploy" / "sample" / "hongkou.yaml").exists():
            return found
    raise FileNotFoundError("没有样例目录，请用 --directory FILE · no sample directory here: give --directory FILE")


def run_classify(source: BinaryIO, target: BinaryIO) -> None:
    rules = load_rulebook()
    _each(source, target, lambda row: classified(row, rules))


def run_route(source: BinaryIO, target: BinaryIO, directory_file: Path | None) -> None:
    rules = load_rulebook()
    directory = read_directory_file(directory_file or sample_directory()).directory()
    _each(source, target, lambda row: routed(row, rules, directory))


def classified(row: Row, rules: Rulebook) -> dict[str, Any]:
    judgement = judge(_text(row, "text"), rules, on=_day(row))
    return {
        "id": row.get("id"),
        "category": judgement.classification.category,
        "confidence": judgement.classification.confidence,
        "runner_up": judgement.classification.runner_up,
        "decision": judgement.decision,
        "review": judgement.needs_review,
        "grade": judgement.grading.grade,
        "blocks": [{"code": one.code, "matched": one.matched, "reason": one.reason} for one in judgement.blocks],
        "evidence": _evidence(judgement),
        "versions": judged_by(rules),
    }


def routed(row: Row, rules: Rulebook, directory: Directory) -> dict[str, Any]:
    text, address = _text(row, "text"), _text(row, "address")
    place = Place(
        station_code=_text(row, "station_code") or None,
        area_code=_text(row, "area_code") or None,
        words=matching_copy(address or text, rules.simplified),
    )
    category = _text(row, "category") or _category(text, rules, _day(row))
    routing = find_office(place, category, rules, directory, on=_day(row))
    return {
        "id": row.get("id"),
        "decision": routing.outcome,
        "office": _named(routing.office),
        "candidates": _candidates(routing),
        "second_stage": _named(routing.second_stage),
        "versions": routed_by(rules, directory),
    }


def _category(text: str, rules: Rulebook, on: date) -> str:
    return judge(text, rules, on=on).classification.category if text else "other"


def _evidence(judgement: Judgement) -> dict[str, Any]:
    return {
        "category": [
            {"category": one.category, "weight": one.weight, "matched": one.matched}
            for one in judgement.classification.reasons
        ],
        "grade": [
            {"factor": one.code, "grade": one.grade, "matched": one.matched, "reason": one.reason}
            for one in judgement.grading.fired
        ],
    }


def _candidates(routing: Routing) -> list[dict[str, Any]]:
    return [
        {"code": one.code, "name": one.name, "score": one.score, "reason": one.reason} for one in routing.candidates
    ]


def _named(organisation: Organisation | None) -> dict[str, str] | None:
    return {"code": organisation.code, "name": organisation.name} if organisation else None


def _each(source: BinaryIO, target: BinaryIO, answer: Callable[[Row], Mapping[str, Any]]) -> None:
    for number, line in enumerate(source, start=1):
        if line.strip():
            target.write(orjson.dumps(answer(_row(line, number)), option=orjson.OPT_APPEND_NEWLINE))


def _row(line: bytes, number: int) -> Row:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise UnreadableLine(f"第 {number} 行不是 JSON · line {number} is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise UnreadableLine(f"第 {number} 行应为对象 · line {number} must be an object")
    return row


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _day(row: Row) -> date:
    """The day a row is judged by: its own `reported_at` where it has one, else today."""
    stated = _text(row, "reported_at")
    try:
        return datetime.fromisoformat(stated).date() if stated else datetime.now(UTC).date()
    except ValueError:
        raise UnreadableLine(f"reported_at 不是时间 · reported_at is not a time: {stated}") from None
