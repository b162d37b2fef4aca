"""Reading cases: the work list of each role, and one case."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import asyncpg
from chassis.auth import Caller, require
from chassis.commands import etag
from chassis.database import Database
from chassis.paging import DEFAULT_LIMIT, After, Cursor, Limit, Page
from chassis.problems import problems
from chassis.texts_routes import is_in_sight
from fastapi import APIRouter, Depends, Query, Response

from mediation_svc.api.case_models import CaseListed, CaseOut, ReferralInPath
from mediation_svc.api.refusals import no_case, not_opened, out_of_scope
from mediation_svc.domain.states import CaseState
from mediation_svc.store.work_list import Wanted, find_case, list_cases, scope_of_case

READERS = (
    "mediator", "committee_head", "office_clerk", "visitor", "bureau_supervisor", "city_supervisor", "ops", "auditor",
)  # fmt: skip
Reader = Annotated[Caller, Depends(require(*READERS))]


async def clocks_scope(connection: asyncpg.Connection, referral_id: UUID) -> str | None:
    """Raises the 404 of a referral without a case."""
    scope_path = await scope_of_case(connection, referral_id)
    if scope_path is None:
        raise no_case()
    return scope_path


def case_routes(database: Database) -> APIRouter:
    router = APIRouter(prefix="/v1/cases", tags=["调解案件 Cases"])

    @router.get("", operation_id="listCases", summary="工作清单 The work list", responses=problems(401, 403, 422, 503))
    async def list_of_cases(
        by: Reader,
        state: Annotated[CaseState | None, Query(description="状态。State.")] = None,
        committee_code: Annotated[
            str | None, Query(max_length=60, description="调委会代码。Committee.", examples=["310109010-PMC"])
        ] = None,
        mediator: Annotated[
            str | None, Query(max_length=60, description="调解员代码。Mediator.", examples=["M-001"])
        ] = None,
        overdue: Annotated[bool | None, Query(description="是否超期。Whether anything is overdue.")] = None,
        halted: Annotated[bool | None, Query(description="是否暂停。Whether a block holds it.")] = None,
        limit: Limit = DEFAULT_LIMIT,
        after: After = None,
    ) -> Page[CaseListed]:
        """本辖区的调解案件，先立案者在前。The cases of your area, oldest first; new ones come at the end."""
        wanted = Wanted(by.scope_path, state, committee_code, mediator, overdue, halted)
        place = Cursor.decode(after, datetime, UUID)
        async with database.connection() as connection:
            rows = await list_cases(connection, wanted, place, limit=limit + 1)
        return Page[CaseListed].of(
            rows,
            limit=limit,
            show=lambda seen: CaseListed.of(seen.case, halted=bool(seen.blocks)),
            key=lambda seen: (seen.case.opened_at, seen.case.referral_id),
        )

    @router.get(
        "/{referral_id}",
        operation_id="readCase",
        summary="案件详情 One case",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def read_case(referral_id: ReferralInPath, by: Reader, response: Response) -> CaseOut:
        """现状与可办理事项；ETag 用于随后的办理。How it stands and what may follow; the ETag goes with the command."""
        async with database.connection() as connection:
            seen, mirror = await find_case(connection, referral_id)
        if seen is None:
            raise not_opened() if mirror is None or mirror.opened_at is None else no_case()
        if not is_in_sight(by, seen.case.scope_path):
            raise out_of_scope()
        response.headers["ETag"] = etag(seen.case.version)
        return CaseOut.shown(seen.case, mirror, list(seen.blocks))

    return router
