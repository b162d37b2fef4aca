"""The clocks of a call, found by the source's number as everything of a call is."""

from typing import Annotated

from chassis.auth import Caller, require
from chassis.database import Database
from chassis.problems import problems
from chassis.timers import ClocksOut, read_clocks
from fastapi import APIRouter, Depends

from intake_svc.api.access import READERS
from intake_svc.api.path_words import CallNumber, SourceName
from intake_svc.api.screen_routes import CALL
from intake_svc.api.seeing import call_seen_by
from intake_svc.store.tables import SCHEMA


def clocks_route(database: Database) -> APIRouter:
    router = APIRouter(tags=["时限 Clocks"])

    @router.get(
        f"{CALL}/clocks",
        operation_id="readCallClocks",
        summary="警情的时限 The clocks of a call",
        response_model=ClocksOut,
        responses=problems(401, 403, 404, 422, 503),
    )
    async def read(
        source: SourceName, call_no: CallNumber, by: Annotated[Caller, Depends(require(*READERS))]
    ) -> ClocksOut:
        """规则、工作日历来源、中止与下次触发。Rule, source of the calendar, pauses and next firing."""
        async with database.connection() as connection:
            view = await call_seen_by(by, connection, source, call_no)
            return await read_clocks(connection, SCHEMA, view.call["referral_id"])

    return router
