"""`/v1/texts`: what somebody wrote, opened for those who may read it; every reading is audited."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field

from chassis import audit
from chassis.auth import Caller, covers, require
from chassis.database import Database
from chassis.problems import Problem, problems, request_id_of
from chassis.sealing import Keyring
from chassis.texts import place_of

EXAMPLE_ID = "0199aa00-0000-7000-8000-000000000000"
TextId = Annotated[UUID, Path(description="文本编号。Id of the text.", examples=[EXAMPLE_ID])]
ScopeOf = Callable[[asyncpg.Connection, UUID], Awaitable[str | None]]
"""The scope path of a referral; None while nobody knows its area: then the city alone sees it."""


class TextOut(BaseModel):
    """Free text as it was written. 原文。"""

    text_id: UUID = Field(description="文本编号。Id of the text.", examples=[EXAMPLE_ID])
    referral_id: UUID = Field(description="分流单编号。Referral id.", examples=[EXAMPLE_ID])
    kind: str = Field(description="文本种类。What kind of text.", examples=["contact_note"])
    text: str = Field(
        description="原文，含个人信息。The text; it holds personal data.", examples=["双方同意周五面谈。"]
    )
    at: datetime = Field(description="写入时间。When it was written.", examples=["2026-01-01T01:30:02.500Z"])


def texts_routes(
    database: Database, schema: str, keyring: Keyring, roles: Sequence[str], scope_of: ScopeOf
) -> APIRouter:
    router = APIRouter(tags=["文本 Texts"])
    statement = f"SELECT text_id, referral_id, kind, sealed, at FROM {schema}.text_note WHERE text_id = $1"

    @router.get(
        "/v1/texts/{text_id}",
        operation_id="readText",
        summary="读取原文 Read a text",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def read_text(
        text_id: TextId, request: Request, response: Response, by: Annotated[Caller, Depends(require(*roles))]
    ) -> TextOut:
        """备注、内容与理由的原文；每次读取均记入审计。Notes, contents and reasons in full; each reading is audited."""
        async with database.transaction() as connection:
            row = await connection.fetchrow(statement, text_id)
            if row is None:
                raise Problem(404, "text_not_found", "没有这个文本。", "There is no such text.")
            if not is_in_sight(by, await scope_of(connection, row["referral_id"])):
                raise Problem(403, "out_of_scope", "该文本不在您的辖区。", "This text is outside your area.")
            await audit.note(
                connection, by=by, action="read_text", subject=row["referral_id"],
                request_id=request_id_of(request.scope), detail={"text_id": str(text_id), "kind": row["kind"]},
                schema=schema,
            )  # fmt: skip
        response.headers["Cache-Control"] = "no-store"
        text = keyring.open(row["sealed"], place_of(text_id)).decode()
        return TextOut(text_id=text_id, referral_id=row["referral_id"], kind=row["kind"], text=text, at=row["at"])

    return router


def is_in_sight(by: Caller, scope_path: str | None) -> bool:
    return covers(by.scope_path, scope_path) if scope_path else "/" not in by.scope_path
