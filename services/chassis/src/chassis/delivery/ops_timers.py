"""Clocks that fired and could not be acted on: what operators see of them, and how they are fired again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath

from chassis import audit
from chassis.database import Database
from chassis.delivery.ops_operators import Operator, Reader, Referral, not_there
from chassis.paging import DEFAULT_LIMIT, After, Cursor, Limit, Page
from chassis.problems import problems, request_id_of
from chassis.timers_routes import ClockOut, FailedClockOut
from chassis.timers_store import timer_from

Clock = Annotated[
    str, InPath(pattern="^[a-z][a-z0-9_]{0,59}$", description="时限名称代码。Code of the clock.", examples=["sign_for"])
]
Key = Annotated[str, Query(max_length=200, description="同名时限的区分标识。Tells apart clocks of one name.")]


def timer_routes(router: APIRouter, database: Database, schema: str, wake: Callable[[], None]) -> None:
    @router.get(
        "/timers/failed",
        operation_id="listFailedTimers",
        summary="处理失败的时限 Failed clocks",
        responses=problems(401, 403, 422, 503),
    )
    async def list_failed(_: Reader, limit: Limit = DEFAULT_LIMIT, after: After = None) -> Page[FailedClockOut]:
        """已触发而未能处理的时限。Clocks that fired and whose consequence could not be recorded."""
        from_place = Cursor.decode(after, str, str, str)
        async with database.connection() as connection:
            rows = await connection.fetch(
                f"""SELECT referral_id, clock, key, span, started_at, due_at, rule, calendar, state, pauses, ended_at,
                        silent FROM {schema}.timer
                    WHERE state = 'failed' AND ($1::text IS NULL OR (referral_id, clock, key) > ($1::uuid, $2, $3))
                    ORDER BY referral_id, clock, key LIMIT $4""",
                *(from_place or (None, "", "")),
                limit + 1,
            )
        return Page[FailedClockOut].of(
            [timer_from(row) for row in rows],
            limit=limit,
            show=lambda timer: FailedClockOut(
                referral_id=timer.referral_id, **ClockOut.of(timer).model_dump(exclude={"referral_id"})
            ),
            key=lambda timer: (str(timer.referral_id), timer.clock, timer.key),
        )

    @router.post(
        "/timers/{referral_id}/{clock}/retry",
        operation_id="retryTimer",
        status_code=202,
        summary="重新触发 Fire again",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def retry_timer(
        referral_id: Referral, clock: Clock, by: Operator, request: Request, key: Key = ""
    ) -> dict[str, str]:
        """处理程序修复后由工作进程再次触发。The worker fires it again, as after a repair."""
        async with database.transaction() as connection:
            await connection.execute(f"SELECT 1 FROM {schema}.stream WHERE referral_id = $1 FOR UPDATE", referral_id)
            status = await connection.execute(
                f"""UPDATE {schema}.timer SET state = 'running'
                    WHERE referral_id = $1 AND clock = $2 AND key = $3 AND state = 'failed'""",
                referral_id,
                clock,
                key,
            )
            if status != "UPDATE 1":
                raise not_there("no_failed_timer")
            await audit.note(
                connection, by=by, action="retry_timer", subject=referral_id,
                request_id=request_id_of(request.scope), detail={"clock": clock, "key": key}, schema=schema,
            )  # fmt: skip
        wake()
        return {"referral_id": str(referral_id), "clock": clock, "state": "running"}
