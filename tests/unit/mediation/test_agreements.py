"""When an agreement has effect (PML 28–30, 33), tried from both sides of each guard."""

from datetime import date, datetime, timedelta

import pytest
from chassis.workdays import CHINA, load_calendar
from hypothesis import given
from hypothesis import strategies as st
from mediation_svc.domain import agreeing
from mediation_svc.domain.agreeing import Terms
from mediation_svc.domain.agreement import Obligation, ObligationState, Signature, Signer, Standing
from mediation_svc.domain.errors import GuardRefused, TransitionRefused, ValueRefused
from mediation_svc.domain.facts import AgreementEffective
from mediation_svc.domain.parties import Party
from mediation_svc.domain.states import CaseState
from mediation_svc.rules.loading import load_rulebook
from support.mediation import ANNA, BACK, BERT, CHORE, DEBT, EARLIER, NOW, WILLING, a_case, a_draft, around

LIMITS = load_rulebook().limits
CALENDAR = load_calendar()
IN_MEDIATION = a_case(CaseState.IN_MEDIATION)


def deadline(at: datetime) -> date:
    return LIMITS.confirmation_deadline(at, CALENDAR)


def terms(*obligations: Obligation) -> Terms:
    return Terms("（2026）虹曲人调协字第0007号", obligations, None)


def orally(
    *obligations: Obligation, on_spot: bool = True, nobody_objects: bool = True, **seen: object
) -> agreeing.Outcome:
    return agreeing.agree_orally(
        IN_MEDIATION,
        terms(*obligations),
        around(**seen),
        performed_on_spot=on_spot,
        nobody_objects=nobody_objects,
        deadline=deadline,
    )


LATER = Obligation(DEBT, "payment", date(2026, 4, 1))
SOMEDAY = Obligation(CHORE, "apology")


@pytest.mark.parametrize("on_spot", [True, False])
@pytest.mark.parametrize("nobody_objects", [True, False])
@pytest.mark.parametrize("category", ["medical", "neighbour"])
@pytest.mark.parametrize("grade", ["red", "orange", "yellow", "blue"])
@pytest.mark.parametrize("obligations", [(), (SOMEDAY,), (LATER,)])
def test_an_oral_agreement_is_for_calm_matters_with_nothing_due_later(
    on_spot: bool, nobody_objects: bool, category: str, grade: str, obligations: tuple[Obligation, ...]
) -> None:
    may = (
        (on_spot or LATER not in obligations)
        and nobody_objects
        and category != "medical"
        and grade in ("yellow", "blue")
    )
    if may:
        case, _ = orally(*obligations, on_spot=on_spot, category=category, grade=grade)
        assert case.present_agreement().is_in_force
    else:
        with pytest.raises(GuardRefused) as refused:
            orally(*obligations, on_spot=on_spot, nobody_objects=nobody_objects, category=category, grade=grade)
        assert refused.value.basis


def test_an_oral_agreement_needs_no_signature_and_binds_at_once() -> None:
    case, (_, fact) = orally(SOMEDAY, on_spot=False)
    assert (case.state, case.present_agreement().effective_at) == (CaseState.EFFECTIVE, NOW)
    assert isinstance(fact, AgreementEffective)
    assert fact.obligations == (SOMEDAY,)


def test_what_was_done_on_the_spot_is_owed_no_more() -> None:
    case, (_, fact) = orally(SOMEDAY, LATER)
    assert case.state is CaseState.PERFORMED
    assert {one.state for one in case.obligations} == {ObligationState.PERFORMED}
    assert isinstance(fact, AgreementEffective)
    assert fact.obligations == ()


@given(st.sets(st.sampled_from([ANNA, BERT, None])))
def test_no_written_agreement_takes_effect_without_every_signature(signers: set[object]) -> None:
    """DOMAIN §8.2: every party, the mediator, and the seal (PML 29)."""
    case = a_case(CaseState.AGREED_WRITTEN, agreement=a_draft(*signers))  # type: ignore[arg-type]
    if signers == {ANNA, BERT, None}:
        sealed, _ = agreeing.seal(case, around(), deadline=deadline)
        assert sealed.present_agreement().sealed_at == NOW
    else:
        with pytest.raises(GuardRefused) as refused:
            agreeing.seal(case, around(), deadline=deadline)
        missing = {str(one) if one else "mediator" for one in {ANNA, BERT, None} - signers}
        assert (refused.value.code, set(refused.value.concerns)) == ("signatures_missing", missing)


@given(st.lists(st.integers(-600, 50), min_size=3, max_size=3))
def test_the_date_of_effect_is_the_last_of_the_signatures_and_the_seal(seconds: list[int]) -> None:
    signers = ((Signer.PARTY, ANNA), (Signer.PARTY, BERT), (Signer.MEDIATOR, None))
    case = a_case(CaseState.AGREED_WRITTEN, agreement=a_draft())
    instants = [NOW + timedelta(seconds=one) for one in seconds]
    for (signer, party), at in zip(signers, instants, strict=True):
        case = agreeing.sign(case, Signature(signer, party, at, "m"), around())
    sealed, _ = agreeing.seal(case, around(), deadline=deadline)
    assert sealed.present_agreement().effective_at == max([NOW, *instants])


