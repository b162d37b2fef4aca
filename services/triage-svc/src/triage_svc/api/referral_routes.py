"""Reading referrals: the work list of each role, and one referral."""

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
from referral_schemas.triage import Category, Grade

from triage_svc.api.referral_models import ReferralInPath, ReferralListed, ReferralOut
from triage_svc.api.refusals import not_opened, out_of_scope
from triage_svc.domain.states import State
from triage_svc.store.work_list import Wanted, find_referral, list_referrals, scope_of

READERS = ("office_clerk", "dispatcher", "bureau_supervisor", "city_supervisor", "ops", "auditor")
Reader = Annotated[Caller, Depends(require(*READERS))]
OfficeCode = Annotated[
    str | None, Query(max_length=60, description="司法所代码。Code of the office.", examples=["310109010-SFS"])
]


async def clocks_scope(connection: asyncpg.Connection, referral_id: UUID) -> str | None:
    """Raises the 404 of a referral that was never opened."""
    scope_path = await scope_of(connection, referral_id)
    if scope_path is None:
        raise not_opened()
    return scope_path


def referral_routes(database: Database) -> APIRouter:
    router = APIRouter(prefix="/v1/referrals", tags=["分流单 Referrals"])

    @router.get(
        "",
        operation_id="listReferrals",
        summary="工作清单 The work list",
        responses=problems(401, 403, 422, 503),
    )
    async def list_of_work(
        by: Reader,
        state: Annotated[State | None, Query(description="状态。State.")] = None,
        office_code: OfficeCode = None,
        category: Annotated[Category | None, Query(description="类别。Category.")] = None,
        grade: Annotated[Grade | None, Query(description="等级。Grade.")] = None,
        overdue: Annotated[bool | None, Query(description="是否超期。Whether a clock ran out unmet.")] = None,
        halted: Annotated[bool | None, Query(description="是否暂停。Whether a block holds it.")] = None,
        closed: Annotated[bool | None, Query(description="是否办结。Whether it is closed.")] = None,
        needs_review: Annotated[bool | None, Query(description="是否待人工复核。Whether a person must look.")] = None,
        limit: Limit = DEFAULT_LIMIT,
        after: After = None,
    ) -> Page[ReferralListed]:
        """本辖区的分流单，先生成者在前；翻页期间新增者列于末尾。

        The referrals of your area, oldest first; what opens while you turn pages comes at the end.
        """
        wanted = Wanted(by.scope_path, state, office_code, category, grade, overdue, halted, closed, needs_review)
        place = Cursor.decode(after, datetime, UUID)
        async with database.connection() as connection:
            rows = await list_referrals(connection, wanted, place, limit=limit + 1)
        return Page[ReferralListed].of(
            rows,
            limit=limit,
            show=ReferralListed.of,
            key=lambda seen: (seen.referral.opened_at, seen.referral.referral_id),
        )

    @router.get(
        "/{referral_id}",
        operation_id="readReferral",
        summary="分流单详情 One referral",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def read_referral(referral_id: ReferralInPath, by: Reader, response: Response) -> ReferralOut:
        """现状、可办理事项、暂停与超期；ETag 用于随后的办理。

        How it stands, what may be done, what holds it; the ETag goes with the command that follows.
        """
        async with database.connection() as connection:
            seen = await find_referral(connection, referral_id)
        if seen is None:
            raise not_opened()
        if not is_in_sight(by, seen.referral.scope_path):
            raise out_of_scope()
        response.headers["ETag"] = etag(seen.referral.version)
        return ReferralOut.of(seen)

    return router
