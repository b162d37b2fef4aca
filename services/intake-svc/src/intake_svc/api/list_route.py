"""GET of the work list."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from chassis.auth import Caller, require
from chassis.database import Database
from chassis.paging import DEFAULT_LIMIT, After, Cursor, Limit, Page
from chassis.problems import problems
from fastapi import APIRouter, Depends, Query

from intake_svc.api.access import READERS, sees_all, sees_unplaced
from intake_svc.api.desk_models import CallListed, CallOrder
from intake_svc.domain.call import CallState
from intake_svc.use_cases.work_list import Wanted, list_calls


def list_route(database: Database) -> APIRouter:
    router = APIRouter(tags=["警情 Calls"])

    @router.get(
        "/v1/calls",
        operation_id="listCalls",
        summary="警情工作清单 The work list of calls",
        response_model=Page[CallListed],
        responses=problems(401, 403, 422, 503),
    )
    async def read(
        by: Annotated[Caller, Depends(require(*READERS))],
        state: Annotated[CallState | None, Query(description="状态。State.", examples=["awaiting_screener"])] = None,
        source: Annotated[
            str | None, Query(max_length=64, description="来源系统。Source.", examples=["hongkou-110"])
        ] = None,
        block: Annotated[
            str | None, Query(max_length=64, description="仍有效的情形代码。A block that stands.", examples=["X_DV"])
        ] = None,
        overdue: Annotated[
            bool | None, Query(description="是否超期。Whether its time at a desk is over.", examples=[True])
        ] = None,
        order: Annotated[
            CallOrder, Query(description="最早在前或最新在前。Oldest or newest first.")
        ] = CallOrder.OLDEST,
        limit: Limit = DEFAULT_LIMIT,
        after: After = None,
    ) -> Page[CallListed]:
        """按管辖范围列出，最早在前；来源系统只见自己的警情。By scope, oldest first; a system sees its own calls."""
        position = Cursor.decode(after, UUID)
        wanted = Wanted(
            state=state.value if state else None,
            source=source,
            block=block,
            overdue=overdue,
            newest_first=order is CallOrder.NEWEST,
            **_scope(by),
        )
        if not sees_all(by) and "source_system" in by.roles:
            if source not in (None, by.source) or by.source is None:
                return Page(items=[], next=None)
            wanted = replace(wanted, source=by.source)
        async with database.connection() as connection:
            rows = await list_calls(connection, wanted, after=position[0] if position else None, limit=limit + 1)
        return Page[CallListed].of(rows, limit=limit, show=_listed, key=lambda row: (row["call_id"],))

    return router


def _scope(by: Caller) -> dict[str, Any]:
    """A system is bound to its source, not to an area."""
    if sees_all(by) or "source_system" in by.roles:
        return {}
    return {"scope_path": by.scope_path, "sees_unplaced": sees_unplaced(by)}


def _listed(row: Any) -> CallListed:
    return CallListed(**{**dict(row), "blocks": row["blocks"] or []})
