"""`…/clocks`: every clock of a referral with the rule and the calendar that set it, its pauses, and when it fires."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from chassis.auth import Caller, require
from chassis.database import Database
from chassis.problems import Problem, problems
from chassis.texts_routes import EXAMPLE_ID, ScopeOf, is_in_sight
from chassis.timers_store import TimerStatements
from chassis.timers_timer import Pause, Timer, TimerState
from chassis.workdays import Due

MOST_SHOWN = 1000


class PauseOut(BaseModel):
    """A stretch in which a clock stood still. 时限中止区间。"""

    reason: str = Field(description="中止原因代码。Code of the reason.", examples=["halted"])
    since: datetime = Field(description="中止时间。When it stopped.", examples=["2026-01-01T02:00:00Z"])
    until: datetime | None = Field(
        default=None,
        description="恢复时间，未恢复则为空。When it went on; null: not yet.",
        examples=["2026-01-01T03:00:00Z"],
    )

    @classmethod
    def of(cls, pause: Pause) -> "PauseOut":
        return cls(reason=pause.reason, since=pause.since, until=pause.until)


class ClockOut(BaseModel):
    """One clock, and everything that decided its instant. 一项时限及其依据。"""

    clock: str = Field(description="时限名称代码。Code of the clock.", examples=["sign_for"])
    key: str | None = Field(
        default=None, description="同名时限的区分标识。Tells apart clocks of one name.", examples=["obligation-1"]
    )
    state: TimerState = Field(
        description="状态：running 计时，paused 中止，met 完成，breached 超期，cancelled 取消，failed 处理失败。"
        "running, paused, met, breached, cancelled, or failed: it fired and could not be acted on.",
        examples=["running"],
    )
    rule: str = Field(description="所依规则版本。Version of the rule that set it.", examples=["clocks-2026.1"])
    span: str = Field(
        description="期限：min/nh 自然时间，h 工作小时，d 自然日，wd 工作日；@ 为指定日期或时刻。"
        "The span: min and nh clock time, h working hours, d natural days, wd working days; @ a given day or instant.",
        examples=["4h"],
    )
    calendar: str = Field(
        description="工作日历版本与来源；none 表示不依日历。Version and sources of the calendar; none: it needs none.",
        examples=["chinesecalendar-1.11.0/chinesecalendar"],
    )
    warning: str | None = Field(
        default=None,
        description="提示：跨入尚未公布放假安排的年份。Said when holidays of a year it crosses are not announced.",
        examples=["weekends_only"],
    )
    started_at: datetime = Field(description="起算时间。When it started.", examples=["2026-01-01T01:30:00Z"])
    due_at: datetime = Field(description="到期时间。When it runs out.", examples=["2026-01-01T05:30:00Z"])
    fires_at: datetime | None = Field(
        default=None,
        description="下次触发时间，不再触发则为空。When it fires next; null: it does not.",
        examples=["2026-01-01T05:30:00Z"],
    )
    ended_at: datetime | None = Field(
        default=None,
        description="完成或取消时间；超期后补完成亦在此。When it was met or cancelled, also after a breach.",
        examples=["2026-01-01T03:10:00Z"],
    )
    pauses: list[PauseOut] = Field(description="中止区间。Stretches in which it stood still.", examples=[[]])

    @classmethod
    def documented(cls) -> dict[str, Any]:
        """The clock that the examples of the fields make."""
        return {name: field.examples[0] for name, field in cls.model_fields.items() if field.examples}

    @classmethod
    def of(cls, timer: Timer) -> "ClockOut":
        provisional = Due(timer.due_at, timer.calendar).is_provisional
        return cls(
            clock=timer.clock, key=timer.key or None, state=timer.state, rule=timer.rule, span=timer.span,
            calendar=timer.calendar, warning="weekends_only" if provisional else None, started_at=timer.started_at,
            due_at=timer.due_at, fires_at=timer.due_at if timer.state is TimerState.RUNNING else None,
            ended_at=timer.ended_at, pauses=[PauseOut.of(pause) for pause in timer.pauses],
        )  # fmt: skip


class FailedClockOut(ClockOut):
    """A clock that fired in vain, and whose it is. 处理失败的时限。"""

    referral_id: UUID = Field(description="分流单编号。Referral id.", examples=[EXAMPLE_ID])


class ClocksOut(BaseModel):
    """The clocks of one referral in this service, the next to fire first. 本服务中某分流单的时限。"""

    referral_id: UUID = Field(description="分流单编号。Referral id.", examples=[EXAMPLE_ID])
    clocks: list[ClockOut] = Field(description="各项时限。The clocks.", examples=[[ClockOut.documented()]])
    truncated: bool = Field(
        default=False, description="是否因过多而未全部列出。Whether more exist than are shown.", examples=[False]
    )


async def read_clocks(connection: asyncpg.Connection, schema: str, referral_id: UUID) -> ClocksOut:
    """For routes of a service's own, such as those that find the referral by something else."""
    timers = await TimerStatements(schema).load(connection, [referral_id])
    timers.sort(key=lambda timer: (timer.state is not TimerState.RUNNING, timer.due_at, timer.name))
    return ClocksOut(
        referral_id=referral_id,
        clocks=[ClockOut.of(timer) for timer in timers[:MOST_SHOWN]],
        truncated=len(timers) > MOST_SHOWN,
    )


def clock_routes(
    database: Database, schema: str, roles: Sequence[str], scope_of: ScopeOf, *, path: str = "/v1/referrals"
) -> APIRouter:
    """`GET {path}/{referral_id}/clocks`. `scope_of` raises the 404 of a referral that the service does not know."""
    router = APIRouter(tags=["时限 Clocks"])

    @router.get(
        f"{path}/{{referral_id}}/clocks",
        operation_id="listClocks",
        summary="时限 Clocks",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def list_clocks(
        referral_id: Annotated[UUID, InPath(description="分流单编号。Referral id.", examples=[EXAMPLE_ID])],
        by: Annotated[Caller, Depends(require(*roles))],
    ) -> ClocksOut:
        """每项时限的规则、日历来源、中止与下次触发。Each clock's rule, calendar source, pauses and next firing."""
        async with database.connection() as connection:
            if not is_in_sight(by, await scope_of(connection, referral_id)):
                raise Problem(403, "out_of_scope", "该分流单不在您的辖区。", "This referral is outside your area.")
            return await read_clocks(connection, schema, referral_id)

    return router
