"""What a command on a watch answers: how it stands now."""

from collections.abc import Sequence
from typing import Self

from pydantic import BaseModel, Field

from followup_svc.api.fields import CycleField, EscalationField, OutcomeField, ReferralIdField
from followup_svc.api.models import ObstacleOut
from followup_svc.domain.obstacles import Obstacle
from followup_svc.domain.watch import Watch, WatchState


class WatchStateOut(BaseModel):
    """How the watch stands after the command. 操作后的状态。"""

    referral_id: ReferralIdField
    state: WatchState = Field(description="跟踪状态。State of the watch.", examples=["closed"])
    cycle: CycleField
    outcome: OutcomeField
    escalation: EscalationField
    waits_for: list[ObstacleOut] = Field(
        default=[],
        description="结案所等待的条件；满足后自动结案。What the closing waits for; it is tried again by itself.",
        examples=[[]],
    )

    @classmethod
    def of(cls, watch: Watch, waits_for: Sequence[Obstacle] = ()) -> Self:
        return cls(
            referral_id=watch.referral_id, state=watch.state, cycle=watch.cycle, outcome=watch.outcome,
            escalation=watch.escalation, waits_for=[ObstacleOut.of(one) for one in waits_for],
        )  # fmt: skip
