"""The domain's refusals as problem responses: one table."""

from chassis.problem_handlers import Refusals
from chassis.problems import Problem

from triage_svc.domain.errors import GuardRefused, OfAnother, OutOfScope, TransitionRefused, ValueRefused


def out_of_scope() -> Problem:
    return Problem(403, "out_of_scope", "不在您的辖区。", "This is outside your area.")


def not_opened() -> Problem:
    return Problem(404, "referral_not_opened", "没有这个分流单。", "There is no referral of this id.")


def _of_transition(refusal: TransitionRefused) -> Problem:
    allowed = "、".join(refusal.allowed)
    return Problem(
        409,
        "transition_refused",
        f"当前状态 {refusal.state} 不允许 {refusal.act}；可办理：{allowed or '无'}。",
        f"`{refusal.act}` is not allowed in state {refusal.state}; allowed: {', '.join(refusal.allowed) or 'nothing'}.",
        state=refusal.state,
        act=refusal.act,
        allowed=list(refusal.allowed),
    )


def _of_guard(refusal: GuardRefused) -> Problem:
    return Problem(409, refusal.code, refusal.zh, refusal.en, basis=refusal.basis, concerns=list(refusal.concerns))


def _of_another(refusal: OfAnother) -> Problem:
    return Problem(403, refusal.code, refusal.zh, refusal.en, roles=list(refusal.roles))


def _of_value(refusal: ValueRefused) -> Problem:
    return Problem(
        422, refusal.code, refusal.zh, refusal.en, field=refusal.field, value=refusal.value, known=list(refusal.known)
    )


REFUSALS: Refusals = {
    TransitionRefused: _of_transition,
    GuardRefused: _of_guard,
    OfAnother: _of_another,
    ValueRefused: _of_value,
    OutOfScope: lambda _: out_of_scope(),
}
