"""Rule files to domain values, once, at start. A version is the file's own word and a fingerprint of its bytes, so an
edit without a new version still shows."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import yaml
from chassis.workdays import Span
from chassis.yaml_text import read_yaml
from pydantic import ValidationError

from followup_svc.domain.conduct import Conduct
from followup_svc.domain.grade import GRAVITY
from followup_svc.domain.partner import Coarsening
from followup_svc.domain.plan import ObligationRule, PlanRules, Row, VisitRule
from followup_svc.rules.shapes import ConductShape, PlanShape, RowShape, Shape, VisitShape

SHIPPED_RULES = Path(__file__).parent
T = TypeVar("T", bound=Shape)
R = TypeVar("R")


class RuleFileRefused(Exception):
    """Names the file, the place in it and what is wrong there."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    plan: PlanRules
    conduct: Conduct
    coarsening: Coarsening


def load_rulebook(*, demo: bool = False, folder: Path = SHIPPED_RULES) -> Rulebook:
    """Raises RuleFileRefused."""
    plan_file = folder / ("visit_plans.demo.yaml" if demo else "visit_plans.yaml")
    plan, version = _read(plan_file, PlanShape)
    conduct, conduct_version = _read(folder / "conduct.yaml", ConductShape)
    return Rulebook(
        _named(plan_file, lambda: _plan(plan, version, demo=demo)),
        _named(folder / "conduct.yaml", lambda: _conduct(conduct, conduct_version, demo=demo)),
        Coarsening(
            conduct_version, frozenset(conduct.partners.small_areas), frozenset(conduct.partners.small_categories)
        ),
    )


def _read(path: Path, shape: type[T]) -> tuple[T, str]:
    content = path.read_bytes()
    try:
        document: Any = read_yaml(content)
        found = shape.model_validate(document)
    except yaml.YAMLError as error:
        raise RuleFileRefused(f"{path.name}: 不是有效的 YAML not valid YAML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise RuleFileRefused(f"{path.name}: {place}: {first['msg']}") from error
    return found, f"{document['version']}+{hashlib.sha256(content).hexdigest()[:8]}"


def _named(path: Path, build: Callable[[], R]) -> R:
    try:
        return build()
    except ValueError as error:
        raise RuleFileRefused(f"{path.name}: {error}") from error


def _plan(shape: PlanShape, version: str, *, demo: bool) -> PlanRules:
    if missing := sorted(set(GRAVITY) - shape.grades.keys()):
        raise ValueError(f"grades: 缺少 missing {', '.join(missing)}")
    if "default" not in shape.ended:
        raise ValueError("ended: 缺少 missing default")

    def rule(visit: VisitShape) -> VisitRule:
        span = Span.parse(visit.after, demo=demo)
        return VisitRule(span, visit.channel, MappingProxyType(dict(visit.channels)), visit.mandatory)

    def row(one: RowShape) -> Row:
        return Row(tuple(map(rule, one.visits)), tuple(map(rule, _weekly(one))))

    obligations = shape.obligations
    return PlanRules(
        version,
        _frozen({grade: row(one) for grade, one in shape.grades.items()}),
        row(shape.medical),
        _frozen({name: row(one) for name, one in shape.ended.items()}),
        ObligationRule(
            rule(VisitShape(after=obligations.after, channel=obligations.channel)), obligations.counted_from == "anchor"
        ),
        rule(shape.extension),
        recorded_within=Span.parse(shape.recorded_within, demo=demo),
        next_try_after=Span.parse(shape.next_try_after, demo=demo),
        tries=shape.tries,
    )


def _weekly(row: RowShape) -> Iterator[VisitShape]:
    """Days that the row has already are not visited twice."""
    weekly, taken = row.weekly_while_red, {visit.after for visit in row.visits}
    if weekly is not None:
        for day in range(weekly.first, weekly.until + 1, weekly.every):
            if (after := f"{day}d@{weekly.at}") not in taken:
                yield VisitShape(after=after, channel=weekly.channel)


def _conduct(shape: ConductShape, version: str, *, demo: bool) -> Conduct:
    return Conduct(
        version,
        _frozen({reason: one.needs_tries for reason, one in shape.waivers.items()}),
        frozenset(shape.escalations),
        frozenset(shape.supervisions),
        frozenset(shape.reopenings),
        _frozen(dict(shape.late_facts)),
        escalate_after=Span.parse(shape.escalation.demo_after if demo else shape.escalation.after, demo=demo),
        top_level=shape.escalation.top,
        close_within=Span.parse(shape.closing.demo_within if demo else shape.closing.within, demo=demo),
        retry_seconds=shape.closing.retry_seconds,
    )


def _frozen(values: dict[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(values)
