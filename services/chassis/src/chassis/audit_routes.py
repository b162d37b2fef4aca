"""`/v1/ops/audit`: who did what, for auditors, and whether it still stands as it was written."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from chassis import audit
from chassis.audit_chain import Verification, verify_all
from chassis.auth import Caller, require
from chassis.database import Database
from chassis.instants import Instant
from chassis.paging import DEFAULT_LIMIT, After, Cursor, Limit, Page
from chassis.problems import problems, request_id_of

EXAMPLE_ID = "0199aa00-0000-7000-8000-000000000000"
Auditor = Annotated[Caller, Depends(require("auditor"))]


class AuditRowOut(BaseModel):
    """One thing that somebody did. 一次操作。"""

    id: UUID = Field(
        description="编号，也是所记事件的原因编号。Id; events recorded by it name it as their cause.",
        examples=[EXAMPLE_ID],
    )
    at: datetime = Field(description="时间。When.", examples=["2026-01-01T01:30:02.500Z"])
    by: str = Field(description="操作者（令牌的 sub）。Who, the token's sub.", examples=["clerk-0042"])
    roles: list[str] = Field(description="操作者的角色。Roles of who did it.", examples=[["office_clerk"]])
    action: str = Field(description="操作。What was done.", examples=["sign_referral"])
    subject: UUID | None = Field(description="对象编号。What it was done to.", examples=[EXAMPLE_ID])
    request_id: str = Field(
        description="请求编号，日志中同名。Id of the request, as in the logs.", examples=[EXAMPLE_ID]
    )
    detail: dict[str, Any] = Field(
        description="代码与编号，不含个人信息。Codes and ids, no personal data.", examples=[{"status": 200}]
    )


class BadBlockOut(BaseModel):
    """Where the chain breaks first. 首个不符的区块。"""

    n: int = Field(description="区块号。Number of the block.", examples=[17])
    reason: str = Field(
        description="chain 链断，rows 行数不符，digest 内容不符。The chain breaks, rows came or went, content changed.",
        examples=["digest"],
    )


class AuditVerifiedOut(BaseModel):
    """What a walk along the chain has found. 链式校验结果。"""

    blocks: int = Field(description="已核对无误的区块数。Blocks found good.", examples=[16])
    rows: int = Field(description="已核对无误的行数。Rows found good.", examples=[240])
    last_digest: str | None = Field(
        description="最后一个无误区块的摘要，可与日志比对。Digest of the last good block, to compare with the logs.",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    bad: BadBlockOut | None = Field(
        description="首个不符的区块；为空即全部相符。The first bad block; null: all is as it was written.",
        examples=[{"n": 17, "reason": "digest"}],
    )

    @classmethod
    def of(cls, found: Verification) -> "AuditVerifiedOut":
        bad = BadBlockOut(n=found.bad.n, reason=found.bad.reason) if found.bad else None
        return cls(
            blocks=found.blocks, rows=found.rows, last_digest=found.last.digest.hex() if found.last else None, bad=bad
        )


def audit_routes(database: Database, schema: str) -> APIRouter:
    """Included by the operators' router, under `/v1/ops`."""
    router = APIRouter(prefix="/audit", tags=["审计 Audit"])
    reads = AuditReads(schema)

    @router.get(
        "",
        operation_id="listAudit",
        summary="操作记录 Who did what",
        responses=problems(401, 403, 422, 503),
    )
    async def list_audit(
        _: Auditor,
        by: Annotated[str | None, Query(max_length=200, description="操作者。Who.", examples=["clerk-0042"])] = None,
        action: Annotated[str | None, Query(max_length=100, description="操作。What was done.")] = None,
        subject: Annotated[UUID | None, Query(description="对象编号。What it was done to.")] = None,
        since: Annotated[Instant | None, Query(description="起始时间（含）。Not before.")] = None,
        until: Annotated[Instant | None, Query(description="截止时间（不含）。Before.")] = None,
        limit: Limit = DEFAULT_LIMIT,
        after: After = None,
    ) -> Page[AuditRowOut]:
        """最近的在前。Newest first."""
        place = Cursor.decode(after, datetime, UUID) or (None, None)
        async with database.connection() as connection:
            rows = await reads.page(connection, (by, action, subject, since, until), place, limit + 1)
        return Page[AuditRowOut].of(rows, limit=limit, show=_shown, key=lambda row: (row["at"], row["id"]))

    @router.post(
        "/verify",
        operation_id="verifyAudit",
        summary="校验审计链 Verify the chain",
        responses=problems(401, 403, 503),
    )
    async def verify_audit(request: Request, by: Auditor) -> AuditVerifiedOut:
        """逐块重算摘要，指出首个不符的区块；不作任何更改，可随时重复。

        Every block is computed anew and the first bad one named. Changes nothing but adds its own audit row; may be
        repeated at any time.
        """
        async with database.connection() as connection:
            found = await verify_all(connection, schema=schema)
            detail = {"blocks": found.blocks, "bad_block": found.bad.n if found.bad else None}
            await audit.note(
                connection, by=by, action="verify_audit", subject=None, request_id=request_id_of(request.scope),
                detail=detail, schema=schema,
            )  # fmt: skip
        return AuditVerifiedOut.of(found)

    return router


class AuditReads:
    def __init__(self, schema: str) -> None:
        self._page = f"""
            SELECT id, at, "by", roles, action, subject, request_id, detail FROM {schema}.audit
            WHERE ($1::text IS NULL OR "by" = $1) AND ($2::text IS NULL OR action = $2)
              AND ($3::uuid IS NULL OR subject = $3) AND ($4::timestamptz IS NULL OR at >= $4)
              AND ($5::timestamptz IS NULL OR at < $5) AND ($6::timestamptz IS NULL OR (at, id) < ($6, $7::uuid))
            ORDER BY at DESC, id DESC LIMIT $8
        """

    async def page(
        self, connection: asyncpg.Connection, filters: tuple[Any, ...], place: tuple[Any, ...], limit: int
    ) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await connection.fetch(self._page, *filters, *place, limit)
        return rows


def _shown(row: asyncpg.Record) -> AuditRowOut:
    detail = row["detail"]
    return AuditRowOut.model_validate(
        {**dict(row), "detail": orjson.loads(detail) if isinstance(detail, str) else detail}
    )
