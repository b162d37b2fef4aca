"""Watch and return visit: every state with every act, against tables typed by hand from CONTRACTS §3."""

from datetime import UTC, datetime
from itertools import product
from uuid import UUID

import pytest
from followup_svc.domain.errors import TransitionRefused
from followup_svc.domain.visit import ReturnVisit, VisitAct, VisitId, VisitState
from followup_svc.domain.watch import ReferralId, Watch, WatchAct, WatchState

ID = UUID("01980000-0000-7000-8000-000000000001")
AT = datetime(2026, 1, 1, 8, tzinfo=UTC)

WATCH_BY_HAND = {
    ("watching", "anchor"): "anchored",
    ("anchored", "close"): "closed",
    ("closed", "reopen"): "watching",
}
WATCH_STATES = ["watching", "anchored", "closed"]
WATCH_ACTS = ["anchor", "close", "reopen"]

VISIT_BY_HAND = {
    ("planned", "fall_due"): "due",
    ("planned", "cancel"): "cancelled",
    ("planned", "waive"): "waived",
    ("due", "record"): "done",
    ("due", "miss"): "unreachable",
    ("due", "waive"): "waived",
    ("unreachable", "try_again"): "due",
    ("unreachable", "record_by_neighbour_worker"): "done",
    ("unreachable", "waive"): "waived",
}
VISIT_STATES = ["planned", "due", "done", "unreachable", "waived", "cancelled"]
VISIT_ACTS = ["fall_due", "record", "miss", "try_again", "record_by_neighbour_worker", "waive", "cancel"]


def a_watch(state: str = "watching", *, cycle: int = 1) -> Watch:
    return Watch(ReferralId(ID), AT, state=WatchState(state), cycle=cycle, hop=1, office_code="310109010-SFS")


def test_the_hand_typed_tables_name_every_state_and_act_of_the_code() -> None:
    assert sorted(WATCH_STATES) == sorted(WatchState)
    assert sorted(WATCH_ACTS) == sorted(WatchAct)
    assert sorted(VISIT_STATES) == sorted(VisitState)
    assert sorted(VISIT_ACTS) == sorted(VisitAct)


@pytest.mark.parametrize(("state", "act"), list(product(WATCH_STATES, WATCH_ACTS)))
def test_a_watch_moves_as_the_contract_says_or_refuses(state: str, act: str) -> None:
    watch = a_watch(state)
    if (state, act) in WATCH_BY_HAND:
        assert watch.move(WatchAct(act)).state.value == WATCH_BY_HAND[state, act]
    else:
        with pytest.raises(TransitionRefused):
            watch.move(WatchAct(act))


@pytest.mark.parametrize(("state", "act"), list(product(VISIT_STATES, VISIT_ACTS)))
def test_a_visit_moves_as_the_contract_says_or_refuses(state: str, act: str) -> None:
    visit = ReturnVisit(VisitId(ID), VisitState(state))
    if (state, act) in VISIT_BY_HAND:
        assert visit.move(VisitAct(act)).state.value == VISIT_BY_HAND[state, act]
    else:
        with pytest.raises(TransitionRefused):
            visit.move(VisitAct(act))


def test_a_cycle_begins_with_reopening_and_with_nothing_else() -> None:
    once_round = a_watch().move(WatchAct.ANCHOR).move(WatchAct.CLOSE)
    assert once_round.cycle == 1
    assert once_round.move(WatchAct.REOPEN).cycle == 2


def test_a_refusal_names_the_allowed_acts() -> None:
    with pytest.raises(TransitionRefused) as refused:
        ReturnVisit(VisitId(ID)).move(VisitAct.RECORD)
    assert refused.value.allowed == ("cancel", "fall_due", "waive")


@pytest.mark.parametrize(("hop", "office"), [(0, "310109010-SFS"), (1, "310109010-SFS"), (2, "310109009-SFS")])
def test_only_a_further_hop_moves_a_watch_to_another_office(hop: int, office: str) -> None:
    assert a_watch().dispatched_to("310109009-SFS", hop=hop).office_code == office
