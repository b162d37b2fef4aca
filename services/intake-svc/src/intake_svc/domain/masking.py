"""What names a person in a narrative is replaced by typed tokens before the text leaves intake (DESIGN §4).

Two kinds of things are found: the values that came as fields of the same call, in whatever way they are repeated,
and numbers that are personal by their form. A person named in free text alone is not found yet.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from chassis.patterns import begun_well

from intake_svc.domain.addresses import address_parts, house_runs
from intake_svc.domain.fields import as_text
from intake_svc.domain.looks import kind_by_look
from intake_svc.domain.spelling import (
    Copy,
    bare,
    bare_copy,
    matching_copy,
    pattern_spans,
    plain_copy,
    spans_of,
    with_plain_digits,
)

KINDS = frozenset({"NAME", "PHONE", "ID", "ADDRESS", "NUMBER", "CARD", "PLATE", "EMAIL"})

_GAP = r"[ \-_.·•‧—–―‐‑−~/\u3000]{0,2}"
_ALONE, _END = r"(?<![0-9])", r"(?![0-9])"


def _grouped(*digits: str) -> str:
    """The digits with whatever people put between groups of them."""
    return _GAP.join(digits)


_MOBILE = rf"(?:(?:\+|00)?{_grouped('8', '6')}{_GAP})?" + _grouped("1", "[3-9]", *["[0-9]"] * 9)
_LANDLINE = rf"\(?0[0-9]{{2,3}}\)?{_GAP}" + _grouped("[2-9]", *["[0-9]"] * 6) + rf"(?:{_GAP}[0-9])?"
_EXTENSION = r"(?:[ \-]?(?:转|分机|ext\.?)[ \-]?[0-9]{1,6})?"
_LOCAL = r"(?!20[0-4][0-9][01][0-9])[2-9][0-9]{3}[ \-]?[0-9]{4}(?![0-9元万块.])"
_BORN = ["[1-9]", *["[0-9]"] * 5, "(?:1[89]|20)", "[0-9]", "[0-9]", "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])"]
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"

# In this order: the longer form first, so that a phone is not found inside an ID or card number.
PATTERNS: Mapping[str, re.Pattern[str]] = {
    "EMAIL": re.compile(r"[a-z0-9][a-z0-9._%+\-]{0,63}@[a-z0-9][a-z0-9\-]{0,62}(?:\.[a-z0-9\-]{1,62}){1,4}"),
    "ID": re.compile(_ALONE + _grouped(*_BORN, "[0-9]", "[0-9]", "[0-9]", "[0-9x]") + _END),
    "CARD": re.compile(_ALONE + rf"[1-9](?:{_GAP}[0-9]){{14,18}}" + _END),
    "PHONE": begun_well(_ALONE + rf"(?:{_MOBILE}|{_LANDLINE}){_END}{_EXTENSION}|" + _ALONE + _LOCAL + _EXTENSION),
    "PLATE": re.compile(f"[{_PROVINCES}][a-hj-np-z][ ·.\\-]?[0-9a-hj-np-z]{{4,5}}[0-9a-hj-np-z挂学警港澳](?![0-9a-z])"),
}


@dataclass(frozen=True, slots=True)
class MaskingRules:
    """Which fields are personal and of what type; `no_names` are values that name nobody."""

    version: str
    fields: Mapping[str, str]
    unknown_fields: Mapping[str, str]
    not_personal: frozenset[str]
    no_names: frozenset[str]
    surnames: frozenset[str]

    def kind_of(self, name: str, value: str) -> str | None:
        """By the field's name; of a field that nobody knows by the end of its name, else by the look of its value."""
        if name in self.fields:
            return self.fields[name]
        low = name.lower()
        if low in self.not_personal:
            return None
        stem = low.rstrip("0123456789_")
        ends = (low, stem, stem.removesuffix("s"))
        found = (kind for end, kind in self.unknown_fields.items() if any(one.endswith(end) for one in ends))
        return next(found, None) or kind_by_look(value, self.surnames)


@dataclass(frozen=True, slots=True)
class Masked:
    text: str
    tokens: tuple[str, ...]


