"""The domain's refusals as problem responses: one table."""

from chassis.problem_handlers import Refusals
from chassis.problems import Problem, guard_refused, transition_refused

from mediation_svc.domain.errors import GuardRefused, ObligationUnknown, TransitionRefused, ValueRefused


def out_of_scope() -> Problem:
    return Problem(403, "out_of_scope", "该案件不在您的辖区。", "This case is outside your area.")


def not_opened() -> Problem:
    return Problem(404, "referral_not_opened", "没有这样的分流单。", "No referral of this id has been opened.")


def no_case() -> Problem:
    return Problem(404, "case_not_opened", "该分流单尚未移交调解。", "The referral has not been handed to mediation.")


def _of_guard(refusal: GuardRefused) -> Problem:
    return guard_refused(refusal.code, refusal.zh, refusal.en, basis=refusal.basis, concerns=list(refusal.concerns))


def _of_value(refusal: ValueRefused) -> Problem:
    return Problem(
        422, refusal.code, refusal.zh, refusal.en, field=refusal.field, value=refusal.value, known=list(refusal.known)
    )


def _of_obligation(_: ObligationUnknown) -> Problem:
    return Problem(
        404, "obligation_not_found", "现行协议没有这项义务。", "The present agreement has no such obligation."
    )


REFUSALS: Refusals = {
    TransitionRefused: lambda refusal: transition_refused(refusal.state, refusal.act, refusal.allowed),
    GuardRefused: _of_guard,
    ValueRefused: _of_value,
    ObligationUnknown: _of_obligation,
}
