"""Watches: the list, one of them, and what people do to it besides visiting and closing."""

from typing import Annotated, Literal
from uuid import UUID

from chassis.auth import Caller, require
from chassis.commands import Asked, command, etag
from chassis.database import Database
from chassis.paging import DEFAULT_LIMIT, After, Cursor, Limit, Page
from chassis.problems import Problem, problems
from fastapi import APIRouter, Depends, Path, Query, Response

from followup_svc.api.asking import WatchCommands, demand_sight, not_watched
from followup_svc.api.bodies import AnswerIn, EscalateIn, ReopenIn, SuperviseIn
from followup_svc.api.fields import EXAMPLE_ID
from followup_svc.api.models import OrderOut, WatchLineOut, WatchOut
from followup_svc.api.states import WatchStateOut
from followup_svc.domain.watch import Watch, WatchState
from followup_svc.store.reading import WatchFilter, find_watch, list_watches
from followup_svc.store.work import FollowupWork
from followup_svc.use_cases.pressing import escalate
from followup_svc.use_cases.reopening import reopen
from followup_svc.use_cases.supervising import OrderSupervision, answer_supervision, supervise

READERS = (
    "visitor", "mediator", "committee_head", "office_clerk", "dispatcher", "bureau_supervisor", "city_supervisor",
    "ops", "auditor",
)  # fmt: skip
SUPERVISORS = ("bureau_supervisor", "city_supervisor")
Reader = Annotated[Caller, Depends(require(*READERS))]
ByVisitorOrSupervisor = Annotated[Asked, Depends(command("visitor", "mediator", *SUPERVISORS))]
BySupervisor = Annotated[Asked, Depends(command(*SUPERVISORS))]
ByBureau = Annotated[Asked, Depends(command("bureau_supervisor"))]
ByAddressee = Annotated[Asked, Depends(command("office_clerk", "mediator", "committee_head", "visitor", *SUPERVISORS))]
ReferralIdPath = Annotated[UUID, Path(description="分流单编号。Referral id.", examples=[EXAMPLE_ID])]
OrderIdPath = Annotated[UUID, Path(description="督办单编号。Id of the order.", examples=[EXAMPLE_ID])]
OfficeQuery = Annotated[
    str | None, Query(max_length=40, description="司法所代码。Judicial office.", examples=["310109010-SFS"])
]


def watch_routes(database: Database, commands: WatchCommands) -> APIRouter:
    router = APIRouter(prefix="/v1/watches", tags=["跟踪 Watches"])
    _read_routes(router, database)
    _pressing_routes(router, commands)

    @router.post(
        "/{referral_id}/reopen",
        operation_id="reopenReferral",
        summary="重新办理 Reopen",
        response_model=WatchStateOut,
        responses=problems(404, 409, 412, 428),
    )
    async def reopen_referral(referral_id: ReferralIdPath, body: ReopenIn, asked: ByBureau) -> Response:
        """已结案的分流单进入下一轮。A closed referral goes round again."""

        def do(work: FollowupWork, watch: Watch) -> WatchStateOut:
            work.rules.conduct.demand_reopening(body.reason)
            reopened = reopen(work, watch, target=body.target, reason=body.reason)
            work.keep_text("reopening_note", body.note)
            return WatchStateOut.of(reopened)

        return await commands.run(asked, "reopen_referral", referral_id, do)

    return router


