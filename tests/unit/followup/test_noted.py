"""What is noted of a referral is the same whatever order concurrent facts come in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from followup_svc.domain.grade import GradeHistory
from followup_svc.domain.noted import Noted
from followup_svc.domain.watch import ReferralId
from hypothesis import given
from hypothesis import strategies as st

EMPTY = Noted(ReferralId(UUID("01980000-0000-7000-8000-000000000001")))
AT = datetime(2026, 1, 1, 8, tzinfo=UTC)
FACTS: list[Callable[[Noted], Noted]] = [
    lambda noted: noted.opened(at=AT),
    lambda noted: noted.joined_by_call(calls=2),
    lambda noted: noted.joined_by_call(calls=3),
    lambda noted: noted.classified("medical", "orange", at=AT),
]


@given(st.permutations(FACTS))
def test_any_order_of_the_facts_gives_one_note(facts: list[Callable[[Noted], Noted]]) -> None:
    noted = EMPTY
    for apply in facts:
        noted = apply(noted)
    assert noted == Noted(EMPTY.referral_id, AT, 3, "medical", GradeHistory(((AT, "orange"),)))


def test_opening_is_noted_once() -> None:
    assert EMPTY.opened(at=AT).opened(at=AT + timedelta(days=1)).opened_at == AT
