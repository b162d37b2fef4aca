"""POST and GET of calls. POST is the hot path: one model validation, one statement, an answer written by hand."""

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

import orjson
from chassis.auth import Caller, require
from chassis.commands import etag
from chassis.database import Database
from chassis.problems import Problem, problems
from fastapi import APIRouter, Depends, Request, Response

from intake_svc.api.access import READERS, require_own_source
from intake_svc.api.answers import CallAccepted, CallOut, MilestoneOut, VersionOut
from intake_svc.api.desk_models import BlockOut, FeedbackOut
from intake_svc.api.field_names import told_names
from intake_svc.api.models import EXAMPLE, CallIn
from intake_svc.api.path_words import CallNumber, SourceName
from intake_svc.api.reading import CallReader, Warnings
from intake_svc.api.seeing import call_seen_by
from intake_svc.domain.submission import Submission
from intake_svc.store.backlog import Backlog
from intake_svc.use_cases.queries import CallView
from intake_svc.use_cases.submit_call import Accepted, Answer, SubmitCall

SUBMIT_PATH = "/v1/calls"
_STATUS = {Answer.NEW: 202, Answer.NEXT_VERSION: 202, Answer.REPEAT: 200, Answer.SUPERSEDED: 200}
_BUSY_SECONDS = 5
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": CallIn.model_json_schema(),
                "examples": {"neighbour": {"summary": "邻里噪音 Noise next door", "value": EXAMPLE}},
            }
        },
    }
}
_ALREADY: dict[int | str, dict[str, Any]] = {
    200: {"model": CallAccepted, "description": "重复或较旧的版本。A repeat, or an older version."}
}


def call_routes(
    reader: CallReader, submit: SubmitCall, backlog: Backlog, database: Database, *, wake: Callable[[], None]
) -> APIRouter:
    router = APIRouter(tags=["警情 Calls"])
    _submit_route(router, reader, submit, backlog, wake)
    _read_route(router, database)
    return router


def _submit_route(
    router: APIRouter, reader: CallReader, submit: SubmitCall, backlog: Backlog, wake: Callable[[], None]
) -> None:
    @router.post(
        SUBMIT_PATH,
        operation_id="submitCall",
        summary="报送警情 Submit a call",
        status_code=202,
        response_model=CallAccepted,
        responses={**_ALREADY, **problems(401, 403, 409, 413, 415, 422, 503)},
        openapi_extra=_BODY,
    )
    async def submit_call(request: Request, by: Annotated[Caller, Depends(require("source_system"))]) -> Response:
        """答复2xx即已落盘。同一来源与编号：内容相同为重复，更新时间较新为新版本，较旧仅存历史，其余为冲突。

        The call's own number is its key: an Idempotency-Key is neither needed nor looked at.
        Answered 2xx it is on disk. Same source and number: equal content is a repeat, a newer `updated_at` a new
        version, an older one history, anything else a conflict, and both are kept.
        """
        new, warnings = reader.read(await request.body())
        require_own_source(by, new.source)
        if await backlog.is_full():
            raise _queue_full()
        accepted = await submit(new)
        if accepted.answer is Answer.CONFLICT:
            raise _conflict(accepted, new)
        if accepted.answer is not Answer.REPEAT:
            wake()
        return _answer(accepted, new, warnings)


def _read_route(router: APIRouter, database: Database) -> None:
    @router.get(
        "/v1/calls/{source}/{call_no:path}",
        operation_id="readCall",
        summary="查询警情 Where a call stands",
        response_model=CallOut,
        responses=problems(401, 403, 404, 422, 503),
    )
    async def read_call(
        source: SourceName, call_no: CallNumber, response: Response, by: Annotated[Caller, Depends(require(*READERS))]
    ) -> CallOut:
        """状态、版本、甄别理由、情形、里程碑与反馈，不含个人信息；ETag 供后续操作使用。

        State, versions, reasons, blocks, milestones and feedback; no personal data. Commands ask for its ETag.
        """
        async with database.connection() as connection:
            view = await call_seen_by(by, connection, source, call_no)
        response.headers["ETag"] = etag(view.call["people_version"])
        return _call_out(view)


def _answer(accepted: Accepted, new: Submission, warnings: Warnings) -> Response:
    body: dict[str, Any] = {
        "call_id": str(accepted.call_id),
        "source": new.source,
        "call_no": new.call_no,
        "version": accepted.version,
        "state": accepted.state,
        "referral_id": str(accepted.referral_id),
        "tracking_code": accepted.tracking_code,
        "linked_to": str(accepted.linked_to) if accepted.linked_to else None,
        "received_at": accepted.received_at,
        "warnings": warnings,
    }
    if accepted.answer is Answer.SUPERSEDED:
        body["superseded"] = True
    location = f"/v1/calls/{quote(new.source, safe='')}/{quote(new.call_no, safe='')}"
    return Response(
        orjson.dumps(body, option=orjson.OPT_UTC_Z),
        _STATUS[accepted.answer],
        {"Location": location},
        "application/json",
    )


def _conflict(accepted: Accepted, new: Submission) -> Problem:
    return Problem(
        409,
        "content_conflict",
        "同一更新时间（或无更新时间）已有不同内容；两份均已保存，请以更新的 updated_at 重新报送。",
        "Other content stands under the same updated_at, or none; both are kept. Send it with a newer one.",
        fields=told_names(accepted.conflicting_fields, list(new.fields)),
        call_id=str(accepted.call_id),
        version=accepted.version,
    )


def _queue_full() -> Problem:
    return Problem(
        503,
        "queue_full",
        "待甄别警情过多，请按 Retry-After 重试。",
        "Too many calls wait to be screened; try again after Retry-After.",
        headers={"Retry-After": str(_BUSY_SECONDS)},
    )


def _call_out(view: CallView) -> CallOut:
    row = {name: value for name, value in view.call.items() if name in CallOut.model_fields}
    return CallOut(
        **row,
        versions=[VersionOut(**version) for version in view.versions],
        blocks=[BlockOut(**block) for block in view.blocks],
        milestones=[MilestoneOut(milestone=name, at=at) for name, at in view.milestones()],
        feedback=[FeedbackOut.of(one) for one in view.feedback],
    )
