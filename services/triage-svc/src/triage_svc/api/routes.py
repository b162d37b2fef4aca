"""triage's HTTP, beside `/v1/ops`."""

from typing import Annotated
from uuid import UUID

from chassis.auth import Caller, require
from chassis.database import Database
from chassis.problems import Problem, problems
from chassis.texts_routes import is_in_sight
from fastapi import APIRouter, Depends, Path

from triage_svc.api.models import EXAMPLE_DECISION, DecisionOut
from triage_svc.domain.decision import DecisionId
from triage_svc.store.decisions import find_decision

READERS = ("dispatcher", "office_clerk", "bureau_supervisor", "city_supervisor", "ops", "auditor")
Reader = Annotated[Caller, Depends(require(*READERS))]

DecisionInPath = Annotated[UUID, Path(description="研判决定编号。Decision id.", examples=[EXAMPLE_DECISION])]


def decision_routes(database: Database) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["研判 Decisions"])

    @router.get(
        "/decisions/{decision_id}",
        operation_id="readDecision",
        summary="研判决定及其依据 A decision and what it rests on",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def read_decision(decision_id: DecisionInPath, by: Reader) -> DecisionOut:
        """为何归入此类别、此等级，为何派往此司法所。Why this category and grade, why this office."""
        async with database.connection() as connection:
            row = await find_decision(connection, DecisionId(decision_id))
        if row is None:
            raise Problem(404, "decision_not_found", "没有这样的研判决定。", "There is no decision of this id.")
        if not is_in_sight(by, row["scope_path"]):
            raise Problem(403, "out_of_scope", "该决定不在您的辖区。", "This decision is outside your area.")
        return DecisionOut.of(row)

    return router
