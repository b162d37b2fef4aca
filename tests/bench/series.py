"""What the plots are drawn from: figures by second, of the last run of each subject."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

Points = list[tuple[float, float]]


def quantile(values: Iterable[float], share: float) -> float:
    """The smallest value that so many do not exceed; NaN of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(len(ordered) * share) - 1)] if ordered else math.nan


def by_second(times: Mapping[str, float], values: Mapping[str, float], *, began: float, share: float) -> Points:
    """`share` quantile of the values whose time lies in each second since `began`."""
    seconds: dict[int, list[float]] = defaultdict(list)
    for name, value in values.items():
        seconds[int(times[name] - began)].append(value)
    return [(float(second), quantile(seconds[second], share)) for second in sorted(seconds)]


def counts(instants: Iterable[float], *, began: float, seconds: float) -> Points:
    found: dict[int, int] = defaultdict(int)
    for instant in instants:
        if began <= instant < began + seconds:
            found[int(instant - began)] += 1
    return [(float(second), float(found[second])) for second in range(int(seconds))]
