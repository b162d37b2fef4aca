"""A window of heads by slices of ten seconds, each added up: what was compared before and stands as it stood is not
listed again.

The window of a comparison reaches ten minutes back, for transactions that commit late (DELIVERY §5), and is asked for
every minute: without sums each stream would be listed eleven times by every consumer. A stream that changes leaves its
slice for a newer one, so both differ. A position never goes back but with its whole database, and `comparison` with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

SLICE = timedelta(seconds=10)

Sums: TypeAlias = tuple[int, int, int]
Span: TypeAlias = tuple[datetime, datetime | None]
"""From an instant on, up to another one, or to the end."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Slices:
    """`sums` by the beginning of a slice: its streams, their heads, and of the events there three bytes of each id."""

    since: datetime
    sums: Mapping[datetime, Sums]
    loss: int
    as_of: datetime
    adopted: int


def slice_of(column: str) -> str:
    """The beginning of the slice: SQL."""
    return f"date_bin('{SLICE.seconds} seconds', {column}, to_timestamp(0))"


def beginning(at: datetime) -> datetime:
    """Of the slice in which an instant lies."""
    return at - (at - _EPOCH) % SLICE


class AlreadyCompared:
    """The slices of each producer as they were when they had been compared, in this process alone."""

    def __init__(self) -> None:
        self._noted: dict[str, Slices] = {}

    def left_in(self, slices: Slices, producer: str, *, succeeded_at: datetime) -> list[Span]:
        """What is still to be listed, and always from the newest slice on. `succeeded_at` is what the database says of
        the last comparison: when that is older than the one remembered here, the positions may be older too.
        """
        noted = self._noted.get(producer)
        known = noted.sums if noted and succeeded_at >= noted.as_of else {}
        begins = sorted(slices.sums) or [slices.since]
        spans: list[Span] = []
        for begin in begins[:-1]:
            if slices.sums[begin] == known.get(begin):
                continue
            end = begin + SLICE
            if spans and spans[-1][1] == begin:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((begin, end))
        return [*spans, (begins[-1], None)]

    def note(self, producer: str, slices: Slices | None) -> None:
        """Their lacks are kept; without slices nothing is known any more."""
        if slices is None:
            self._noted.pop(producer, None)
        else:
            self._noted[producer] = slices
