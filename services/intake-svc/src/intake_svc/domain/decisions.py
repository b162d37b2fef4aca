"""What people decide on a call, and what becomes of it then. The table in `call` allows; guards here refuse by rule."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from intake_svc.domain.blocks import POLICE, SCREENER
from intake_svc.domain.call import Act, Call, CallState, Decided, Errand, ReferralId
from intake_svc.domain.errors import GuardRefused, OfAnother, TransitionRefused


class Decision(StrEnum):
    """Of a screener, and of the police on what they have kept."""

    REFER = "refer"
    RETAIN = "retain"
    TO_OTHER_BODY = "to_other_body"
    INVALID = "invalid"
    LINK = "link"


class ReturnDecision(StrEnum):
    """Of the police, on a referral that came back to them."""

    REFER_AGAIN = "refer_again"
    RETAIN = "retain"
    TO_OTHER_BODY = "to_other_body"


_ACTS: Mapping[Decision, Act] = {
    Decision.REFER: Act.REFER,
    Decision.RETAIN: Act.RETAIN,
    Decision.TO_OTHER_BODY: Act.SEND_TO_OTHER_BODY,
    Decision.INVALID: Act.INVALIDATE,
    Decision.LINK: Act.LINK,
}
_RETURN_ACTS: Mapping[ReturnDecision, Act] = {
    ReturnDecision.REFER_AGAIN: Act.REFER_AGAIN,
    ReturnDecision.RETAIN: Act.RETAIN,
    ReturnDecision.TO_OTHER_BODY: Act.SEND_TO_OTHER_BODY,
}


@dataclass(frozen=True, slots=True)
class DecisionRules:
    """The reasons and bodies offered to people; a deployment brings its own lists."""

    version: str
    reasons: Mapping[str, Mapping[str, tuple[str, str]]]
    bodies: Mapping[str, tuple[str, str]]

    def reasons_for(self, what: str) -> tuple[str, ...]:
        return tuple(self.reasons.get(what, {}))


def deciding_role(call: Call, roles: frozenset[str]) -> str:
    """In which role the caller decides on this call; raises OfAnother. What the police keep, the police decide."""
    wanted = POLICE if call.state is CallState.RETAINED_BY_POLICE else SCREENER
    if wanted not in roles:
        raise OfAnother((wanted,))
    return wanted


def screened(call: Call, decided: Decided, *, link_to: ReferralId | None = None) -> Call:
    """The call after a person's decision; raises TransitionRefused.

    `refer` and `link` only leave an errand: the linking worker carries it out, since matches may be looked for under
    identity locks alone, and those come before every stream (DELIVERY §1). `retain` leaves one too: an open referral
    of the same event must be halted. A call that had been referred before is referred again at once.
    """
    decision = Decision(decided.decision)
    if call.state is CallState.RETURNED:  # what came back is answered, not screened: whoever sent it is told so
        raise TransitionRefused(call.state, decision, call.allowed_acts())
    state = call.next_state(_ACTS[decision])
    after = replace(call, decided=decided).without_errand().changed_by_people()
    if decision is Decision.REFER and call.has_opened:
        return replace(after, state=state, hop=call.hop + 1)
    if decision in (Decision.REFER, Decision.LINK):
        errand = Errand.REFER if decision is Decision.REFER else Errand.LINK
        return replace(after, errand=errand, errand_version=call.version, errand_link_to=link_to)
    if decision is Decision.RETAIN:
        return replace(after, state=state, errand=Errand.WARN, errand_version=call.version)
    return replace(after, state=state)


def return_decided(call: Call, decided: Decided) -> Call:
    """The police's answer to a referral that came back; raises TransitionRefused."""
    decision = ReturnDecision(decided.decision)
    if call.state is not CallState.RETURNED:
        call.next_state(Act.REFER_AGAIN)  # refused, with what is allowed instead
    state = call.next_state(_RETURN_ACTS[decision])
    hop = call.hop + 1 if decision is ReturnDecision.REFER_AGAIN else call.hop
    return replace(call, state=state, decided=decided, hop=hop).changed_by_people()


def withdrawn(call: Call, decided: Decided) -> Call:
    """The source takes the call back; a referral that it opened goes on until the office has asked the parties."""
    state = call.next_state(Act.WITHDRAW)
    return replace(call, state=state, decided=decided).without_errand().changed_by_people()


def came_back(call: Call, hop: int) -> Call:
    """The referral ended with the police. What has left REFERRED meanwhile stays where people have put it."""
    after = replace(call, hop=max(call.hop, hop))
    return replace(after, state=CallState.RETURNED) if call.state is CallState.REFERRED else after


def refuse_joining(target: Call | None) -> None:
    """Raises GuardRefused: a call joins only a referral whose opening call is REFERRED (CONTRACTS §2)."""
    if target is None or not target.has_opened or target.state is not CallState.REFERRED:
        raise GuardRefused(
            "not_joinable",
            "只能并入已分流且仍在办理的分流单。",
            "Only a referral that is open, its first call referred, can be joined.",
        )
