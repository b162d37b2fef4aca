"""The story of a referral, over all four services: what was stated, by whom, when; codes and no words."""

from datetime import UTC, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from chassis.auth import Caller, require
from chassis.database import Database
from chassis.paging import DEFAULT_LIMIT, After, Cursor, Limit, Page
from chassis.problems import problems
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from referral_schemas.registry import EVENTS

from followup_svc.api.asking import demand_sight
from followup_svc.api.fields import EXAMPLE_ID
from followup_svc.api.scopes import scope_of
from followup_svc.api.watches import ReferralIdPath
from followup_svc.domain.timeline import TimelineEntry
from followup_svc.store.timeline import list_entries

Reader = Annotated[
    Caller,
    Depends(
        require("office_clerk", "mediator", "visitor", "bureau_supervisor", "city_supervisor", "ops", "auditor")
    ),
]  # fmt: skip
_UNKNOWN = "其他事件 · An event of a type not known here"
_START = (datetime.min.replace(tzinfo=UTC), UUID(int=0))


class TimelineEntryOut(BaseModel):
    """One fact that a service stated. 一项已发生的事实。"""

    at: datetime = Field(description="发布时间。When it was stated.", examples=["2026-01-01T01:30:04Z"])
    service: str = Field(description="由哪个服务发布。Service that stated it.", examples=["triage"])
    number: int = Field(description="该服务对本单的第几项事实。Its number in that service's stream.", examples=[2])
    type: str = Field(
        description="事件类型。Type of the event.", examples=["cn.liandong.triage.referral_dispatched.v1"]
    )
    title_zh: str = Field(description="中文标题。Title in Chinese.", examples=["已派单至司法所"])
    title_en: str = Field(
        description="英文标题。Title in English.", examples=["A judicial office has been given the referral"]
    )
    event_id: UUID = Field(description="事件编号。Id of the event.", examples=[EXAMPLE_ID])
    codes: dict[str, Any] = Field(
        description="代码、编号与时间，不含任何人的话。Codes, ids and instants; nobody's words.",
        examples=[{"hop": 1, "office_code": "310109010-SFS"}],
    )

    @classmethod
    def of(cls, entry: TimelineEntry) -> Self:
        model = EVENTS.get(entry.type)
        zh, _, en = (model.MEANS if model else _UNKNOWN).partition(" · ")
        return cls(
            at=entry.at, service=entry.producer, number=entry.seq, type=entry.type, title_zh=zh, title_en=en,
            event_id=entry.event_id, codes=dict(entry.codes),
        )  # fmt: skip


def timeline_routes(database: Database) -> APIRouter:
    router = APIRouter(prefix="/v1/referrals", tags=["时间线 Timeline"])

    @router.get(
        "/{referral_id}/timeline",
        operation_id="readTimeline",
        summary="时间线 Timeline",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def read_timeline(
        referral_id: ReferralIdPath, by: Reader, limit: Limit = DEFAULT_LIMIT, after: After = None
    ) -> Page[TimelineEntryOut]:
        """四个服务就本单发布的全部事实，先后有序。Everything the four services stated of this referral, in order."""
        cursor = Cursor.decode(after, datetime, UUID)
        async with database.connection() as connection:
            demand_sight(by, await scope_of(connection, referral_id))
            entries = await list_entries(
                connection, referral_id, after=(cursor[0], cursor[1]) if cursor else _START, limit=limit
            )
        return Page[TimelineEntryOut].of(
            entries, limit=limit, show=TimelineEntryOut.of, key=lambda entry: (entry.at, entry.event_id)
        )

    return router
