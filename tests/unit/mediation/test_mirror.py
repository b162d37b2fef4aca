"""A mirror is the same whatever order concurrent facts come in."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from mediation_svc.domain.case import ReferralId
from mediation_svc.domain.mirror import Mirror, MirrorState

EMPTY = Mirror(ReferralId(UUID("01980000-0000-7000-8000-000000000001")))
AT = datetime(2026, 1, 1, 8, tzinfo=UTC)
LATER = datetime(2026, 1, 2, 8, tzinfo=UTC)

FACTS: list[Callable[[Mirror], Mirror]] = [
    lambda m: m.opened(at=AT),
    lambda m: m.joined_by_call(calls=2),
    lambda m: m.joined_by_call(calls=3),
    lambda m: m.classified("neighbour", "yellow"),
    lambda m: m.dispatched("310109010-SFS", hop=1, at=AT),
    lambda m: m.dispatched("310109009-SFS", hop=2, at=LATER),
]


@given(st.permutations(FACTS))
def test_any_order_of_the_facts_gives_one_mirror(facts: list[Callable[[Mirror], Mirror]]) -> None:
    mirror = EMPTY
    for apply in facts:
        mirror = apply(mirror)
    assert mirror == Mirror(EMPTY.referral_id, AT, 3, "neighbour", "yellow", 2, "310109009-SFS", LATER)


def test_a_mirror_is_dispatched_only_once_an_office_has_it() -> None:
    noted = EMPTY.opened(at=AT).classified("family", "blue")
    assert noted.state is MirrorState.NOTED
    assert noted.dispatched("310109010-SFS", hop=1, at=LATER).state is MirrorState.DISPATCHED


def test_a_dispatch_of_an_earlier_or_the_same_hop_changes_nothing() -> None:
    second = EMPTY.dispatched("310109009-SFS", hop=2, at=LATER)
    assert second.dispatched("310109010-SFS", hop=1, at=AT) == second
    assert second.dispatched("310109010-SFS", hop=2, at=AT) == second
    assert second.dispatched("310109010-SFS", hop=3, at=AT).office_code == "310109010-SFS"


def test_opening_is_noted_once() -> None:
    assert EMPTY.opened(at=AT).opened(at=LATER).opened_at == AT
