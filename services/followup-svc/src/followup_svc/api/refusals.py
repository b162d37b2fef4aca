"""The domain's refusals as problems: what is allowed instead, or which rule stands in the way and its basis."""

from collections.abc import Callable, Mapping
from typing import Any

from chassis.problems import Problem

from followup_svc.domain.errors import ActRefused, ClosingRefused, TransitionRefused
from followup_svc.domain.obstacles import Obstacle


def move_refused(error: TransitionRefused) -> Problem:
    allowed = list(error.allowed)
    return Problem(
        409,
        "transition_refused",
        f"当前状态为 {error.state}，不允许 {error.act}；允许：{'、'.join(allowed) or '无'}。",
        f"{error.act} is not allowed in state {error.state}; allowed: {', '.join(allowed) or 'nothing'}.",
        state=str(error.state),
        act=str(error.act),
        allowed=allowed,
    )


def act_refused(error: ActRefused) -> Problem:
    return Problem(409, error.code, error.zh, error.en, basis=error.basis)


def closing_refused(error: ClosingRefused) -> Problem:
    return refused_by([unmet(obstacle) for obstacle in error.obstacles])


def refused_by(conditions: list[dict[str, object]]) -> Problem:
    codes = ", ".join(str(condition["code"]) for condition in conditions)
    return Problem(
        409,
        "closing_refused",
        f"尚不能结案，未满足的条件：{codes}。",
        f"It cannot be closed yet; conditions not met: {codes}.",
        unmet=conditions,
    )


def unmet(obstacle: Obstacle) -> dict[str, object]:
    return {
        "code": str(obstacle.code),
        "zh": obstacle.zh,
        "en": obstacle.en,
        "basis": obstacle.basis,
        "subjects": list(obstacle.subjects),
    }


REFUSALS: Mapping[type[Exception], Callable[[Any], Problem]] = {
    TransitionRefused: move_refused,
    ActRefused: act_refused,
    ClosingRefused: closing_refused,
}
