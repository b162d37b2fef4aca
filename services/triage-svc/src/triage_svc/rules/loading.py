"""Rule files to domain values. A file is read once, at start; its version in every decision is its own word for it
and a fingerprint of its bytes, so an edit without a new version still shows."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chassis.patterns import begun_well
from chassis.workdays import Span, SpanRefused
from chassis.yaml_text import read_yaml

from triage_svc.domain.blocks import BlockRule
from triage_svc.domain.classification import Category, Classifier, Signal
from triage_svc.domain.errors import RuleDataError
from triage_svc.domain.grading import CallRule, Factor, GradeRules
from triage_svc.domain.limits import Limits
from triage_svc.domain.matching import Condition, Vocabulary
from triage_svc.domain.returns import Reason, ReturnRules
from triage_svc.domain.routing import RoutingRules, Way
from triage_svc.domain.states import Clock

FILES = ("categories", "grades", "blocks", "routing", "clocks", "returns")
SHIPPED_RULES = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Rulebook:
    classifier: Classifier
    grades: GradeRules
    blocks: tuple[BlockRule, ...]
    routing: RoutingRules
    simplified: Mapping[int, str]
    vocabulary: Vocabulary
    versions: Mapping[str, str]
    limits: Limits
    returns: ReturnRules


def load_rulebook(folder: Path = SHIPPED_RULES) -> Rulebook:
    documents = {name: _read(folder / f"{name}.yaml") for name in FILES}
    classifier, grades = _classifier(documents["categories"]), _grades(documents["grades"])
    blocks = tuple(BlockRule(row["code"], row["reason"], _condition(row)) for row in documents["blocks"]["blocks"])
    simplified = _simplified(folder / "traditional.yaml")
    conditions = [
        *(signal.condition for signal in classifier.signals),
        *(factor.condition for factor in grades.factors),
        *(rule.condition for rule in blocks),
    ]
    return Rulebook(
        classifier,
        grades,
        blocks,
        _routing(documents["routing"]),
        simplified,
        Vocabulary(conditions, simplified),
        {name: document["version"] for name, document in documents.items()},
        _limits(documents["clocks"]),
        _returns(documents["returns"]),
    )


def _read(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    document: dict[str, Any] = read_yaml(content)
    return {**document, "version": f"{document['version']}+{hashlib.sha256(content).hexdigest()[:8]}"}


def _classifier(document: Mapping[str, Any]) -> Classifier:
    return Classifier(
        tuple(
            Category(row["code"], row["name"], row["valid_from"], row.get("valid_to"), row["policy_document"])
            for row in document["catalogue"]
        ),
        tuple(Signal(row["for"], float(row["weight"]), _condition(row)) for row in document["signals"]),
        document["base"],
        float(document["temperature"]),
        float(document["review_below"]),
    )


def _grades(document: Mapping[str, Any]) -> GradeRules:
    return GradeRules(
        tuple(document["order"]),
        document["default"],
        frozenset(document["always_reviewed"]),
        tuple(
            Factor(
                row["code"],
                row["grade"],
                row["reason"],
                _condition(row),
                frozenset(row.get("categories", ())),
                row.get("expires_after_days"),
            )
            for row in document["factors"]
        ),
        tuple(
            CallRule(row["code"], row["grade"], row["reason"], int(row["repeats"]), frozenset(row.get("said", ())))
            for row in document.get("calls", ())
        ),
    )


def _routing(document: Mapping[str, Any]) -> RoutingRules:
    trust = {Way(way): float(trust) for way, trust in document["trust"].items()}
    return RoutingRules(trust, float(document["assign_from"]))


def _limits(document: Mapping[str, Any]) -> Limits:
    """Raises RuleDataError for a clock that is missing, unknown, without a default, or with a span nobody can read."""
    tables = document["clocks"]
    if wrong := set(tables) ^ set(Clock):
        raise RuleDataError(f"clocks.yaml: exactly the clocks {', '.join(Clock)} — not so: {', '.join(sorted(wrong))}")
    for clock, table in tables.items():
        if "default" not in table:
            raise RuleDataError(f"clocks.yaml {clock}: needs a `default`")
        for case, span in table.items():
            _check_span(clock, case, span)
    return Limits(f"clocks-{document['version']}", {Clock(clock): dict(table) for clock, table in tables.items()})


def _check_span(clock: str, case: str, span: str) -> None:
    try:
        Span.parse(span)
    except SpanRefused as error:
        raise RuleDataError(f"clocks.yaml {clock}.{case}: {span!r} is no span — {error}") from error


def _returns(document: Mapping[str, Any]) -> ReturnRules:
    reasons, not_reasons = (
        {row["code"]: Reason(row["code"], row["zh"], row["en"]) for row in document[name]}
        for name in ("reasons", "not_reasons")
    )
    if both := reasons.keys() & not_reasons.keys():
        raise RuleDataError(f"returns.yaml: reason and no reason at once: {', '.join(sorted(both))}")
    if int(document["most"]) < 0:
        raise RuleDataError("returns.yaml: `most` counts returns, 0 or more")
    return ReturnRules(reasons, not_reasons, int(document["most"]))


def _condition(row: Mapping[str, Any]) -> Condition:
    pattern = row.get("pattern")
    if pattern and not row.get("label"):
        raise ValueError(f"a pattern needs a label, its match is never shown: {pattern}")
    return Condition(
        words=tuple(row.get("words", ())),
        beside=tuple(row.get("beside", ())),
        without=tuple(row.get("without", ())),
        pattern=begun_well(pattern) if pattern else None,
        label=row.get("label", ""),
        at_least=row.get("at_least"),
        below=row.get("below"),
    )


def _simplified(path: Path) -> Mapping[int, str]:
    table = read_yaml(path.read_bytes())
    if len(table["traditional"]) != len(table["simplified"]):
        raise ValueError("traditional.yaml: the two rows differ in length")
    return dict(zip(map(ord, table["traditional"]), table["simplified"], strict=True))
