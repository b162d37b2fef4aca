"""What a rule of any kind may ask of a text: words, words beside them, words that forbid it, or a pattern."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass


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

    def hits(self, text: str) -> tuple[str, ...]:
        found = tuple([word for word in self.words if word in text])
        if not found and self.pattern is not None and self._number_fits(text):
            found = (self.label,)
        if not found or (not self.beside and not self.without):
            return found
        beside = next((word for word in self.beside if word in text), None)
        if (self.beside and beside is None) or any(word in text for word in self.without):
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


def matching_copy(text: str, simplified: Mapping[int, str]) -> str:
    """Width and case folded, traditional characters made simple, blanks gone. Never stored, never shown."""
    folded = unicodedata.normalize("NFKC", text).lower()
    return "".join(folded.split()).translate(simplified)
