"""The domain's refusals as problems: one table for every route."""

from chassis.problem_handlers import Refusals
from chassis.problems import Problem

from intake_svc.domain.errors import GuardRefused, OfAnother, TransitionRefused


def _transition(refused: TransitionRefused) -> Problem:
    return Problem(
        409,
        "not_allowed_now",
        "当前状态不允许该操作。",
        "Not allowed in the present state.",
        state=str(refused.state),
        act=str(refused.act),
        allowed=[str(act) for act in refused.allowed],
    )


def _guard(refused: GuardRefused) -> Problem:
    return Problem(
        409, refused.code, refused.zh, refused.en, basis=refused.basis, concerns=[str(one) for one in refused.concerns]
    )


def _other_role(refused: OfAnother) -> Problem:
    return Problem(
        403,
        "role_required",
        "须由其他角色决定。",
        "Somebody in another role decides this.",
        roles=sorted(refused.roles),
    )


REFUSALS: Refusals = {TransitionRefused: _transition, GuardRefused: _guard, OfAnother: _other_role}
