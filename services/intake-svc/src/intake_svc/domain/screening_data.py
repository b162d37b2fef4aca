"""The data of the first screening, checked whole before anything runs on it."""

import re
from collections.abc import Mapping
from typing import Any

from intake_svc.domain.errors import RuleDataError
from intake_svc.domain.reading import Reading, TextRule
from intake_svc.domain.rule_data import (
    compiled,
    entries,
    expanded,
    listed,
    mapping,
    one_of,
    refuse_twins,
    refuse_unknown,
    text,
)
from intake_svc.domain.screening import CategoryRules, Effect, FieldRule, Outcome, Reason, ScreeningRules, WordRule

BLOCKS = frozenset(
    {
        *("X_CRIMINAL", "X_PUBLIC_SECURITY", "X_DV", "X_MINOR_HARM", "X_SELF_HARM", "X_PSYCH_CRISIS"),
        *("X_COURT_OR_ORGAN", "X_ADMIN_DISPUTE", "X_EXCLUSIVE", "X_REFUSED", "X_MASS", "X_TRAFFIC_ACCIDENT"),
    }
)
CATEGORIES = frozenset(
    {
        *("CRIMINAL", "PUBLIC_SECURITY", "TRAFFIC", "DISASTER", "URGENT_HELP", "DISPUTE", "NON_URGENT_HELP"),
        *("CONSULT", "COMPLAINT_POLICE", "COMPLAINT_GOV", "DUPLICATE", "INVALID", "OTHER", "UNMAPPED"),
    }
)


def screening_rules(data: Mapping[str, Any]) -> ScreeningRules:
    """Raises RuleDataError on the first entry that cannot be used."""
    known = {"version", "policy", "vocabulary", "reading", "words", "fields", "categories", "on_failure"}
    refuse_unknown(data, known, "screening")
    vocabulary = _vocabulary(mapping(data, "vocabulary", "screening"))
    words = entries(data, "words", lambda entry, at: _word_rule(entry, at, vocabulary))
    fields = entries(data, "fields", _field_rule)
    refuse_twins([*(rule.id for rule in words), *(rule.id for rule in fields)])
    return ScreeningRules(
        version=text(data, "version", "screening"),
        reading=_reading(mapping(data, "reading", "screening"), vocabulary),
        words=words,
        fields=fields,
        categories=_categories(mapping(data, "categories", "screening")),
        on_failure=_effect(mapping(data, "on_failure", "screening"), "on_failure"),
    )


def _vocabulary(data: Mapping[str, Any]) -> dict[str, str]:
    ready: dict[str, str] = {}
    for name, words in data.items():
        at = f"vocabulary.{name}"
        if not isinstance(words, str):
            raise RuleDataError(f"{at}: must be text")
        ready[str(name)] = expanded(words, at, ready)
    return ready


def _reading(data: Mapping[str, Any], vocabulary: Mapping[str, str]) -> Reading:
    def lines(key: str, tail: str = "") -> re.Pattern[str]:
        pattern = compiled(listed(data, key, "reading"), f"reading.{key}", vocabulary)
        return re.compile(f"(?:{pattern.pattern}){tail}")

    refuse_unknown(data, {"idioms", "negation", "long_past", "asking"}, "reading")
    return Reading(lines("idioms"), lines("negation", "[^_]{0,1}$"), lines("long_past"), lines("asking"))


def _word_rule(data: Mapping[str, Any], at: str, vocabulary: Mapping[str, str]) -> WordRule:
    refuse_unknown(data, {"id", "any", "unless", "past", "negation", "firm", "then"}, at)
    unless = data.get("unless")
    past, negation = data.get("past", "softens"), data.get("negation", "counts")
    one_of(past, {"softens", "skips"}, f"{at}.past")
    one_of(negation, {"counts", "ignored"}, f"{at}.negation")
    words = TextRule(
        pattern=compiled(listed(data, "any", at), f"{at}.any", vocabulary),
        unless=compiled(unless, f"{at}.unless", vocabulary) if unless else None,
        ignores_past=past == "skips",
        ignores_negation=negation == "ignored",
    )
    return WordRule(text(data, "id", at), words, _effect(mapping(data, "then", at), at), firm=bool(data.get("firm")))


def _field_rule(data: Mapping[str, Any], at: str) -> FieldRule:
    refuse_unknown(data, {"id", "field", "equals", "filled_unless", "then"}, at)
    equals, empty = data.get("equals"), data.get("filled_unless")
    if (equals is None) == (empty is None):
        raise RuleDataError(f"{at}: needs exactly one of equals, filled_unless")
    return FieldRule(
        id=text(data, "id", at),
        field=text(data, "field", at),
        effect=_effect(mapping(data, "then", at), at),
        equals=frozenset(str(value).lower() for value in equals) if equals is not None else None,
        empty_values=frozenset(str(value).lower() for value in empty or ()),
    )


def _categories(data: Mapping[str, Any]) -> CategoryRules:
    refuse_unknown(data, {"sources", "effects"}, "categories")
    sources: dict[str, dict[str, str]] = {}
    for source, table in mapping(data, "sources", "categories").items():
        for code, category in table.items():
            if not isinstance(code, str):
                raise RuleDataError(f"categories.sources.{source}: quote the code {code!r}, or leading zeros are lost")
            one_of(category, CATEGORIES, f"categories.sources.{source}.{code}")
        sources[str(source)] = dict(table)
    effects = {}
    for category, effect in mapping(data, "effects", "categories").items():
        at = f"categories.effects.{category}"
        one_of(category, CATEGORIES, at)
        effects[str(category)] = _effect(effect, at)
    if "UNMAPPED" not in effects:
        raise RuleDataError("categories.effects: UNMAPPED must lead to a person")
    return CategoryRules(sources, effects)


def _effect(data: Mapping[str, Any], at: str) -> Effect:
    refuse_unknown(data, {"outcome", "block", "zh", "en"}, f"{at}.then")
    outcome = text(data, "outcome", at)
    one_of(outcome, {Outcome.AWAITING_SCREENER.value, Outcome.RETAINED_BY_POLICE.value}, f"{at}.outcome")
    block = data.get("block")
    if block is not None:
        one_of(block, BLOCKS, f"{at}.block")
    return Effect(Outcome(outcome), block, Reason(text(data, "zh", at), text(data, "en", at)))
