"""Consent, acceptance, meetings: each guard with both of its sides."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mediation_svc.domain import conducting, consenting
from mediation_svc.domain.case import MediationCase
from mediation_svc.domain.consenting import HandOver
from mediation_svc.domain.errors import GuardRefused, TransitionRefused, ValueRefused
from mediation_svc.domain.parties import Consent, Party, Will
from mediation_svc.domain.states import CaseState
from support.mediation import (
    AGAINST,
    ANNA,
    BACK,
    BERT,
    COMMITTEE,
    DEBT,
    EARLIER,
    FILE,
    NOW,
    REFERRAL,
    WILLING,
    a_case,
    around,
)

WILLS = st.lists(st.sampled_from([WILLING, AGAINST, BACK]), max_size=4).map(tuple)


def with_wills(*wills: tuple[Consent, ...], **fields: Any) -> MediationCase:
    parties = tuple(Party(party, "other", will) for party, will in zip((ANNA, BERT), wills, strict=True))
    return a_case(parties=parties, **fields)


@given(WILLS, WILLS)
def test_no_case_is_accepted_while_the_last_word_of_anybody_is_no(
    first: tuple[Consent, ...], second: tuple[Consent, ...]
) -> None:
    """DOMAIN §8.1; silence is no refusal, but somebody must want it (PML 17)."""
    last = [said[-1].will for said in (first, second) if said]
    may = Will.GIVEN in last and not {Will.REFUSED, Will.WITHDRAWN} & set(last)
    case = with_wills(first, second)
    if may:
        accepted, fact = consenting.accept(case, around(), file=FILE)
        assert (accepted.state, accepted.file_no, fact.file_no) == (CaseState.ACCEPTED, FILE.text, FILE.text)
    else:
        with pytest.raises(GuardRefused) as refused:
            consenting.accept(case, around(), file=FILE)
        assert refused.value.basis.startswith("PML 17")


def test_a_refusal_names_who_refuses_and_what_to_do() -> None:
    with pytest.raises(GuardRefused) as refused:
        consenting.accept(with_wills((WILLING,), (AGAINST,)), around(), file=FILE)
    assert (refused.value.code, refused.value.concerns) == ("party_refuses", (str(BERT),))


def test_a_block_stops_acceptance_until_it_is_lifted() -> None:
    """DOMAIN §8.5."""
    with pytest.raises(GuardRefused) as refused:
        consenting.accept(a_case(), around(blocks=("X_DV", "X_CRIMINAL")), file=FILE)
    assert (refused.value.code, refused.value.concerns) == ("halted", ("X_CRIMINAL", "X_DV"))
    assert consenting.accept(a_case(), around(), file=FILE)[0].state is CaseState.ACCEPTED


def test_consent_is_kept_word_by_word_and_only_of_parties_of_the_case() -> None:
    once = consenting.record_consent(with_wills((), ()), ANNA, WILLING, around())
    twice = consenting.record_consent(once, ANNA, BACK, around())
    party = twice.party(ANNA)
    assert party is not None
    assert [said.will for said in party.consents] == [Will.GIVEN, Will.WITHDRAWN]
    with pytest.raises(ValueRefused) as refused:
        consenting.record_consent(once, DEBT, WILLING, around())
    assert set(refused.value.known) == {str(ANNA), str(BERT)}


def test_consent_cannot_be_dated_ahead() -> None:
    late = replace(WILLING, at=NOW + timedelta(minutes=2))
    with pytest.raises(GuardRefused, match="in_the_future"):
        consenting.record_consent(a_case(), ANNA, late, around())
    assert consenting.record_consent(a_case(), ANNA, replace(WILLING, at=NOW + timedelta(seconds=59)), around())


@pytest.mark.parametrize("state", [CaseState.EFFECTIVE, CaseState.PERFORMED, CaseState.TERMINATED, CaseState.FILED])
def test_after_effect_or_end_consent_is_no_longer_asked(state: CaseState) -> None:
    with pytest.raises(TransitionRefused):
        consenting.record_consent(a_case(state), ANNA, BACK, around())


@pytest.mark.parametrize(
    "act",
    [
        lambda case, seen: conducting.assign(replace(case, state=CaseState.ACCEPTED), ["M-1"], "committee", seen),
        lambda case, seen: conducting.inform(replace(case, state=CaseState.ASSIGNED), seen),
        lambda case, seen: conducting.meet(replace(case, state=CaseState.INFORMED), NOW, [ANNA], None, seen),
        lambda case, seen: conducting.meet(replace(case, state=CaseState.IN_MEDIATION), NOW, [ANNA], None, seen),
    ],
)
def test_nothing_goes_on_over_a_withdrawn_consent_or_a_block(act: Any) -> None:
    assert act(a_case(), around())
    with pytest.raises(GuardRefused, match="party_refuses"):
        act(with_wills((WILLING, BACK), (WILLING,)), around())
    with pytest.raises(GuardRefused, match="halted"):
        act(a_case(), around(blocks=("X_DV",)))


def test_the_first_meeting_begins_the_mediation_and_each_has_its_number() -> None:
    begun, first = conducting.meet(a_case(CaseState.INFORMED), NOW, [ANNA, ANNA], None, around())
    again, second = conducting.meet(begun, NOW, [BERT], None, around())
    assert (begun.state, again.state) == (CaseState.IN_MEDIATION, CaseState.IN_MEDIATION)
    assert (first.number, second.number) == (1, 2)
    assert begun.meetings[0].present == (ANNA,)


def test_a_meeting_lies_between_the_acceptance_and_now_and_holds_parties_of_the_case() -> None:
    informed = a_case(CaseState.INFORMED)
    with pytest.raises(GuardRefused, match="in_the_future"):
        conducting.meet(informed, NOW + timedelta(minutes=2), [ANNA], None, around())
    with pytest.raises(GuardRefused, match="too_early"):
        conducting.meet(informed, EARLIER - timedelta(minutes=2), [ANNA], None, around())
    assert conducting.meet(informed, EARLIER, [ANNA], None, around())
    with pytest.raises(ValueRefused, match="unknown_party"):
        conducting.meet(informed, NOW, [DEBT], None, around())


def test_a_halted_case_may_be_suspended_but_not_resumed() -> None:
    suspended, _ = conducting.suspend(a_case(CaseState.ACCEPTED), "party_unable")
    with pytest.raises(GuardRefused, match="halted"):
        conducting.resume(suspended, around(blocks=("X_DV",)))
    assert conducting.resume(suspended, around())[0].state is CaseState.ACCEPTED


def test_an_extension_needs_every_party() -> None:
    with pytest.raises(GuardRefused) as refused:
        conducting.extend(a_case(CaseState.IN_MEDIATION), [ANNA], around())
    assert (refused.value.code, refused.value.concerns) == ("extension_not_agreed", (str(BERT),))
    assert conducting.extend(a_case(CaseState.IN_MEDIATION), [ANNA, BERT], around()).extensions == 1


def handed(hop: int) -> HandOver:
    return HandOver(COMMITTEE, (Party(DEBT, "applicant"),), hop, "31/310109/310109010")


def test_a_hand_over_opens_a_case_that_asks_for_consent() -> None:
    case, fact = consenting.open_case(REFERRAL, handed(1), at=NOW, watch_cycle=1)
    assert (case.state, case.cycle, fact.cycle) == (CaseState.CONSENT_PENDING, 1, 1)


def test_a_later_hand_over_begins_another_round_of_what_had_ended() -> None:
    case, fact = consenting.hand_over_again(a_case(CaseState.TERMINATED), handed(2))
    assert fact is not None
    assert (case.state, case.cycle, fact.cycle, case.parties) == (
        CaseState.CONSENT_PENDING,
        2,
        2,
        handed(2).parties,
    )


def test_a_later_hand_over_leaves_what_is_under_way_with_whom_it_is() -> None:
    case, fact = consenting.hand_over_again(a_case(CaseState.IN_MEDIATION), handed(2))
    assert fact is None
    assert case == replace(a_case(CaseState.IN_MEDIATION), hop=2)


def test_the_same_hand_over_again_changes_nothing() -> None:
    assert consenting.hand_over_again(a_case(), handed(1)) == (a_case(), None)
