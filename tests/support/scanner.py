"""Looks for planted values in anything that can be read as text, however they are spelled.

Needles and texts are folded alike: full-width and Chinese digits become plain ones, escapes are undone, and whatever
stands between letters and digits goes, so that `１８６-１２３４ ５６７８` is found by the needle `18612345678`.
It shares nothing with the masking that it judges.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Scanned = tuple[str, str]
"""Where it stands, and what stands there."""

START = 3
_CHINESE_DIGITS = str.maketrans("〇零○一二三四五六七八九幺", "0001234567891")
_BETWEEN = re.compile(r"[\W_]+")
_UNICODE_ESCAPES = re.compile(r"(?:\\+u[0-9a-fA-F]{4})+")
_BYTE_ESCAPES = re.compile(r"(?:\\+x[0-9a-fA-F]{2}|%[0-9a-fA-F]{2})+")
_COUNTRY = re.compile(r"^\s*(?:[+＋]|00)\s*(?:86|８６)")
_ADDRESS_TAIL = re.compile(r"\d+(?:支弄|弄|号楼|号|幢|栋|座|单元|楼|室)(?=.*\d)")


@dataclass(frozen=True)
class Hit:
    where: str
    label: str
    near: str

    def __str__(self) -> str:
        return f"{self.label} in {self.where}: …{self.near}…"


def folded(text: str) -> str:
    text = _UNICODE_ESCAPES.sub(lambda found: _decoded(found, "utf-16-be"), text)
    text = _BYTE_ESCAPES.sub(lambda found: _decoded(found, "utf-8"), text)
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", text)).translate(_CHINESE_DIGITS).lower()


def _decoded(escapes: re.Match[str], encoding: str) -> str:
    digits = re.sub(r"[\\ux%]", "", escapes.group())
    return bytes.fromhex(digits).decode(encoding, errors="replace")


def needles_of(value: str) -> set[str]:
    """The value itself; a phone without the country's code; an address without its front and without its last word."""
    found = {folded(value), folded(_COUNTRY.sub("", value))}
    plain = unicodedata.normalize("NFKC", value)
    if tail := _ADDRESS_TAIL.search(plain):
        found.add(folded(plain[tail.start() :].removesuffix("室")))
    return found


class Scanner:
    """`planted` gives each value a label, by which hits name it."""

    def __init__(self, planted: Mapping[str, str]) -> None:
        self._by_start: dict[str, dict[str, str]] = defaultdict(dict)
        for value, label in planted.items():
            for needle in needles_of(value):
                assert len(needle) >= START, f"{value!r} would be found anywhere"
                self._by_start[needle[:START]][needle] = label

    def hits(self, where: str, text: str) -> list[Hit]:
        inside = folded(text)
        starts = {inside[at : at + START] for at in range(len(inside) - START + 1)}
        found = []
        for start in starts & self._by_start.keys():
            for needle, label in self._by_start[start].items():
                if (at := inside.find(needle)) >= 0:
                    found.append(Hit(where, label, inside[max(0, at - 20) : at + len(needle) + 20]))
        return found

    async def scan(self, texts: AsyncIterator[Scanned], report: Report) -> None:
        async for where, text in texts:
            report.add(where, self.hits(where, text))


@dataclass
class Report:
    """How many texts were read at each place, and what was found in them."""

    texts: Counter[str] = field(default_factory=Counter)
    hits: list[Hit] = field(default_factory=list)

    def add(self, where: str, hits: Iterable[Hit]) -> None:
        self.texts[where] += 1
        self.hits += hits


def text_of(value: Any) -> str:
    """Whatever a driver gives for a column, header or key: bytes are decoded as far as they can be."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", errors="replace")
    if isinstance(value, Mapping):
        return " ".join(f"{key} {text_of(inner)}" for key, inner in value.items())
    if not isinstance(value, str) and isinstance(value, Iterable):
        return " ".join(map(text_of, value))
    return str(value)
