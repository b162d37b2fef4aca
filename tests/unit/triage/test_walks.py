"""Whatever people and services do in whatever order, what must always hold of a referral holds."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from chassis.ids import new_id
from hypothesis import given, settings
from hypothesis import strategies as st
from referral_schemas.triage import DeadlineBreached
from triage_svc.domain.errors import GuardRefused, OfAnother, TransitionRefused, ValueRefused
from triage_svc.domain.states import DUTIES, ENDED, Clock, State
from triage_svc.events import on_timer
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.clocks import OF_OFFICE
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
from triage_svc.use_cases.grade_referral import GradeReferral, grade_referral
from triage_svc.use_cases.hand_over import HandOver, hand_over
from triage_svc.use_cases.return_referral import DecideReturn, RequestReturn, decide_return, request_return
from triage_svc.use_cases.sign_referral import SignReferral, sign_referral
from unit.triage.test_commuting import FACTS
from unit.triage.test_hearing import a_block, a_lift, hear
from unit.triage.working import DISPATCHER, OFFICE, OTHER_OFFICE, REFERRAL, SUPERVISOR, a_referral, holding, now_of

REFUSALS = (TransitionRefused, GuardRefused, OfAnother, ValueRefused)
COMMANDS: dict[str, Callable[[TriageWork], object]] = {
    "dispatch": lambda work: dispatch_referral(DispatchReferral(REFERRAL, DISPATCHER, OFFICE, "place_found"), work),
    "dispatch elsewhere": lambda work: dispatch_referral(
        DispatchReferral(REFERRAL, SUPERVISOR, OTHER_OFFICE, "place_found", "medical", "orange"), work
    ),
    "sign": lambda work: sign_referral(SignReferral(REFERRAL), work),
    "contact": lambda work: contact_parties(
        ContactParties(REFERRAL, "phone", (Contacted("applicant", None, "甲"),)), work
    ),
    "request return": lambda work: request_return(RequestReturn(REFERRAL, "wrong_area", "district", "x"), work),
    "refuse return": lambda work: decide_return(DecideReturn(REFERRAL, SUPERVISOR, "refuse", "yours"), work),
    "redispatch": lambda work: decide_return(
        DecideReturn(REFERRAL, DISPATCHER, "redispatch", "theirs", office_code=OTHER_OFFICE), work
    ),
    "return to police": lambda work: decide_return(DecideReturn(REFERRAL, SUPERVISOR, "back_to_police", "x"), work),
    "hand over": lambda work: hand_over(HandOver(REFERRAL), work),
    "no consent": lambda work: record_no_consent(RecordNoConsent(REFERRAL, work.now), work),
    "self resolved": lambda work: record_self_resolved(RecordSelfResolved(REFERRAL), work),
    "send back": lambda work: send_back(SendBack(REFERRAL, DISPATCHER, "x"), work),
    "other body": lambda work: send_to_other_body(SendToOtherBody(REFERRAL, DISPATCHER, "12345", "x"), work),
    "raise": lambda work: grade_referral(GradeReferral(REFERRAL, DISPATCHER, "red", "x"), work),
    "lower": lambda work: grade_referral(GradeReferral(REFERRAL, SUPERVISOR, "blue", "x"), work),
}
HEARD = {name: event for facts in FACTS.values() for name, event in facts.items() if name not in ("block", "lift")}
PAUSES = [timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)]
STEPS = st.lists(st.sampled_from([*COMMANDS, *HEARD, "block", "lift"]), min_size=1, max_size=25)


@settings(max_examples=300, deadline=None)
@given(STEPS, st.data())
def test_what_must_always_hold_holds_after_every_step(steps: list[str], data: st.DataObject) -> None:
    work, seqs, standing = holding(a_referral(State.UNDER_REVIEW)), Counter[str](), list[int]()
    for step in steps:
        work.now += data.draw(st.sampled_from(PAUSES))
        work.counted.clear()
        tick(work)
        before = now_of(work)
        if step in COMMANDS:
            work.begin_command(new_id())
            try:
                COMMANDS[step](work)
            except REFUSALS:
                work.forget()
                assert now_of(work) == before
            else:
                work.keep()
                assert now_of(work).version == before.version + 1
        else:
            step_heard(step, work, seqs, standing)
            assert now_of(work).version == before.version
        check(work, standing)


def tick(work: TriageWork) -> None:
    """As the ticker does it: each clock that has run out fires once, with a cause of its own."""
    for timer in [timer for timer in work.clocks_of(REFERRAL) if timer.is_due(work.now)]:
        work.begin_event(REFERRAL, new_id(), None)
        on_timer(work.put_timer(timer.fire()), work)
        work.keep()


def step_heard(step: str, work: TriageWork, seqs: Counter[str], standing: list[int]) -> None:
    producer = "intake" if step in ("block", "lift") else HEARD[step].TYPE.split(".")[2]
    seqs[producer] += 1
    if step == "block":
        standing.append(seqs[producer])
        hear(work, a_block(), seq=seqs[producer])
    elif step == "lift":
        hear(work, a_lift(*standing[:1]), seq=seqs[producer])
        del standing[:1]
    else:
        hear(work, HEARD[step], seq=seqs[producer])
    work.keep()


def check(work: TriageWork, standing: list[int]) -> None:
    referral = now_of(work)
    assert referral.responsible_code
    assert (referral.hop > 0) == (referral.office_code is not None)
    assert [halt.seq for halt in work.standing_halts(REFERRAL)] == sorted(standing)
    assert (referral.state is State.BLOCKED) <= bool(standing)
    told = Counter((type(one.recorded.model), one.recorded.causation_id) for one in work.numbered)
    assert set(told.values()) <= {1}
    assert sum(one.recorded.model.TYPE.endswith("referral_dispatched.v1") for one in work.numbered) == referral.hop
    breaches = [one.recorded.model for one in work.numbered if isinstance(one.recorded.model, DeadlineBreached)]
    assert len({(breach.clock, breach.key, breach.due_at) for breach in breaches}) == len(breaches)
    assert referral.overdue <= {timer.clock for timer in work.clocks_of(REFERRAL) if timer.state == "breached"}
    running = {timer.clock for timer in work.clocks_of(REFERRAL) if timer.state == "running"}
    if standing:
        assert not running
    if referral.state is State.RETURN_REQUESTED:
        assert not running & set(OF_OFFICE)
    duty = DUTIES[referral.state].clock
    if duty is not None and referral.state not in ENDED:
        assert work.find_clock(REFERRAL, duty, key(referral.hop, referral.returned.count, duty, work)) is not None
    for clock in OF_OFFICE:
        for hop in range(1, referral.hop):
            timer = work.find_clock(REFERRAL, clock, str(hop))
            assert timer is not None
            assert timer.state not in ("running", "paused"), (clock, hop)


def key(hop: int, returns: int, clock: Clock, work: TriageWork) -> str:
    if clock is Clock.DISPATCH:
        return "1"
    return str(returns) if clock is Clock.RETURN_ANSWER else str(hop)
