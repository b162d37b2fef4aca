"""Return visits: what is due, and what people do about it."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from chassis.auth import Caller, require
from chassis.commands import Asked, command
from chassis.database import Database
from chassis.instants import Instant
from chassis.paging import DEFAULT_LIMIT, After, Cursor, Limit, Page
from chassis.problems import Problem, problems
from fastapi import APIRouter, Depends, Path, Query, Response

from followup_svc.api.asking import WatchCommands
from followup_svc.api.bodies import MissVisitIn, RecordVisitIn, WaiveVisitIn
from followup_svc.api.fields import EXAMPLE_VISIT
from followup_svc.api.models import VisitOut
from followup_svc.api.watches import READERS, OfficeQuery
from followup_svc.domain.visit import ReturnVisit, VisitState
from followup_svc.domain.watch import Watch
from followup_svc.store.reading import VisitFilter, list_visits, referral_of_visit
from followup_svc.store.work import FollowupWork
from followup_svc.use_cases.visiting import miss_visit, record_by_neighbour_worker, record_visit, waive_visit

Reader = Annotated[Caller, Depends(require(*READERS))]
ByVisitor = Annotated[Asked, Depends(command("visitor", "mediator"))]
ByBureau = Annotated[Asked, Depends(command("bureau_supervisor"))]
VisitIdPath = Annotated[UUID, Path(description="回访编号。Id of the visit.", examples=[EXAMPLE_VISIT])]
Act = Callable[[FollowupWork, Watch, ReturnVisit], ReturnVisit]


def visit_routes(database: Database, commands: WatchCommands) -> APIRouter:
    router = APIRouter(prefix="/v1/visits", tags=["回访 Visits"])
    _list_route(router, database)

    async def run(asked: Asked, action: str, visit_id: UUID, act: Act) -> Response:
        """A visit is changed under its watch: the same version, the same lock."""
        async with database.connection() as connection:
            referral_id = await referral_of_visit(connection, visit_id)
        if referral_id is None:
            raise Problem(404, "visit_not_found", "没有这次回访。", "There is no such visit.")

        def do(work: FollowupWork, watch: Watch) -> VisitOut:
            visit = work.visits.find(watch.referral_id, visit_id)
            assert visit is not None, "a visit is never deleted"
            return VisitOut.of(act(work, watch, visit), office_code=watch.office_code)

        return await commands.run(asked, action, referral_id, do)

    @router.post(
        "/{visit_id}/record",
        operation_id="recordVisit",
        summary="记录回访 Record a visit",
        response_model=VisitOut,
        responses=problems(404, 409, 412, 428),
    )
    async def record(visit_id: VisitIdPath, body: RecordVisitIn, asked: ByVisitor) -> Response:
        """到期的回访已完成；结论可能追加回访或提级。A visit that was due is made; it may ask for another, or go up."""
        told = body.command(by=asked.by.sub)
        return await run(asked, "record_visit", visit_id, lambda *at: record_visit(told, *at))

    @router.post(
        "/{visit_id}/miss",
        operation_id="missVisit",
        summary="未联系上 Nobody was reached",
        response_model=VisitOut,
        responses=problems(404, 409, 412, 428),
    )
    async def miss(visit_id: VisitIdPath, body: MissVisitIn, asked: ByVisitor) -> Response:
        """不同日期和时段再试；试满后由社区工作者代访或免访。Tried again another day; after the last, others may."""
        return await run(asked, "miss_visit", visit_id, lambda *at: miss_visit(*at, note=body.note))

    @router.post(
        "/{visit_id}/neighbour-record",
        operation_id="recordVisitByNeighbourWorker",
        summary="社区工作者代访 By a neighbourhood worker",
        response_model=VisitOut,
        responses=problems(404, 409, 412, 428),
    )
    async def by_neighbour_worker(visit_id: VisitIdPath, body: RecordVisitIn, asked: ByVisitor) -> Response:
        """仅在联系满次数仍联系不上之后。Only after every try has failed."""
        told = body.command(by=asked.by.sub)
        return await run(
            asked, "record_visit_by_neighbour", visit_id, lambda *at: record_by_neighbour_worker(told, *at)
        )

    @router.post(
        "/{visit_id}/waive",
        operation_id="waiveVisit",
        summary="免访 Waive a visit",
        response_model=VisitOut,
        responses=problems(404, 409, 412, 428),
    )
    async def waive(visit_id: VisitIdPath, body: WaiveVisitIn, asked: ByBureau) -> Response:
        """由有权人员按清单原因免访。By a person with the right, for a reason of the list."""

        def act(work: FollowupWork, watch: Watch, visit: ReturnVisit) -> ReturnVisit:
            return waive_visit(work, watch, visit, reason=body.reason, by=asked.by.sub, note=body.note)

        return await run(asked, "waive_visit", visit_id, act)

    return router


def _list_route(router: APIRouter, database: Database) -> None:
    @router.get("", operation_id="listVisits", summary="待访列表 Visits", responses=problems(401, 403, 422, 503))
    async def read_visits(
        by: Reader,
        state: Annotated[
            VisitState | None,
            Query(description="状态，缺省为未完成的。State; without it those still open.", examples=["due"]),
        ] = None,
        due_before: Annotated[
            Instant | None,
            Query(description="在此之前到期。Due before.", examples=["2026-01-14T00:00:00Z"]),
        ] = None,
        office_code: OfficeQuery = None,
        limit: Limit = DEFAULT_LIMIT,
        after: After = None,
    ) -> Page[VisitOut]:
        """本辖区内的回访，先到期者在前。Visits of your area, the first due first."""
        cursor = Cursor.decode(after, datetime, UUID)
        wanted = VisitFilter(by.scope_path, state, due_before, office_code)
        async with database.connection() as connection:
            rows = await list_visits(connection, wanted, after=(cursor[0], cursor[1]) if cursor else None, limit=limit)
        return Page[VisitOut].of(
            rows,
            limit=limit,
            show=lambda row: VisitOut.of(row[0], office_code=row[1]),
            key=lambda row: (row[0].due_at, row[0].visit_id),
        )
