"""What followup shows of a watch."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from followup_svc.domain.watch import Watch, WatchState

EXAMPLE_ID = "0199aa00-0000-7000-8000-000000000001"


class WatchOut(BaseModel):
    """The watch over one referral. 分流单的跟踪。"""

    referral_id: UUID = Field(description="分流单编号。Referral id.", examples=[EXAMPLE_ID])
    state: WatchState = Field(description="跟踪状态。State of the watch.", examples=["watching"])
    cycle: int = Field(description="第几轮跟踪。Which round of watching.", examples=[1])
    opened_at: datetime = Field(description="跟踪开始时间。When it began.", examples=["2026-01-01T01:30:04.500Z"])
    hop: int = Field(description="第几次派单。Times dispatched.", examples=[1])
    office_code: str | None = Field(description="司法所代码。Judicial office.", examples=["310109010-SFS"])

    @classmethod
    def of(cls, watch: Watch) -> Self:
        return cls(
            referral_id=watch.referral_id,
            state=watch.state,
            cycle=watch.cycle,
            opened_at=watch.opened_at,
            hop=watch.hop,
            office_code=watch.office_code,
        )
