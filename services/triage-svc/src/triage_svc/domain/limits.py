"""How long each step may take (DOMAIN §4.2): spans as text, by grade or category, from rule data."""

from collections.abc import Mapping
from dataclasses import dataclass

from triage_svc.domain.states import Clock


@dataclass(frozen=True, slots=True)
class Limits:
    """A table per clock; where a grade or category is not named its `default` holds."""

    rule: str
    spans: Mapping[Clock, Mapping[str, str]]

    def span(self, clock: Clock, *, grade: str, category: str) -> str:
        table = self.spans[clock]
        return table.get(grade) or table.get(category) or table["default"]
