"""What the source was told of its call, that it has it, and who stopped waiting for it."""

from typing import Annotated

from chassis.auth import Caller, require
from chassis.commands import Answer, Asked, command
from chassis.database import Database
from chassis.problems import problems
from fastapi import APIRouter, Depends, Response

from intake_svc.api.access import READERS, WAIVERS
from intake_svc.api.desk import Desk, require_offered
from intake_svc.api.desk_models import AcknowledgeIn, FeedbackList, FeedbackOut, WaiveIn
from intake_svc.api.path_words import CallNumber, MilestoneName, SourceName
from intake_svc.api.screen_routes import CALL, PROBLEMS
from intake_svc.api.seeing import call_seen_by
from intake_svc.domain.call import Call
from intake_svc.domain.desk_data import DeskRules
from intake_svc.store.work import IntakeWork
from intake_svc.use_cases.queries import list_feedback
from intake_svc.use_cases.tell_source import acknowledge, waive


def feedback_routes(desk: Desk, database: Database, rules: DeskRules) -> APIRouter:
    router = APIRouter(tags=["反馈 Feedback"])
    _list_route(router, database)
    _acknowledge_route(router, desk)
    _waive_route(router, desk, rules)
    return router


def _list_route(router: APIRouter, database: Database) -> None:
    @router.get(
        f"{CALL}/feedback",
        operation_id="listFeedback",
        summary="反馈情况 What the source was told",
        response_model=FeedbackList,
        responses=problems(401, 403, 404, 422, 503),
    )
    async def read(
        source: SourceName, call_no: CallNumber, by: Annotated[Caller, Depends(require(*READERS))]
    ) -> FeedbackList:
        """每个节点的反馈、确认与免除。Every milestone told, acknowledged or waived."""
        async with database.connection() as connection:
            view = await call_seen_by(by, connection, source, call_no)
            told = await list_feedback(connection, view.call["call_id"])
        return FeedbackList(items=[FeedbackOut.of(one) for one in told])


def _acknowledge_route(router: APIRouter, desk: Desk) -> None:
    @router.post(
        f"{CALL}/feedback/{{milestone}}/acknowledge",
        operation_id="acknowledgeFeedback",
        summary="确认收到反馈 Acknowledge a milestone",
        response_model=FeedbackList,
        responses=PROBLEMS,
    )
    async def acknowledge_one(
        source: SourceName,
        call_no: CallNumber,
        milestone: MilestoneName,
        body: AcknowledgeIn,
        asked: Annotated[Asked, Depends(command("source_system", creates=True))],
    ) -> Response:
        """来源系统确认收到；重复确认无妨，无需 If-Match。The source has it; saying so again is no harm."""

        def act(call: Call, work: IntakeWork) -> Answer:
            acknowledge(call, milestone, work, fact_id=body.fact_id)
            return _told(call, work)

        return await desk.run(asked, "acknowledge_feedback", (source, call_no), act)


def _waive_route(router: APIRouter, desk: Desk, rules: DeskRules) -> None:
    @router.post(
        f"{CALL}/feedback/{{milestone}}/waive",
        operation_id="waiveFeedback",
        summary="不再等待确认 Waive a milestone",
        response_model=FeedbackList,
        responses=PROBLEMS,
    )
    async def waive_one(
        source: SourceName,
        call_no: CallNumber,
        milestone: MilestoneName,
        body: WaiveIn,
        asked: Annotated[Asked, Depends(command(*WAIVERS))],
    ) -> Response:
        """来源无回应时由具名人员免除，记录在案。A named person stops waiting for a silent source; it is on record."""
        require_offered(rules.decisions, "waive", body.reason)

        def act(call: Call, work: IntakeWork) -> Answer:
            note_id = work.keep_text("waive_note", body.note, referral_id=call.referral_id)
            waive(call, milestone, work, by=asked.by.sub, reason=body.reason, note_id=note_id)
            return _told(call, work, is_change=True)

        return await desk.run(asked, "waive_feedback", (source, call_no), act)


def _told(call: Call, work: IntakeWork, *, is_change: bool = False) -> Answer:
    now = work.calls.get(call.call_id)
    items = [FeedbackOut.of(one) for one in work.feedback_of(call.call_id)]
    return Answer(FeedbackList(items=items), now.people_version if is_change else None)