@dataclass(slots=True)
class _Tokens:
    """Same value, same token; numbered per type in the order of the text."""

    spans: list[tuple[int, int, str, str]] = field(default_factory=list)

    def claim(self, span: tuple[int, int], kind: str, value: str) -> None:
        """Earlier claims win; what overlaps one widens it, so that no end of a longer spelling sticks out."""
        start, end = span
        for position, (other_start, other_end, other_kind, other_value) in enumerate(self.spans):
            if start < other_end and other_start < end:
                self.spans[position] = (min(start, other_start), max(end, other_end), other_kind, other_value)
                return
        self.spans.append((start, end, kind, value))

    def replaced(self, text: str) -> Masked:
        names: dict[tuple[str, str], str] = {}
        counts: dict[str, int] = {}
        pieces: list[str] = []
        done = 0
        for start, end, kind, value in sorted(self.spans):
            if (kind, value) not in names:
                counts[kind] = counts.get(kind, 0) + 1
                names[kind, value] = f"[{kind}_{counts[kind]}]"
            pieces.append(text[done : max(start, done)] + names[kind, value] if end > done else "")
            done = max(end, done)
        pieces.append(text[done:])
        return Masked("".join(pieces), tuple(names.values()))


def mask(narrative: str, fields: Mapping[str, object], rules: MaskingRules) -> Masked:
    """The narrative with tokens in the place of persons, numbers and addresses."""
    known = list(dict.fromkeys(personal_values(fields, rules)))
    tokens = _Tokens()
    copy = plain_copy(matching_copy(narrative))
    without_separators = bare_copy(copy)
    for kind, value in known:
        for needle in _needles(kind, value):
            for span in spans_of(needle, without_separators):
                tokens.claim(span, kind, _identity(kind, value))
    for value in (value for kind, value in known if kind == "ADDRESS"):
        for _, span in house_runs(value, without_separators):
            tokens.claim(span, "ADDRESS", _identity("ADDRESS", value))
    _claim_numbers(copy, tokens)
    return tokens.replaced(narrative)


def _claim_numbers(copy: Copy, tokens: _Tokens) -> None:
    for kind, pattern in PATTERNS.items():
        for found, span in pattern_spans(pattern, copy):
            tokens.claim(span, kind, _identity(kind, found))
    for run, span in house_runs(None, copy):
        tokens.claim(span, "ADDRESS", run)


def personal_values(fields: Mapping[str, object], rules: MaskingRules) -> Iterable[tuple[str, str]]:
    """(type, value) of every field that names a person, rows and lists of people inside the call included."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from personal_values(value, rules)
        elif isinstance(value, list | tuple):
            for row in value:
                yield from personal_values(row if isinstance(row, Mapping) else {name: row}, rules)
        elif (text := as_text(value)) and (kind := rules.kind_of(name, text)) and _names_someone(kind, text, rules):
            yield kind, text


def _names_someone(kind: str, value: str, rules: MaskingRules) -> bool:
    plain = bare(value)
    if kind == "NAME":
        return len(plain) > 1 and plain not in rules.no_names
    return len(plain) > (3 if kind in {"PHONE", "ID", "NUMBER"} else 2)


def _needles(kind: str, value: str) -> list[str]:
    """What to look for, digits plain, longest first: a short form must not cut a long one in two."""
    plain = with_plain_digits(bare(value))
    if kind == "PHONE":
        number = phone_number(value)
        return sorted({plain, *(f"{prefix}{number}" for prefix in ("", "86", "+86", "0086"))}, key=len, reverse=True)
    if kind == "ADDRESS":
        parts = {part for part in address_parts(value) if len(part) > 3}
        return sorted({*parts, plain}, key=len, reverse=True)
    return [plain]


def phone_number(value: str) -> str:
    """Digits alone, without the country's code; what is no number stays as it is."""
    digits = re.sub(r"[^0-9]", "", with_plain_digits(bare(value)))
    for prefix in ("0086", "86"):
        if digits.startswith(prefix) and len(digits) - len(prefix) == 11:
            return digits[len(prefix) :]
    return digits or bare(value)


def _identity(kind: str, value: str) -> str:
    return phone_number(value) if kind == "PHONE" else bare(value)
