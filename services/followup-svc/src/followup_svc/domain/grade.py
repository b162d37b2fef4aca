"""The risk grades one after the other (DOMAIN §4.3): append-only, stated by triage alone."""

from dataclasses import dataclass, replace
from datetime import datetime

GRAVITY = ("blue", "yellow", "orange", "red")
BARS_CLOSING = frozenset({"red", "orange"})


def graver(one: str | None, other: str | None) -> str | None:
    """The graver of the two; nothing known is graver than nothing."""
    known = [grade for grade in (one, other) if grade is not None]
    return max(known, key=GRAVITY.index) if known else None


@dataclass(frozen=True, slots=True)
class GradeHistory:
    entries: tuple[tuple[datetime, str], ...] = ()

    @property
    def present(self) -> str | None:
        return self.entries[-1][1] if self.entries else None

    def graded(self, grade: str, *, at: datetime) -> "GradeHistory":
        """A grade said again adds nothing."""
        return self if grade == self.present else replace(self, entries=(*self.entries, (at, grade)))

    def at(self, instant: datetime) -> str | None:
        """The grade that stood then; the first one for an instant before any was known."""
        standing = [grade for at, grade in self.entries if at <= instant]
        return standing[-1] if standing else (self.entries[0][1] if self.entries else None)

    def gravest_since(self, instant: datetime) -> tuple[datetime, str] | None:
        """The gravest grade from an instant on, with when it was first reached; what stood then counts from then."""
        standing = self.at(instant)
        if standing is None:
            return None
        found = (instant, standing)
        for at, grade in self.entries:
            if at > instant and GRAVITY.index(grade) > GRAVITY.index(found[1]):
                found = (at, grade)
        return found
