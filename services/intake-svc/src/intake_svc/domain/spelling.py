"""Looking for something in a text whatever way it is written, and finding the place in the original again."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

# Left out of the copy that fields are looked for in: people type names and numbers with these between the characters.
_SEPARATORS = frozenset(" \t\r\n　-_.·•・‧—–―‐‑‒−~,，、/\\()（）[]【】「」“”\"'‘’*|:：;；")
_CHINESE_DIGITS = str.maketrans("〇零○一二三四五六七八九壹贰叁肆伍陆柒捌玖幺", "0001234567891234567891")


@dataclass(frozen=True, slots=True)
class Copy:
    """`text` is for matching; `origin[i]` is the place in the original of its i-th character."""

    text: str
    origin: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        return self.origin[start], self.origin[end - 1] + 1


def matching_copy(original: str) -> Copy:
    """NFKC, lower case, invisible characters gone; separators stay."""
    pieces = [_normal(character) for character in original]
    text = "".join(pieces)
    if len(text) == len(original) and "" not in pieces:  # one for one, as nearly always
        return Copy(text, range(len(text)))
    return Copy(text, [place for place, piece in enumerate(pieces) for _ in piece])


def bare_copy(copy: Copy) -> Copy:
    """The matching copy without separators."""
    kept = [place for place, piece in enumerate(copy.text) if piece not in _SEPARATORS]
    return Copy("".join([copy.text[place] for place in kept]), [copy.origin[place] for place in kept])


@lru_cache(maxsize=1024)  # one call asks for its few values many times
def bare(text: str) -> str:
    return "".join(piece for character in text for piece in _normal(character) if piece not in _SEPARATORS)


def with_plain_digits(text: str) -> str:
    """Chinese digits as Arabic ones, character by character, so that places stay the same."""
    return text.translate(_CHINESE_DIGITS)


def plain_copy(copy: Copy) -> Copy:
    return Copy(with_plain_digits(copy.text), copy.origin)


def spans_of(needle: str, copy: Copy) -> Iterable[tuple[int, int]]:
    """Every place in the original where `needle` (already bare) stands."""
    start = copy.text.find(needle) if needle else -1
    while start >= 0:
        yield copy.span(start, start + len(needle))
        start = copy.text.find(needle, start + len(needle))


def pattern_spans(pattern: re.Pattern[str], copy: Copy) -> Iterable[tuple[str, tuple[int, int]]]:
    for match in pattern.finditer(copy.text):
        yield match.group(), copy.span(match.start(), match.end())


@lru_cache(maxsize=16384)
def _normal(character: str) -> str:
    if unicodedata.category(character) in {"Cf", "Mn", "Cc"} and character not in "\n\r\t":
        return ""
    return unicodedata.normalize("NFKC", character).lower()
