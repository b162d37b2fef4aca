"""The office's road, from a dispatcher's word to mediation or an end without it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from referral_schemas import triage as told
from triage_svc.domain.directory import area_path
from triage_svc.domain.errors import GuardRefused, OfAnother, OutOfScope, TransitionRefused, ValueRefused
from triage_svc.domain.person import Person
from triage_svc.domain.states import State
from triage_svc.use_cases.contact_parties import Contacted, ContactParties, contact_parties
from triage_svc.use_cases.dispatch_referral import DispatchReferral, dispatch_referral
from triage_svc.use_cases.end_referral import (
    RecordNoConsent,
    RecordSelfResolved,
    SendBack,
    SendToOtherBody,
    record_no_consent,
    record_self_resolved,
    send_back,
    send_to_other_body,
)
from triage_svc.use_cases.hand_over import HandOver, hand_over
from triage_svc.use_cases.sign_referral import SignReferral, sign_referral
from unit.triage.working import (
    DISPATCHER,
    OFFICE,
    OTHER_OFFICE,
    REFERRAL,
    SUPERVISOR,
    THURSDAY,
    a_referral,
    holding,
    names,
    stated,
)


def sent_to(office: str = OFFICE, **changes: Any) -> DispatchReferral:
    return replace(DispatchReferral(REFERRAL, DISPATCHER, office, "place_found"), **changes)


def test_a_dispatcher_sends_what_waits_for_review_and_the_office_gets_its_clocks() -> None:
    work = holding(a_referral(State.UNDER_REVIEW))
    sent = dispatch_referral(sent_to(), work)
    assert (sent.state, sent.hop, sent.scope_path, sent.version) == ("dispatched", 1, area_path("310109010"), 2)
    met, dispatched = stated(work)
    assert isinstance(met, told.DeadlineMet)
    assert [clock.clock for clock in met.clocks] == ["dispatch"]
    assert isinstance(dispatched, told.ReferralDispatched)
    assert [clock.clock for clock in dispatched.clocks] == ["sign_for", "first_contact", "settle"]


def test_what_a_dispatcher_corrects_is_stated_with_the_decision_and_ends_the_review() -> None:
    work = holding(a_referral(State.UNDER_REVIEW, grade="blue"))
    sent = dispatch_referral(sent_to(category="medical", grade="orange"), work)
    assert (sent.verdict.category, sent.verdict.grade, sent.verdict.needs_review) == ("medical", "orange", False)
    assert names(work)[:2] == ["ReferralReclassified", "GradeChanged"]
    assert {decision.kind for decision in work.decisions.changed().values()} == {"classify", "grade", "route"}


def test_a_dispatcher_does_not_lower_a_grade_by_the_way_but_a_supervisor_may() -> None:
    with pytest.raises(OfAnother) as refusal:
        dispatch_referral(sent_to(grade="blue"), holding(a_referral(State.UNDER_REVIEW, grade="red")))
    assert "bureau_supervisor" in refusal.value.roles
    lowered = dispatch_referral(
        sent_to(grade="blue", by=SUPERVISOR), holding(a_referral(State.UNDER_REVIEW, grade="red"))
    )
    assert lowered.verdict.grade == "blue"


def test_an_office_that_nobody_knows_is_named_with_the_cure() -> None:
    with pytest.raises(ValueRefused) as refusal:
        dispatch_referral(sent_to("310109010-PMC"), holding(a_referral(State.UNDER_REVIEW)))
    assert (refusal.value.field, refusal.value.value) == ("office_code", "310109010-PMC")


def test_an_office_of_another_district_is_out_of_scope() -> None:
    stranger = Person("d-2", frozenset({"dispatcher"}), "31/310110")
    with pytest.raises(OutOfScope):
        dispatch_referral(sent_to(by=stranger), holding(a_referral(State.UNDER_REVIEW)))


def test_sending_to_the_office_that_has_it_is_refused_and_to_another_is_a_hop_with_new_clocks() -> None:
    with pytest.raises(GuardRefused, match="same_office"):
        dispatch_referral(sent_to(OFFICE), holding(a_referral(State.DISPATCHED)))
    work = holding(a_referral(State.DISPATCHED))
    assert dispatch_referral(sent_to(OTHER_OFFICE), work).hop == 2
    states = {(timer.clock, timer.key): timer.state for timer in work.clocks_of(REFERRAL)}
    assert states["sign_for", "1"] == "cancelled"
    assert states["sign_for", "2"] == "running"


@pytest.mark.parametrize("state", [State.HANDED_TO_MEDIATION, State.NO_CONSENT, State.BACK_TO_POLICE])
def test_what_has_ended_is_not_dispatched_by_hand(state: State) -> None:
    with pytest.raises(GuardRefused, match="reopen_first"):
        dispatch_referral(sent_to(OTHER_OFFICE), holding(a_referral(state)))


def test_a_signature_moves_the_responsibility_and_meets_its_clock() -> None:
    work = holding(a_referral(State.DISPATCHED))
    signed = sign_referral(SignReferral(REFERRAL), work)
    assert (signed.state, signed.responsible_code, signed.signed_at) == ("signed", OFFICE, THURSDAY)
    assert names(work) == ["ReferralSigned", "DeadlineMet"]


def test_a_second_signature_is_refused_and_says_what_is_allowed() -> None:
    with pytest.raises(TransitionRefused) as refusal:
        sign_referral(SignReferral(REFERRAL), holding(a_referral(State.SIGNED)))
    assert set(refusal.value.allowed) == {"contact", "request_return", "confirm_recall"}


def contacted(**changes: Any) -> ContactParties:
    parties = (Contacted("applicant", None, "甲方"), Contacted("respondent", None, None))
    return replace(ContactParties(REFERRAL, "phone", parties), **changes)


def test_a_contact_names_parties_by_id_and_seals_what_was_said() -> None:
    work = holding(a_referral(State.SIGNED))
    referral = contact_parties(contacted(note="约周五面谈"), work)
    event, met = stated(work)
    assert isinstance(event, told.PartyContacted)
    assert isinstance(met, told.DeadlineMet)
    assert [party.party_id for party in event.parties] == [party.party_id for party in referral.parties]
    assert [party.name_text is not None for party in referral.parties] == [True, False]
    assert sorted(text.kind for text in work.texts) == ["contact_note", "party_name"]
    assert all("甲方".encode() not in text.sealed for text in work.texts)


def test_a_party_known_by_id_keeps_it() -> None:
    known = UUID(int=7)
    referral = contact_parties(contacted(parties=(Contacted("applicant", known),)), holding(a_referral(State.SIGNED)))
    assert [party.party_id for party in referral.parties] == [known]


def test_the_same_party_twice_is_refused() -> None:
    twice = (Contacted("applicant", UUID(int=7)), Contacted("respondent", UUID(int=7)))
    with pytest.raises(ValueRefused, match="party_twice"):
        contact_parties(contacted(parties=twice), holding(a_referral(State.SIGNED)))


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("at", "is_good"),
    [(MINUTE, True), (MINUTE + timedelta(seconds=1), False), (-MINUTE, True), (-MINUTE - timedelta(seconds=1), False)],
)
def test_a_contact_lies_between_the_opening_and_now_but_for_a_minute_s_difference(at: timedelta, is_good: bool) -> None:
    command = contacted(contacted_at=THURSDAY + at)
    if is_good:
        assert contact_parties(command, holding(a_referral(State.SIGNED))).state == "contacted"
    else:
        with pytest.raises(GuardRefused, match=r"in_the_future|before_opening"):
            contact_parties(command, holding(a_referral(State.SIGNED)))


def test_the_hand_over_goes_to_the_committee_that_the_directory_names_for_the_category() -> None:
    work = holding(a_referral(State.CONTACTED))
    assert hand_over(HandOver(REFERRAL), work).state == "handed_to_mediation"
    (event,) = stated(work)
    assert isinstance(event, told.HandedToMediation)
    assert (event.committee.code, len(event.parties), event.hop) == ("310109010-PMC", 2, 1)


def test_a_medical_matter_goes_to_the_medical_committee() -> None:
    referral = a_referral(State.CONTACTED)
    work = holding(replace(referral, verdict=replace(referral.verdict, category="medical")))
    assert hand_over(HandOver(REFERRAL), work).committee_code == "310109-YTW"


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (HandOver(REFERRAL, committee_code="310109010-SFS"), "committee_code"),
        (HandOver(REFERRAL, room_code="310109010-PMC"), "room_code"),
    ],
)
def test_a_committee_or_room_that_is_none_is_refused(command: HandOver, field: str) -> None:
    with pytest.raises(ValueRefused) as refusal:
        hand_over(command, holding(a_referral(State.CONTACTED)))
    assert refusal.value.field == field


def test_no_consent_ends_it_with_the_instant_when_the_remedies_were_told() -> None:
    work = holding(a_referral(State.CONTACTED))
    assert record_no_consent(RecordNoConsent(REFERRAL, THURSDAY), work).state == "no_consent"
    ended, met = stated(work)
    assert isinstance(ended, told.ReferralEnded)
    assert (ended.end, ended.remedies_informed_at, ended.hop) == ("no_consent", THURSDAY, 1)
    assert isinstance(met, told.DeadlineMet)
    assert [clock.clock for clock in met.clocks] == ["settle"]


def test_remedies_are_not_told_in_the_future() -> None:
    with pytest.raises(GuardRefused) as refusal:
        record_no_consent(
            RecordNoConsent(REFERRAL, THURSDAY + timedelta(hours=1)), holding(a_referral(State.CONTACTED))
        )
    assert refusal.value.basis == "PML 26"


def test_what_the_parties_settle_themselves_ends_and_its_clocks_are_over() -> None:
    work = holding(a_referral(State.CONTACTED))
    assert record_self_resolved(RecordSelfResolved(REFERRAL, "已和解"), work).state == "self_resolved"
    assert {timer.state for timer in work.clocks_of(REFERRAL)} <= {"met", "cancelled"}


def test_from_review_it_goes_back_to_the_police_or_to_another_body_before_any_office_had_it() -> None:
    work = holding(a_referral(State.UNDER_REVIEW))
    assert send_back(SendBack(REFERRAL, DISPATCHER, "excluded_matter"), work).state == "back_to_police"
    ended = stated(work)[0]
    assert isinstance(ended, told.ReferralEnded)
    assert (ended.end, ended.hop) == ("back_to_police", 0)
    work = holding(a_referral(State.UNDER_REVIEW))
    passed_on = send_to_other_body(SendToOtherBody(REFERRAL, DISPATCHER, "12345", "administrative"), work)
    assert passed_on.state == "to_other_body"


def test_what_an_office_has_is_not_sent_back_over_its_head() -> None:
    with pytest.raises(TransitionRefused):
        send_back(SendBack(REFERRAL, DISPATCHER, "excluded_matter"), holding(a_referral(State.SIGNED)))
