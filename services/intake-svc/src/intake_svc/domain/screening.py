"""The first screening: rule data applied to the facts of one call. Anything doubtful goes to people, never back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from intake_svc.domain.reading import Reading, TextRule, read


class Outcome(StrEnum):
    REFER = "referred"
    AWAITING_SCREENER = "awaiting_screener"
    RETAINED_BY_POLICE = "retained_by_police"


_GRAVITY = {Outcome.REFER: 0, Outcome.AWAITING_SCREENER: 1, Outcome.RETAINED_BY_POLICE: 2}


@dataclass(frozen=True, slots=True)
class Reason:
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that fired. `matched` quotes the call and therefore never leaves memory but through the CLI."""

    rule: str
    outcome: Outcome
    block: str | None
    reason: Reason
    matched: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    outcome: Outcome
    block: str | None
    reason: Reason

    def finding(self, rule: str, matched: str, *, outcome: Outcome | None = None) -> Finding:
        return Finding(rule, outcome or self.outcome, self.block, self.reason, matched)


@dataclass(frozen=True, slots=True)
class WordRule:
    """A text pattern with its effect; `firm` ones do not soften when the caller only asks or tells of long ago."""

    id: str
    text: TextRule
    effect: Effect
    firm: bool = False


@dataclass(frozen=True, slots=True)
class FieldRule:
    id: str
    field: str
    effect: Effect
    equals: frozenset[str] | None = None
    empty_values: frozenset[str] = frozenset()

    def matched(self, facts: "CallFacts") -> str | None:
        value = facts.fields.get(self.field)
        text = "" if value is None else value.strip().lower()
        if self.equals is not None:
            return text if text in self.equals else None
        return text if text and text not in self.empty_values else None


@dataclass(frozen=True, slots=True)
class CategoryRules:
    """Source codes mapped to our enum (DOMAIN §3.6). An unknown code is UNMAPPED, never a silent default."""

    by_source: Mapping[str, Mapping[str, str]]
    effects: Mapping[str, Effect]
    unmapped: str = "UNMAPPED"

    def category(self, source: str, codes: tuple[str, ...]) -> str | None:
        """The most specific known code wins; `codes` come from leaf to class."""
        if not codes:
            return None
        known = self.by_source.get(source, self.by_source.get("*", {}))
        return next((known[code] for code in codes if code in known), self.unmapped)


@dataclass(frozen=True, slots=True)
class CallFacts:
    text: str
    source: str = ""
    fields: Mapping[str, str | None] = field(default_factory=dict)
    category_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Screening:
    outcome: Outcome
    rule_version: str
    findings: tuple[Finding, ...] = ()
    category: str | None = None

    @property
    def blocks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(found.block for found in self.findings if found.block))

    @property
    def sure_blocks(self) -> tuple[str, ...]:
        """Those that need no person's look; the others are suspicions, which whoever screens the call clears."""
        sure = (found.block for found in self.findings if found.outcome is Outcome.RETAINED_BY_POLICE)
        return tuple(dict.fromkeys(block for block in sure if block))

    def news_in(self, later: "Screening") -> tuple[Finding, ...]:
        """Findings with a block by rules that had found nothing before: what was looked at is not raised again."""
        known = {found.rule for found in self.findings}
        return tuple(found for found in later.findings if found.block and found.rule not in known)

    def held_for(self, finding: Finding) -> "Screening":
        """The same screening with one more reason that needs a person."""
        return Screening(
            _gravest([*self.findings, finding]), self.rule_version, (*self.findings, finding), self.category
        )


@dataclass(frozen=True, slots=True)
class ScreeningRules:
    version: str
    reading: Reading
    words: tuple[WordRule, ...]
    fields: tuple[FieldRule, ...]
    categories: CategoryRules
    on_failure: Effect

    def screen(self, facts: CallFacts) -> Screening:
        findings: list[Finding] = []
        category: str | None = None
        try:
            category = self.categories.category(facts.source, facts.category_codes)
            effect = self.categories.effects.get(category) if category else None
            if effect is not None:
                findings.append(effect.finding(f"category.{category}", str(category)))
        except Exception:  # a rule that breaks must not lose the call: a person looks at it
            findings.append(self.on_failure.finding("category", ""))
        findings += self._fields(facts) + self._words(facts)
        return Screening(_gravest(findings), self.version, tuple(findings), category)

    def _fields(self, facts: CallFacts) -> list[Finding]:
        found: list[Finding] = []
        for rule in self.fields:
            try:
                matched = rule.matched(facts)
            except Exception:  # as above
                found.append(self.on_failure.finding(rule.id, ""))
                continue
            if matched is not None:
                found.append(rule.effect.finding(rule.id, matched))
        return found

    def _words(self, facts: CallFacts) -> list[Finding]:
        found: list[Finding] = []
        try:
            page = read(facts.text, self.reading)
        except Exception:  # as above
            return [self.on_failure.finding("text", "")]
        for rule in self.words:
            try:
                hit = rule.text.find(page)
            except Exception:  # as above
                found.append(self.on_failure.finding(rule.id, ""))
                continue
            if hit is None:
                continue
            softened = not rule.firm and (page.is_asking or hit.is_past)
            outcome = Outcome.AWAITING_SCREENER if softened else rule.effect.outcome
            found.append(rule.effect.finding(rule.id, hit.matched, outcome=outcome))
        return found


def _gravest(findings: list[Finding]) -> Outcome:
    return max((found.outcome for found in findings), key=_GRAVITY.__getitem__, default=Outcome.REFER)
