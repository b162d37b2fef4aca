"""Decisions of people on a call, in memory: what becomes of it, which clocks stop, what others are told."""

from intake_svc.domain.blocks import BlockRules
from intake_svc.domain.call import Call, Decided, ReferralId
from intake_svc.domain.decisions import (
    Decision,
    ReturnDecision,
    refuse_joining,
    return_decided,
    screened,
    withdrawn,
)
from intake_svc.domain.facts import CallWithdrawn, ReferredAgain, ReturnDecided
from intake_svc.store.work import IntakeWork
from intake_svc.use_cases.running_clocks import RETURN_ANSWER, keep_desk_clocks, meet_told


def screen_call(
    call: Call, decided: Decided, work: IntakeWork, *, rules: BlockRules, link_to: ReferralId | None = None
) -> Call:
    """Raises TransitionRefused and GuardRefused. `link_to` must be locked too."""
    after = screened(call, decided, link_to=link_to)
    decision = Decision(decided.decision)
    if decision in (Decision.REFER, Decision.LINK):
        rules.refuse_what_stands(work.blocks_of(call.call_id))
    if decision is Decision.LINK:
        refuse_joining(work.call_of(link_to) if link_to else None)
    work.calls.put(call.call_id, after)
    keep_desk_clocks(work, call, after)
    if after.hop > call.hop:
        work.tell(call.referral_id, ReferredAgain(after.hop))
    return after


def decide_return(call: Call, decided: Decided, work: IntakeWork, *, rules: BlockRules) -> Call:
    """The police's answer to a referral that came back. Raises TransitionRefused and GuardRefused."""
    after = return_decided(call, decided)
    decision = ReturnDecision(decided.decision)
    if decision is ReturnDecision.REFER_AGAIN:
        rules.refuse_what_stands(work.blocks_of(call.call_id))
    work.calls.put(call.call_id, after)
    work.tell(call.referral_id, ReturnDecided(decision, work.now))
    if decision is ReturnDecision.REFER_AGAIN:
        work.tell(call.referral_id, ReferredAgain(after.hop))
    meet_told(work, call.referral_id, [(RETURN_ANSWER, "")])
    keep_desk_clocks(work, call, after)
    return after


def withdraw_call(call: Call, decided: Decided, work: IntakeWork) -> Call:
    """Raises TransitionRefused. Whoever already handles the dispute hears of it and asks the parties."""
    after = withdrawn(call, decided)
    work.calls.put(call.call_id, after)
    if call.speaks_in is not None:
        work.tell(call.speaks_in, CallWithdrawn(after))
    keep_desk_clocks(work, call, after)
    return after
