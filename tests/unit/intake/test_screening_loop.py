"""How long calls gather before they are screened: it is the batch of the whole road."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake_svc.use_cases.screening_loop import rest_after, screening_loop


@given(st.floats(0, 60), st.floats(0, 60))
def test_who_has_worked_longer_rests_no_shorter_and_nobody_waits_long(one: float, other: float) -> None:
    assert rest_after(min(one, other)) <= rest_after(max(one, other))
    assert 0.03 <= rest_after(one) <= 0.06


async def test_work_that_takes_long_is_followed_by_a_rest_twice_as_long() -> None:
    """A machine that is full: this one needs 25 ms for what is done in a few otherwise."""
    clock = asyncio.get_running_loop().time
    began = list[float]()

    async def work() -> int:
        began.append(clock())
        while clock() < began[-1] + 0.025:
            pass
        if len(began) == 3:
            raise Enough
        return 1

    with pytest.raises(Enough):
        await screening_loop(work, asyncio.Event())
    assert all(later - earlier >= 0.07 for earlier, later in pairwise(began)), began


class Enough(Exception):
    pass