def test_a_signature_counts_once_from_the_drawing_up_of_the_text_by_somebody_of_the_case() -> None:
    drafted = a_case(CaseState.AGREED_WRITTEN, agreement=a_draft(ANNA))

    def sign(party: object, at: datetime = NOW) -> None:
        agreeing.sign(drafted, Signature(Signer.PARTY, party, at, "m"), around())  # type: ignore[arg-type]

    sign(BERT)
    sign(BERT, EARLIER)
    for party, at, code in (
        (ANNA, NOW, "signed_already"),
        (BERT, EARLIER - timedelta(minutes=2), "too_early"),
        (BERT, NOW + timedelta(minutes=2), "in_the_future"),
    ):
        with pytest.raises(GuardRefused, match=code):
            sign(party, at)
    with pytest.raises(ValueRefused, match="unknown_party"):
        sign(DEBT)


@pytest.mark.parametrize("obstacle", ["halted", "party_refuses"])
def test_neither_a_block_nor_a_withdrawn_consent_lets_anybody_agree_sign_or_seal(obstacle: str) -> None:
    seen = around(blocks=("X_DV",)) if obstacle == "halted" else around()
    parties = (Party(ANNA, "applicant", (WILLING, BACK)), Party(BERT, "respondent", (WILLING,)))
    fields = {} if obstacle == "halted" else {"parties": parties}
    at_table = a_case(CaseState.IN_MEDIATION, **fields)
    drafted = a_case(CaseState.AGREED_WRITTEN, agreement=a_draft(ANNA, BERT, None), **fields)
    unsigned = a_case(CaseState.AGREED_WRITTEN, agreement=a_draft(), **fields)
    with pytest.raises(GuardRefused, match=obstacle):
        agreeing.agree_in_writing(at_table, terms(), seen)
    with pytest.raises(GuardRefused, match=obstacle):
        agreeing.agree_orally(at_table, terms(), seen, performed_on_spot=True, nobody_objects=True, deadline=deadline)
    with pytest.raises(GuardRefused, match=obstacle):
        agreeing.sign(unsigned, Signature(Signer.MEDIATOR, None, NOW, "m"), seen)
    with pytest.raises(GuardRefused, match=obstacle):
        agreeing.seal(drafted, seen, deadline=deadline)


def test_an_obligation_of_a_new_text_is_due_today_or_later() -> None:
    today = NOW.astimezone(CHINA).date()
    assert agreeing.agree_in_writing(IN_MEDIATION, terms(Obligation(DEBT, "payment", today)), around())
    yesterday = Obligation(DEBT, "payment", today - timedelta(days=1))
    with pytest.raises(GuardRefused, match="due_in_the_past"):
        agreeing.agree_in_writing(IN_MEDIATION, terms(yesterday), around())


def test_a_party_that_goes_back_on_the_text_undoes_every_signature() -> None:
    back = agreeing.withdraw(a_case(CaseState.AGREED_WRITTEN, agreement=a_draft(ANNA, BERT, None)), ANNA)
    assert (back.state, back.agreement) == (CaseState.IN_MEDIATION, None)
    assert [one.standing for one in back.past_agreements] == [Standing.WITHDRAWN]


def test_an_effective_agreement_cannot_be_signed_sealed_or_withdrawn() -> None:
    effective = a_case(CaseState.EFFECTIVE, agreement=a_draft(ANNA, BERT, None))
    with pytest.raises(TransitionRefused):
        agreeing.sign(effective, Signature(Signer.MEDIATOR, None, NOW, "m"), around())
    with pytest.raises(TransitionRefused):
        agreeing.seal(effective, around(), deadline=deadline)
    with pytest.raises(TransitionRefused):
        agreeing.withdraw(effective, ANNA)


@pytest.mark.parametrize(
    ("effective_on", "last_day"),
    [
        (date(2026, 9, 1), date(2026, 10, 8)),
        (date(2026, 1, 16), date(2026, 2, 24)),
        (date(2026, 3, 2), date(2026, 4, 1)),
    ],
)
def test_the_window_for_confirmation_is_that_of_the_law(effective_on: date, last_day: date) -> None:
    """Oracles of DOMAIN §4.1."""
    assert deadline(datetime(*effective_on.timetuple()[:3], 10, tzinfo=CHINA)) == last_day


@given(st.dates(date(2020, 1, 1), date(2026, 11, 20)))
def test_the_window_is_thirty_days_moved_past_rest_days_and_never_back(effective_on: date) -> None:
    """DOMAIN §8.3."""
    last = deadline(datetime(*effective_on.timetuple()[:3], 23, 59, tzinfo=CHINA))
    thirtieth = effective_on + timedelta(days=30)
    skipped = [thirtieth + timedelta(days=n) for n in range((last - thirtieth).days)]
    assert last >= thirtieth
    assert CALENDAR.is_workday(last)
    assert not any(CALENDAR.is_workday(day) for day in skipped)
