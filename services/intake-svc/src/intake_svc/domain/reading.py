"""How a narrative is read for screening: normal form, idioms that mean something else, negation, long ago, asking."""

import re
import unicodedata
from dataclasses import dataclass

_SPACES = re.compile(r"\s+")
_CLAUSE_ENDS = "。！？；，："
# NFKC turns most Chinese punctuation into ASCII; rule data is written in Chinese punctuation.
_PUNCTUATION = str.maketrans(",;:!?", "，；：！？")
_BLANK = "\N{FULLWIDTH LOW LINE}"


@dataclass(frozen=True, slots=True)
class Reading:
    """Rule data that holds for every rule: all of it compiled once at load."""

    idioms: re.Pattern[str]
    negation: re.Pattern[str]
    long_past: re.Pattern[str]
    asking: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Page:
    text: str
    is_asking: bool
    reading: Reading

    def clause(self, start: int, end: int) -> tuple[str, str]:
        """The clause before the match, and the whole clause it stands in."""
        begins = max((self.text.rfind(mark, 0, start) for mark in _CLAUSE_ENDS), default=-1) + 1
        ends = min((at for mark in _CLAUSE_ENDS if (at := self.text.find(mark, end)) >= 0), default=len(self.text))
        return self.text[begins:start], self.text[begins:ends]


@dataclass(frozen=True, slots=True)
class Hit:
    matched: str
    is_past: bool


@dataclass(frozen=True, slots=True)
class TextRule:
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None = None
    ignores_past: bool = False
    ignores_negation: bool = False

    def find(self, page: Page) -> Hit | None:
        """The first match that is neither denied nor, where the rule says so, long past."""
        if self.pattern.search(page.text) is None:
            return None  # most rules on most texts: blanking takes matches away and adds none
        text = self.unless.sub(_blank, page.text) if self.unless else page.text
        past: Hit | None = None
        for match in self.pattern.finditer(text):
            before, clause = page.clause(match.start(), match.end())
            if not self.ignores_negation and page.reading.negation.search(before[-8:]):
                continue
            if not page.reading.long_past.search(clause):
                return Hit(match.group(), is_past=False)
            past = past or Hit(match.group(), is_past=True)
        return None if self.ignores_past else past


def read(text: str, reading: Reading) -> Page:
    normal = _SPACES.sub("", unicodedata.normalize("NFKC", text)).translate(_PUNCTUATION).lower()
    return Page(reading.idioms.sub(_blank, normal), reading.asking.search(normal) is not None, reading)


def _blank(match: re.Match[str]) -> str:
    return _BLANK * len(match.group())
