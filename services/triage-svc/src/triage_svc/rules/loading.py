"""Rule files to domain values. A file is read once, at start; its version in every decision is its own word for it
and a fingerprint of its bytes, so an edit without a new version still shows."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from triage_svc.domain.blocks import BlockRule
from triage_svc.domain.classification import Category, Classifier, Signal
from triage_svc.domain.grading import Factor, GradeRules
from triage_svc.domain.matching import Condition
from triage_svc.domain.routing import RoutingRules, Way

SHIPPED_RULES = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Rulebook:
    classifier: Classifier
    grades: GradeRules
    blocks: tuple[BlockRule, ...]
    routing: RoutingRules
    simplified: Mapping[int, str]
    versions: Mapping[str, str]


def load_rulebook(folder: Path = SHIPPED_RULES) -> Rulebook:
    categories, grades, blocks, routing = (
        _read(folder / f"{name}.yaml") for name in ("categories", "grades", "blocks", "routing")
    )
    return Rulebook(
        _classifier(categories),
        _grades(grades),
        tuple(BlockRule(row["code"], row["reason"], _condition(row)) for row in blocks["blocks"]),
        RoutingRules(
            {Way(way): float(trust) for way, trust in routing["trust"].items()}, float(routing["assign_from"])
        ),
        _simplified(folder / "traditional.yaml"),
        {
            "categories": categories["version"],
            "grades": grades["version"],
            "blocks": blocks["version"],
            "routing": routing["version"],
        },
    )


def _read(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    document: dict[str, Any] = yaml.safe_load(content)
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
    )


def _condition(row: Mapping[str, Any]) -> Condition:
    pattern = row.get("pattern")
    if pattern and not row.get("label"):
        raise ValueError(f"a pattern needs a label, its match is never shown: {pattern}")
    return Condition(
        words=tuple(row.get("words", ())),
        beside=tuple(row.get("beside", ())),
        without=tuple(row.get("without", ())),
        pattern=re.compile(pattern) if pattern else None,
        label=row.get("label", ""),
        at_least=row.get("at_least"),
        below=row.get("below"),
    )


def _simplified(path: Path) -> Mapping[int, str]:
    table = yaml.safe_load(path.read_bytes())
    if len(table["traditional"]) != len(table["simplified"]):
        raise ValueError("traditional.yaml: the two rows differ in length")
    return dict(zip(map(ord, table["traditional"]), table["simplified"], strict=True))
