"""Rule files to domain values, checked whole before anything runs on them: an error names the file and the entry."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chassis.workdays import Span, SpanRefused
from chassis.yaml_text import read_yaml

from mediation_svc.domain.errors import RuleDataError
from mediation_svc.domain.limits import Clock, Limits
from mediation_svc.domain.numbering import NumberRule
from mediation_svc.domain.reasons import Reason, Reasons, Why

SHIPPED_RULES = Path(__file__).parent
_COUNTED = tuple(clock for clock in Clock if clock is not Clock.PERFORMANCE)


@dataclass(frozen=True, slots=True)
class Rulebook:
    limits: Limits
    numbers: NumberRule
    reasons: Reasons


def load_rulebook(folder: Path = SHIPPED_RULES, *, demo: bool = False) -> Rulebook:
    """Raises RuleDataError. `demo` allows spans of seconds."""
    return Rulebook(
        _limits(_read(folder / "clocks.yaml"), demo=demo),
        _numbers(_read(folder / "numbering.yaml")),
        _reasons(_read(folder / "reasons.yaml")),
    )


def _read(path: Path) -> dict[str, Any]:
    document = read_yaml(path.read_bytes())
    if not isinstance(document, dict) or not document.get("version"):
        raise RuleDataError(f"{path.name}: needs a `version`")
    return document


def _limits(document: Mapping[str, Any], *, demo: bool) -> Limits:
    stated = document.get("clocks") or {}
    if wrong := set(stated) ^ set(_COUNTED):
        expected = ", ".join(_COUNTED)
        raise RuleDataError(f"clocks.yaml: exactly the clocks {expected}; not so: {', '.join(sorted(map(str, wrong)))}")
    spans = {Clock(clock): _span(clock, text, demo=demo) for clock, text in stated.items()}
    return Limits(f"clocks-{document['version']}", spans)


def _span(clock: str, text: str, *, demo: bool) -> Span:
    try:
        return Span.parse(str(text), demo=demo)
    except SpanRefused as error:
        raise RuleDataError(f"clocks.yaml {clock}: {error}") from error


def _numbers(document: Mapping[str, Any]) -> NumberRule:
    districts = {str(code): str(name) for code, name in (document.get("districts") or {}).items()}
    committees = {str(code): str(name) for code, name in (document.get("committees") or {}).items()}
    shared = Counter((code[:6], name) for code, name in committees.items())
    if double := [f"{area} {name}" for (area, name), count in shared.items() if count > 1]:
        raise RuleDataError(f"numbering.yaml committees: two with one short name: {', '.join(double)}")
    rule = NumberRule(str(document.get("file_no")), str(document.get("agreement_no")), districts, committees)
    for field, pattern in (("file_no", rule.file_pattern), ("agreement_no", rule.agreement_pattern)):
        _check_pattern(field, pattern, needs=("{year}", "{street}", "{number"))
    _check_pattern("agreement_no", rule.agreement_pattern, needs=("{part}",))
    return rule


def _check_pattern(field: str, pattern: str, *, needs: tuple[str, ...]) -> None:
    """Without year, committee or number two files would have one number."""
    if missing := [part for part in needs if part not in pattern]:
        raise RuleDataError(f"numbering.yaml {field}: lacks {', '.join(missing)}")
    try:
        pattern.format(year=2026, district="", street="", number=1, part="")
    except (KeyError, ValueError, IndexError) as error:
        raise RuleDataError(f"numbering.yaml {field}: cannot be filled in ({error})") from error


def _reasons(document: Mapping[str, Any]) -> Reasons:
    if missing := [why for why in Why if not document.get(why)]:
        raise RuleDataError(f"reasons.yaml: no reasons to {', '.join(missing)}")
    read = {why: [_reason(why, row) for row in document[why]] for why in Why}
    return Reasons({why: {reason.code: reason for reason in reasons} for why, reasons in read.items()})


def _reason(why: Why, row: Mapping[str, Any]) -> Reason:
    if not all(row.get(field) for field in ("code", "zh", "en")):
        raise RuleDataError(f"reasons.yaml {why}: each reason has code, zh and en; see {row.get('code')}")
    pauses = tuple(row.get("pauses", ()))
    if unknown := [clock for clock in pauses if clock not in set(Clock)]:
        raise RuleDataError(f"reasons.yaml {why} {row['code']}: no clocks of ours: {', '.join(unknown)}")
    return Reason(row["code"], row["zh"], row["en"], pauses)
