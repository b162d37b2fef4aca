"""`screen`: the rules over lines of JSON, as scripts rely on it (CONTRACTS §8). Nothing is stored."""

import sys
from collections.abc import Mapping
from typing import Any

import orjson

from intake_svc.domain.fields import as_text
from intake_svc.domain.screening import CallFacts, Outcome, Screening, ScreeningRules
from intake_svc.rules.loading import load_screening


def screen() -> int:
    """One answer a line, in the order of the input; a line that is no JSON object stops it, with its number."""
    rules = load_screening()
    for number, line in enumerate(sys.stdin.buffer, start=1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
            answer = screened(row, rules)
        except (orjson.JSONDecodeError, AttributeError):
            sys.stderr.write(f"第 {number} 行不是 JSON 对象。line {number} is no JSON object\n")
            return 2
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
    sys.stdout.buffer.flush()
    return 0


def screened(row: Mapping[str, Any], rules: ScreeningRules) -> dict[str, Any]:
    flags = row.get("flags") or {}
    fields = {name: as_text(value) for name, value in flags.items()} if isinstance(flags, Mapping) else {}
    screening = rules.screen(CallFacts(as_text(row.get("text")) or "", fields=fields))
    return {
        "id": row.get("id"),
        "outcome": screening.outcome,
        "blocks": blocks_of(screening),
        "review": screening.outcome is Outcome.AWAITING_SCREENER,
    }


def blocks_of(screening: Screening) -> list[dict[str, Any]]:
    return [
        {"code": found.block, "matched": found.matched, "reason": {"zh": found.reason.zh, "en": found.reason.en}}
        for found in screening.findings
        if found.block
    ]
