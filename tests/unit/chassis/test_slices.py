"""Whatever a producer's streams do between two comparisons, what has changed is listed, and what has not is not."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from chassis.delivery.slices import SLICE, AlreadyCompared, Slices, Span, beginning
from hypothesis import given
from hypothesis import strategies as st

START = datetime(2026, 11, 30, 2, 10, 3, tzinfo=UTC)
BACK = timedelta(seconds=60)

# Which streams are written in a round, how many seconds apart, and how late each is to be seen.
ROUNDS = st.lists(st.lists(st.tuples(st.integers(0, 12), st.floats(0, 9)), max_size=8), min_size=2, max_size=8)


class Producer:
    def __init__(self) -> None:
        self.heads: dict[int, tuple[int, datetime]] = {}

    def write(self, stream: int, at: datetime) -> None:
        self.heads[stream] = (self.heads.get(stream, (0, at))[0] + 1, at)

    def slices(self, since: datetime, as_of: datetime) -> Slices:
        found: dict[datetime, list[tuple[int, int]]] = defaultdict(list)
        for stream, (head, at) in self.heads.items():
            if at >= since:
                found[beginning(at)].append((head, stream))
        sums = {at: (len(of), sum(head for head, _ in of), sum(one * 31 for _, one in of)) for at, of in found.items()}
        return Slices(since, sums, 0, as_of, 0)

    def listed(self, spans: list[Span]) -> set[int]:
        return {stream for stream, (_, at) in self.heads.items() if any(_lies_in(at, span) for span in spans)}


def _lies_in(at: datetime, span: Span) -> bool:
    return span[0] <= at and (span[1] is None or at < span[1])


@given(ROUNDS)
def test_every_stream_of_the_window_is_listed_or_stands_where_it_was_compared(
    rounds: list[list[tuple[int, float]]],
) -> None:
    producer, compared, seen = Producer(), AlreadyCompared(), dict[int, int]()
    now = noted = START
    for written in rounds:
        for stream, later in written:
            now += timedelta(seconds=later)
            producer.write(stream, now)
        slices = producer.slices(beginning(noted - BACK), now)
        listed = producer.listed(compared.left_in(slices, "ping", succeeded_at=noted))
        in_window = {stream for stream, (_, at) in producer.heads.items() if at >= slices.since}
        assert all(seen.get(stream) == producer.heads[stream][0] for stream in in_window - listed)
        seen |= {stream: producer.heads[stream][0] for stream in listed}
        compared.note("ping", slices)
        noted = now


def test_of_a_window_in_which_nothing_moves_only_the_newest_slice_is_listed_again() -> None:
    producer, compared = Producer(), AlreadyCompared()
    for stream in range(40):
        producer.write(stream, START + stream * timedelta(seconds=1))
    end = START + timedelta(seconds=40)
    slices = producer.slices(beginning(START), end)
    assert producer.listed(compared.left_in(slices, "ping", succeeded_at=END_OF_LAST)) == set(range(40))
    compared.note("ping", slices)
    (span,) = compared.left_in(slices, "ping", succeeded_at=end)
    assert span == (beginning(START + timedelta(seconds=39)), None)


def test_spans_that_touch_are_one() -> None:
    producer = Producer()
    for stream in (0, 1, 3):
        producer.write(stream, START + stream * SLICE)
    first = beginning(START)
    slices = producer.slices(first, START + 4 * SLICE)
    spans = AlreadyCompared().left_in(slices, "ping", succeeded_at=END_OF_LAST)
    assert spans == [(first, first + 2 * SLICE), (first + 3 * SLICE, None)]


def test_where_the_database_says_less_than_is_remembered_everything_is_listed() -> None:
    """Ours was set back, and with it what was applied."""
    producer, compared = Producer(), AlreadyCompared()
    producer.write(0, START)
    producer.write(1, START + 3 * SLICE)
    end = START + 4 * SLICE
    slices = producer.slices(beginning(START), end)
    compared.note("ping", slices)
    assert producer.listed(compared.left_in(slices, "ping", succeeded_at=end)) == {1}
    assert producer.listed(compared.left_in(slices, "ping", succeeded_at=end - SLICE)) == {0, 1}


END_OF_LAST = START - BACK
