"""What was said and who said it: opened for those who decide on the call, every reading on record."""

from typing import Annotated, Any

from chassis import audit
from chassis.auth import Caller, require
from chassis.database import Database
from chassis.problems import problems, request_id_of
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from intake_svc.api.access import OFFICERS, require_sight
from intake_svc.api.desk import call_not_found
from intake_svc.api.path_words import CallNumber, SourceName
from intake_svc.api.screen_routes import CALL
from intake_svc.api.wording import says
from intake_svc.domain.blocks import POLICE
from intake_svc.domain.confidential import without_caller
from intake_svc.domain.masking import MaskingRules
from intake_svc.store.tables import SCHEMA
from intake_svc.store.vault import Vault
from intake_svc.use_cases.queries import find_body


class ContentOut(BaseModel):
    """警情原文，含个人信息。The call as it came; it holds personal data."""

    version: int = says("内容版本", "Version of the content", 1)
    is_masked: bool = says("报警人要求保密，仅公安可见其身份", "The caller is known to the police alone", False)
    fields: dict[str, Any] = says("来源报送的字段", "The fields as the source sent them", {"content": "楼上漏水。"})


def content_route(database: Database, vault: Vault, masking: MaskingRules) -> APIRouter:
    router = APIRouter(tags=["甄别 Screening"])

    @router.get(
        f"{CALL}/content",
        operation_id="readContent",
        summary="查阅原文 Read what was said",
        response_model=ContentOut,
        responses=problems(401, 403, 404, 422, 503),
    )
    async def read(
        source: SourceName,
        call_no: CallNumber,
        request: Request,
        response: Response,
        by: Annotated[Caller, Depends(require(*OFFICERS))],
    ) -> ContentOut:
        """每次查阅均记入审计；保密警情的报警人仅公安可见。

        Each reading is audited; a confidential caller is known to the police alone.
        """
        async with database.transaction() as connection:
            found = await find_body(connection, source, call_no)
            if found is None:
                raise call_not_found()
            require_sight(by, found)
            detail = {"version": found["version"], "call_id": str(found["call_id"])}
            await audit.note(
                connection, by=by, action="read_content", subject=found["referral_id"],
                request_id=request_id_of(request.scope), detail=detail, schema=SCHEMA,
            )  # fmt: skip
        response.headers["Cache-Control"] = "no-store"
        fields, is_masked = vault.open(found["version_id"], found["sealed"]), False
        if POLICE not in by.roles:
            fields, is_masked = without_caller(fields, masking)
        return ContentOut(version=found["version"], is_masked=is_masked, fields=fields)

    return router
