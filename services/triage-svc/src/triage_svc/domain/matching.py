"""What a rule of any kind may ask of a text: words, words beside them, words that forbid it, or a pattern."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Generic, TypeVar

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Reading:
    """A matching copy, and which words of the rules stand in it."""

    text: str
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds where one of `words` or `pattern` stands, with one of `beside` if any are named, and none of `without`.

    A pattern's hit is told by its label: what it matched may be a name. `at_least` and `below` bound its first group.
    """

    words: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    label: str = ""
    at_least: int | None = None
    below: int | None = None
    _words: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_words", frozenset(self.words))

    def hits(self, reading: Reading) -> tuple[str, ...]:
        found: tuple[str, ...] = ()
        if not self._words.isdisjoint(reading.words):
            found = tuple(word for word in self.words if word in reading.words)
        elif self.pattern is not None and self._number_fits(reading.text):
            found = (self.label,)
        if not found or not (self.beside or self.without):
            return found
        beside = next((word for word in self.beside if word in reading.words), None)
        if (self.beside and beside is None) or not reading.words.isdisjoint(self.without):
            return ()
        return (*found, beside) if beside else found

    def _number_fits(self, text: str) -> bool:
        assert self.pattern is not None
        if self.at_least is None and self.below is None:
            return self.pattern.search(text) is not None
        numbers = (int(match.group(1)) for match in self.pattern.finditer(text))
        return any(
            (self.at_least is None or number >= self.at_least) and (self.below is None or number < self.below)
            for number in numbers
        )


@dataclass(frozen=True, slots=True)
class ByWord(Generic[R]):
    """Rules with their conditions; of many rules few can hold on a text: those of its words, and those by a pattern."""

    rules: tuple[R, ...]
    _of_word: Mapping[str, tuple[int, ...]]
    _of_pattern: frozenset[int]

    @classmethod
    def of(cls, rules: Sequence[R], condition_of: Callable[[R], Condition]) -> ByWord[R]:
        of_word: dict[str, list[int]] = {}
        for place, rule in enumerate(rules):
            for word in condition_of(rule).words:
                of_word.setdefault(word, []).append(place)
        patterned = (place for place, rule in enumerate(rules) if condition_of(rule).pattern is not None)
        return cls(tuple(rules), {word: tuple(places) for word, places in of_word.items()}, frozenset(patterned))

    def that_may_hold(self, reading: Reading) -> list[R]:
        """In the order of the rules."""
        places = set(self._of_pattern)
        for word in reading.words:
            places.update(self._of_word.get(word, ()))
        return [self.rules[place] for place in sorted(places)]


class Vocabulary:
    """Every word of the rules, by its first two characters: one walk over a text finds all that stand in it."""

    def __init__(self, conditions: Iterable[Condition], simplified: Mapping[int, str]) -> None:
        self._simplified = simplified
        self._by_start: dict[str, list[str]] = {}
        for word in sorted({word for one in conditions for word in (*one.words, *one.beside, *one.without)}):
            self._by_start.setdefault(word[:2], []).append(word)

    def read(self, text: str) -> Reading:
        copy = matching_copy(text, self._simplified)
        starts = {first + second for first, second in pairwise(copy)}.union(copy)
        found = (word for start in starts & self._by_start.keys() for word in self._by_start[start])
        return Reading(copy, frozenset(word for word in found if len(word) <= 2 or word in copy))


def matching_copy(text: str, simplified: Mapping[int, str]) -> str:
    """Width and case folded, traditional characters made simple, blanks gone. Never stored, never shown."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return "".join(folded.split()).translate(simplified)
