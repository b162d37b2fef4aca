"""Closing: asked of the producers first; closed, refused with every reason, or waiting for everybody to see."""

from typing import Annotated

import asyncpg
from chassis.auth import Caller, require
from chassis.commands import Answer, Asked, command
from chassis.database import Database
from chassis.problems import problems
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from followup_svc.api.asking import count_change, version_of
from followup_svc.api.bodies import CloseIn
from followup_svc.api.fields import CycleField, ReferralIdField
from followup_svc.api.refusals import refused_by, unmet
from followup_svc.api.states import WatchStateOut
from followup_svc.api.watches import ReferralIdPath
from followup_svc.domain.obstacles import Obstacle
from followup_svc.store.closing_audit import closing_violations
from followup_svc.store.closing_gate import REFUSED
from followup_svc.store.work import FollowupWork
from followup_svc.use_cases.asking_heads import AskHeads
from followup_svc.use_cases.closing import CloseWatch, close_watch
from followup_svc.use_cases.closing_units import ClosingCommands

ByCloser = Annotated[Asked, Depends(command("visitor", "bureau_supervisor"))]
Auditor = Annotated[Caller, Depends(require("ops", "auditor"))]


class ViolationOut(BaseModel):
    """A closing that should not have been. 一项违规结案。"""

    referral_id: ReferralIdField
    cycle: CycleField
    code: str = Field(description="不符之处。What is not as it must be.", examples=["visit_open"])


class ClosingAuditOut(BaseModel):
    """What an audit of all closed watches found. 结案复核结果。"""

    violations: list[ViolationOut] = Field(
        description="违规结案，应为空。Violations; there should be none.", examples=[[]]
    )


def closing_routes(database: Database, commands: ClosingCommands, ask: AskHeads) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["结案 Closing"])

    @router.post(
        "/watches/{referral_id}/close",
        operation_id="closeReferral",
        summary="申请结案 Ask for closing",
        response_model=WatchStateOut,
        responses={**problems(404, 409, 412, 428), 202: {"model": WatchStateOut, "description": "等待中。It waits."}},
    )
    async def close_referral(referral_id: ReferralIdPath, body: CloseIn, asked: ByCloser) -> Response:
        """条件满足即结案；有规则不满足则 409 并逐条列出；仅需等待时 202，由系统自动再试。

        Closed when the gate is passed; 409 naming every rule not met; 202 when only time is needed: it is tried again.
        """

        def act(work: FollowupWork) -> Answer:
            assert work.cause is not None
            watch = work.watches.get(referral_id)
            waits = close_watch(CloseWatch(asked.by.sub, body.outcome), work, watch, command_id=work.cause)
            version = count_change(work, referral_id)
            out = WatchStateOut.of(work.watches.get(referral_id), waits)
            return Answer(out, version=version, status=202 if waits else 200)

        try:
            return await commands.asking(await ask(referral_id)).run(
                asked, "close_referral", [referral_id],
                version=lambda work: version_of(work, referral_id, asked.by), act=act,
            )  # fmt: skip
        except asyncpg.PostgresError as error:
            if error.sqlstate != REFUSED:
                raise
            codes = str(error.as_dict().get("detail", "")).split(",")
            raise refused_by([unmet(Obstacle(code)) for code in codes]) from error

    @router.get(
        "/ops/closings/audit",
        operation_id="auditClosings",
        summary="结案复核 Audit of closings",
        responses=problems(401, 403, 503),
    )
    async def audit_closings(_: Auditor) -> ClosingAuditOut:
        """以独立的查询复核全部已结案的跟踪。Every closed watch is checked again, by statements of its own."""
        async with database.connection() as connection:
            found = await closing_violations(connection)
        return ClosingAuditOut(
            violations=[ViolationOut(referral_id=v.referral_id, cycle=v.cycle, code=v.code) for v in found]
        )

    return router
