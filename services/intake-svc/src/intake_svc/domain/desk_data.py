"""The data people work with: blocks, the reasons they are offered, how sources confirm, and clocks. Checked at load."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chassis.workdays import Span, SpanRefused

from intake_svc.domain.blocks import RETAINED, BlockKind, BlockRules
from intake_svc.domain.decisions import Decision, DecisionRules
from intake_svc.domain.errors import RuleDataError
from intake_svc.domain.feedback import Confirms, SourceProfiles
from intake_svc.domain.rule_data import mapping, one_of, refuse_unknown, text
from intake_svc.domain.screening_data import BLOCKS

REASONED = (*(decision.value for decision in Decision), "block", "lift", "waive")
CLOCKS = frozenset({"screen", "retained", "return_answer", "feedback"})
_REASON = re.compile(r"[a-z][a-z0-9_]{0,63}")
_BODY = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class ClockRules:
    version: str
    spans: Mapping[str, str]

    def rule(self, clock: str) -> str:
        return f"intake.{clock}@{self.version}"


@dataclass(frozen=True, slots=True)
class DeskRules:
    """What people, sources and clocks go by."""

    blocks: BlockRules
    decisions: DecisionRules
    sources: SourceProfiles
    clocks: ClockRules


def block_rules(data: Mapping[str, Any]) -> BlockRules:
    """Raises RuleDataError on the first entry that cannot be used; every code that screening finds must stand here."""
    refuse_unknown(data, {"version", "policy", "kinds"}, "blocks")
    kinds = {code: _kind(code, entry) for code, entry in mapping(data, "kinds", "blocks").items()}
    if missing := sorted((BLOCKS | {RETAINED}) - kinds.keys()):
        raise RuleDataError(f"blocks.kinds: missing {', '.join(missing)}")
    return BlockRules(text(data, "version", "blocks"), kinds)


def decision_rules(data: Mapping[str, Any]) -> DecisionRules:
    """Raises RuleDataError on the first entry that cannot be used."""
    refuse_unknown(data, {"version", "policy", "reasons", "bodies"}, "decisions")
    reasons = mapping(data, "reasons", "decisions")
    refuse_unknown(reasons, set(REASONED), "decisions.reasons")
    return DecisionRules(
        text(data, "version", "decisions"),
        {what: _texts(mapping(reasons, what, "decisions.reasons"), f"decisions.reasons.{what}", _REASON)
         for what in REASONED},
        _texts(mapping(data, "bodies", "decisions"), "decisions.bodies", _BODY),
    )  # fmt: skip


def source_profiles(data: Mapping[str, Any]) -> SourceProfiles:
    """Raises RuleDataError on the first entry that cannot be used."""
    refuse_unknown(data, {"version", "default", "sources"}, "sources")
    confirming = {way.value for way in Confirms}
    default = text(data, "default", "sources")
    one_of(default, confirming, "sources.default")
    profiles: dict[str, Confirms] = {}
    for source, profile in mapping(data, "sources", "sources").items():
        at = f"sources.{source}"
        if not isinstance(profile, Mapping):
            raise RuleDataError(f"{at}: must be a mapping")
        refuse_unknown(profile, {"confirms"}, at)
        way = text(profile, "confirms", at)
        one_of(way, confirming, f"{at}.confirms")
        profiles[str(source)] = Confirms(way)
    return SourceProfiles(text(data, "version", "sources"), profiles, Confirms(default))


def clock_rules(data: Mapping[str, Any]) -> ClockRules:
    """Raises RuleDataError on the first entry that cannot be used."""
    refuse_unknown(data, {"version", "policy", "clocks"}, "clocks")
    spans = mapping(data, "clocks", "clocks")
    refuse_unknown(spans, set(CLOCKS), "clocks.clocks")
    for clock in sorted(CLOCKS):
        try:
            Span.parse(text(spans, clock, "clocks.clocks"))
        except SpanRefused as error:
            raise RuleDataError(f"clocks.clocks.{clock}: {error}") from None
    return ClockRules(text(data, "version", "clocks"), dict(spans))


def _kind(code: str, data: Any) -> BlockKind:
    at = f"blocks.kinds.{code}"
    if not re.fullmatch(r"X_[A-Z_]{1,40}", code) or not isinstance(data, Mapping):
        raise RuleDataError(f"{at}: X_ and capitals, with a mapping")
    refuse_unknown(data, {"police_only", "zh", "en", "basis"}, at)
    if not isinstance(data.get("police_only"), bool):
        raise RuleDataError(f"{at}.police_only: true or false")
    return BlockKind(code, data["police_only"], text(data, "zh", at), text(data, "en", at), text(data, "basis", at))


def _texts(data: Mapping[str, Any], at: str, form: re.Pattern[str]) -> dict[str, tuple[str, str]]:
    texts = {}
    for code, entry in data.items():
        if not isinstance(code, str) or not form.fullmatch(code) or not isinstance(entry, Mapping):
            raise RuleDataError(f"{at}.{code}: a code in small letters (numbers quoted), with zh and en")
        refuse_unknown(entry, {"zh", "en"}, f"{at}.{code}")
        texts[code] = (text(entry, "zh", f"{at}.{code}"), text(entry, "en", f"{at}.{code}"))
    if not texts:
        raise RuleDataError(f"{at}: none is offered")
    return texts
