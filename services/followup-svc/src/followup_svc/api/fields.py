"""Fields that several answers and bodies share, described once."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis import instants
from pydantic import Field

EXAMPLE_ID = "0199aa00-0000-7000-8000-000000000001"
EXAMPLE_VISIT = "0199aa00-0000-7000-8000-000000000002"
CODE = r"^[a-z][a-z0-9_]*$"

ReferralIdField = Annotated[UUID, Field(description="分流单编号。Referral id.", examples=[EXAMPLE_ID])]
VisitIdField = Annotated[UUID, Field(description="回访编号。Id of the visit.", examples=[EXAMPLE_VISIT])]
CycleField = Annotated[int, Field(description="第几轮跟踪。Which round of watching.", examples=[1])]
OfficeField = Annotated[str | None, Field(description="司法所代码。Judicial office.", examples=["310109010-SFS"])]
CategoryField = Annotated[
    str | None, Field(description="纠纷类别，未定时为空。Category; null until judged.", examples=["neighbour"])
]
GradeField = Annotated[
    str | None, Field(description="风险等级，未定时为空。Risk grade; null until judged.", examples=["yellow"])
]
OutcomeField = Annotated[
    str | None,
    Field(
        description="结果，未定时为空：agreed、agreed_not_kept、terminated、no_consent、self_resolved、"
        "back_to_police、to_other_body。The outcome; null while unknown.",
        examples=["agreed"],
    ),
]
EscalationField = Annotated[
    int, Field(description="已提级至第几级，0 为未提级。Level of escalation reached; 0: none.", examples=[0])
]
HaltedField = Annotated[bool, Field(description="是否中止。Whether a block halts it.", examples=[False])]
Instant = Annotated[datetime, Field(description="时间。An instant.", examples=["2026-01-13T02:00:00Z"])]
GivenInstant = Annotated[
    instants.Instant,
    Field(description="时间，须含时区。An instant, with its offset.", examples=["2026-01-13T02:00:00Z"]),
]
Note = Annotated[
    str | None,
    Field(
        max_length=2000,
        description="备注，加密保存，不进入任何事件。Note, kept sealed and in no event.",
        examples=["双方表示邻里关系已恢复。"],
    ),
]