def _read_routes(router: APIRouter, database: Database) -> None:
    @router.get("", operation_id="listWatches", summary="跟踪列表 Watches", responses=problems(401, 403, 422, 503))
    async def read_watches(
        by: Reader,
        state: Annotated[WatchState | None, Query(description="跟踪状态。State.", examples=["anchored"])] = None,
        office_code: OfficeQuery = None,
        category: Annotated[
            str | None, Query(max_length=40, description="纠纷类别。Category.", examples=["neighbour"])
        ] = None,
        grade: Annotated[
            Literal["red", "orange", "yellow", "blue"] | None, Query(description="风险等级。Grade.", examples=["red"])
        ] = None,
        halted: Annotated[bool | None, Query(description="是否中止。Whether halted.", examples=[False])] = None,
        overdue: Annotated[bool | None, Query(description="是否逾期。Whether overdue.", examples=[True])] = None,
        limit: Limit = DEFAULT_LIMIT,
        after: After = None,
    ) -> Page[WatchLineOut]:
        """本辖区内的跟踪，按分流单先后。Watches of your area, the oldest referral first."""
        cursor = Cursor.decode(after, UUID)
        wanted = WatchFilter(by.scope_path, state, office_code, category, grade, halted, overdue)
        async with database.connection() as connection:
            rows = await list_watches(connection, wanted, after=cursor[0] if cursor else None, limit=limit)
        return Page[WatchLineOut].of(rows, limit=limit, show=WatchLineOut.of, key=lambda row: (row["referral_id"],))

    @router.get(
        "/{referral_id}",
        operation_id="readWatch",
        summary="分流单的跟踪 The watch over a referral",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def read_watch(referral_id: ReferralIdPath, by: Reader, response: Response) -> WatchOut:
        """状态、回访、义务、节点与尚缺的结案条件。State, visits, promises, milestones, and what still bars closing."""
        async with database.connection() as connection:
            read = await find_watch(connection, referral_id)
        if read is None:
            raise not_watched()
        demand_sight(by, read.watch.scope_path)
        response.headers["ETag"] = etag(read.watch.version)
        return WatchOut.of(read)


def _pressing_routes(router: APIRouter, commands: WatchCommands) -> None:
    @router.post(
        "/{referral_id}/escalate",
        operation_id="escalateReferral",
        summary="提级 Escalate",
        response_model=WatchStateOut,
        responses=problems(404, 409, 412, 428),
    )
    async def escalate_referral(
        referral_id: ReferralIdPath, body: EscalateIn, asked: ByVisitorOrSupervisor
    ) -> Response:
        """升至上一级。One level up."""

        def do(work: FollowupWork, watch: Watch) -> WatchStateOut:
            work.rules.conduct.demand_escalation(body.reason)
            return WatchStateOut.of(escalate(work, watch, reason=body.reason))

        return await commands.run(asked, "escalate_referral", referral_id, do)

    @router.post(
        "/{referral_id}/supervise",
        operation_id="orderSupervision",
        summary="督办 Order an answer",
        response_model=OrderOut,
        responses=problems(404, 409, 412, 428),
    )
    async def order_supervision(referral_id: ReferralIdPath, body: SuperviseIn, asked: BySupervisor) -> Response:
        """要求某机构限期答复；逾期即提醒并提级。An answer by a day; late, it is reminded and escalated."""

        def do(work: FollowupWork, watch: Watch) -> OrderOut:
            order = OrderSupervision(body.addressee, body.due, body.reason, asked.by.sub)
            return OrderOut.of(supervise(order, work, watch))

        return await commands.run(asked, "order_supervision", referral_id, do)

    @router.post(
        "/{referral_id}/supervision/{order_id}/answer",
        operation_id="answerSupervision",
        summary="答复督办 Answer an order",
        response_model=OrderOut,
        responses=problems(404, 409, 412, 428),
    )
    async def answer_order(
        referral_id: ReferralIdPath, order_id: OrderIdPath, body: AnswerIn, asked: ByAddressee
    ) -> Response:
        """答复内容加密保存。The answer is kept sealed."""

        def do(work: FollowupWork, watch: Watch) -> OrderOut:
            answered = answer_supervision(work, watch, order_id, note=body.note)
            if answered is None:
                raise Problem(404, "order_not_found", "没有这张督办单。", "There is no such order.")
            return OrderOut.of(answered)

        return await commands.run(asked, "answer_supervision", referral_id, do)
