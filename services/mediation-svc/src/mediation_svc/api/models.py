"""What mediation shows of a referral."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from mediation_svc.domain.mirror import Mirror, MirrorState

EXAMPLE_ID = "0199aa00-0000-7000-8000-000000000001"


class MirrorOut(BaseModel):
    """A referral as mediation knows it. 调解所知的分流单。"""

    referral_id: UUID = Field(description="分流单编号。Referral id.", examples=[EXAMPLE_ID])
    state: MirrorState = Field(description="已知悉或已派单。Noted, or dispatched.", examples=["dispatched"])
    opened_at: datetime | None = Field(description="生成时间。When it opened.", examples=["2026-01-01T01:30:02.125Z"])
    calls: int = Field(description="警情数。Calls of this dispute.", examples=[1])
    category: str | None = Field(description="纠纷类别。Category.", examples=["neighbour"])
    grade: str | None = Field(description="风险等级。Risk grade.", examples=["yellow"])
    hop: int = Field(description="第几次派单。Times dispatched.", examples=[1])
    office_code: str | None = Field(description="司法所代码。Judicial office.", examples=["310109010-SFS"])
    dispatched_at: datetime | None = Field(description="派单时间。When.", examples=["2026-01-01T01:30:02.500Z"])

    @classmethod
    def of(cls, mirror: Mirror) -> Self:
        return cls(
            referral_id=mirror.referral_id,
            state=mirror.state,
            opened_at=mirror.opened_at,
            calls=mirror.calls,
            category=mirror.category,
            grade=mirror.grade,
            hop=mirror.hop,
            office_code=mirror.office_code,
            dispatched_at=mirror.dispatched_at,
        )
