"""What operators see of what stands aside in this service, and how they have it tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from chassis import audit
from chassis.auth import Caller, require
from chassis.database import Database
from chassis.delivery.discarding import Discarding
from chassis.delivery.discarding_kinds import ParkedEvent
from chassis.delivery.parking import ParkedReads
from chassis.delivery.statements import ACTING
from chassis.problems import Problem, problems, request_id_of
from chassis.sealing import Keyring
from chassis.texts import KeptText, write_texts

EXAMPLE_ID = "01931f7e-7b7a-7c3e-9a52-3f2b8c1d4e5f"
MOST = 2**63 - 1

Operator = Annotated[Caller, Depends(require("ops"))]
Reader = Annotated[Caller, Depends(require("ops", "auditor"))]
Consumer = Annotated[
    str,
    Query(
        pattern="^[a-z][a-z0-9_]{0,39}$",
        description="消费方,默认为处理业务的 acting。Which consumer; `acting` changes state.",
        examples=[ACTING],
    ),
]
Producer = Annotated[str, InPath(description="来源服务。Producing service.", max_length=40, examples=["intake"])]
Referral = Annotated[UUID, InPath(description="分流单编号。Referral id.", examples=[EXAMPLE_ID])]
Seq = Annotated[int, InPath(ge=1, le=2**31 - 1, description="流内序号。Number in the stream.", examples=[2])]
Row = Annotated[int, InPath(ge=1, le=MOST, description="行号。Number of the row.", examples=[17])]
AfterRow = Annotated[int, Query(ge=0, le=MOST, description="上一页最后编号。Last number seen.")]
Limit = Annotated[int, Query(ge=1, le=500, description="每页条数。Page size.")]
Cursor = Annotated[str | None, Query(description="上一页游标。Cursor of the last page.", max_length=200)]


class Retry(BaseModel):
    """Why an operator tries something again. 重试原因。"""

    reason: str = Field(
        min_length=1,
        max_length=500,
        description="原因,加密留存。Reason, kept sealed.",
        examples=["handler repaired"],
    )


def operator_routes(
    router: APIRouter, database: Database, schema: str, keyring: Keyring | None, wake: Callable[[], None]
) -> None:
    reads = ParkedReads(schema)
    _parked_routes(router, database, schema, reads)
    _other_routes(router, database, reads)
    _retry_routes(router, database, schema, keyring, reads, wake)


def _parked_routes(router: APIRouter, database: Database, schema: str, reads: ParkedReads) -> None:
    @router.get(
        "/parked", operation_id="listParked", summary="搁置事件 Parked events", responses=problems(401, 403, 422, 503)
    )
    async def list_parked(
        _: Reader,
        consumer: Consumer = ACTING,
        reason: Annotated[
            Literal["waiting", "failed", "conflict", "unknown_version"] | None, Query(description="Reason. 搁置原因。")
        ] = None,
        producer: Annotated[str | None, Query(description="Producing service. 来源服务。", max_length=40)] = None,
        after: Cursor = None,
        limit: Limit = 100,
    ) -> dict[str, Any]:
        """Events that stand aside, with why and since when; no bodies. 搁置的事件、原因与起始时间(不含正文)。"""
        async with database.connection() as connection:
            return await reads.page(
                connection, consumer=consumer, reason=reason, producer=producer, after=after, limit=limit
            )

    @router.get(
        "/parked/{producer}/{referral_id}/{seq}",
        operation_id="readParked",
        summary="单个搁置事件 One parked event",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def read_parked(
        producer: Producer, referral_id: Referral, seq: Seq, _: Reader, consumer: Consumer = ACTING
    ) -> dict[str, Any]:
        """Headers, why it stands aside, what it still needs, and who wants it discarded; never its body.

        头部、搁置原因、尚缺的前序位置与作废申请;正文可能含当事人信息,不予显示。
        """
        async with database.connection() as connection:
            found = await reads.one(connection, consumer, producer, referral_id, seq)
            if found is None:
                raise not_there("not_parked")
            it = ParkedEvent(schema, consumer, producer, referral_id, seq)
            asked = await Discarding(schema).standing(connection, it, found["event_id"])
        wanted = asked and {"reason": asked.reason, "asked_by": asked.asked_by, "asked_at": asked.asked_at}
        return {**found, "discard_asked": wanted}

    @router.get(
        "/streams/{referral_id}",
        operation_id="readStream",
        summary="单条流 One stream",
        responses=problems(401, 403, 422, 503),
    )
    async def stream(referral_id: Referral, _: Reader) -> dict[str, Any]:
        """Head, own events, positions and what is parked for one referral. 某分流单的事件、位置与搁置情况。"""
        async with database.connection() as connection:
            return await reads.stream(connection, referral_id)


def _other_routes(router: APIRouter, database: Database, reads: ParkedReads) -> None:
    @router.get(
        "/quarantine", operation_id="listQuarantine", summary="隔离 Quarantined", responses=problems(401, 403, 422, 503)
    )
    async def list_quarantine(_: Reader, after: AfterRow = 0, limit: Limit = 100) -> dict[str, Any]:
        """Records without a readable place: where they stood and why; never their bytes. 无法定位的记录(不含内容)。"""
        async with database.connection() as connection:
            return await reads.quarantine_page(connection, after=after, limit=limit)

    @router.get(
        "/unsendable",
        operation_id="listUnsendable",
        summary="无法发送 Unsendable",
        responses=problems(401, 403, 422, 503),
    )
    async def list_unsendable(_: Reader, after: AfterRow = 0, limit: Limit = 100) -> dict[str, Any]:
        """Records that the broker refuses for themselves, with the reason. 被消息系统拒收的记录及原因。"""
        async with database.connection() as connection:
            return await reads.unsendable_page(connection, after=after, limit=limit)

    @router.get(
        "/unrepairable",
        operation_id="listUnrepairable",
        summary="无法修复的流 Unrepairable streams",
        responses=problems(401, 403, 422, 503),
    )
    async def list_unrepairable(
        _: Reader, consumer: Consumer = ACTING, after: Cursor = None, limit: Limit = 100
    ) -> dict[str, Any]:
        """Streams of which events are missing that their producer was asked for in vain. 多次请求仍缺失事件的流。"""
        async with database.connection() as connection:
            return await reads.unrepairable_page(connection, consumer=consumer, after=after, limit=limit)


def _retry_routes(
    router: APIRouter,
    database: Database,
    schema: str,
    keyring: Keyring | None,
    reads: ParkedReads,
    wake: Callable[[], None],
) -> None:
    async def note(
        connection: asyncpg.Connection,
        request: Request,
        by: Caller,
        action: str,
        subject: UUID | None,
        detail: dict[str, Any],
        why: Retry,
    ) -> None:
        if keyring is not None and subject is not None:
            text = KeptText.seal(keyring, subject, "ops_reason", why.reason)
            await write_texts(connection, schema, [text])
            detail["reason_text"] = text.text_id
        await audit.note(
            connection, by=by, action=action, subject=subject, request_id=request_id_of(request.scope),
            detail=detail, schema=schema,
        )  # fmt: skip

    @router.post(
        "/parked/{producer}/{referral_id}/{seq}/retry",
        operation_id="retryParked",
        status_code=202,
        summary="重试 Try again",
        responses=problems(401, 403, 404, 413, 415, 422, 503),
    )
    async def retry_parked(
        producer: Producer,
        referral_id: Referral,
        seq: Seq,
        why: Retry,
        by: Operator,
        request: Request,
        consumer: Consumer = ACTING,
    ) -> dict[str, Any]:
        """A failed event is tried again within seconds. 失败事件将在数秒内重试。"""
        async with database.transaction() as connection:
            event_id = await reads.retry(connection, consumer, producer, referral_id, seq)
            if event_id is None:
                raise Problem(
                    404, "not_parked", "没有这样的可重试搁置事件。", "No such parked event that a retry could free."
                )
            detail = {"consumer": consumer, "producer": producer, "seq": seq, "event_id": event_id}
            await note(connection, request, by, "retry_parked", referral_id, detail, why)
        wake()
        return {"producer": producer, "referral_id": str(referral_id), "seq": seq, "state": "waiting"}

    @router.post(
        "/unsendable/{n}/retry",
        operation_id="retryUnsendable",
        status_code=202,
        summary="重新发送 Send again",
        responses=problems(401, 403, 404, 413, 415, 422, 503),
    )
    async def retry_unsendable(n: Row, why: Retry, by: Operator, request: Request) -> dict[str, Any]:
        """Back into the queue of what is sent. 重新进入发送队列。"""
        async with database.transaction() as connection:
            row = await reads.resend(connection, n)
            if row is None:
                raise not_there("no_such_unsendable")
            await note(connection, request, by, "retry_unsendable", None, {"n": n, **row}, why)
        wake()
        return {"n": n, "state": "queued"}

    @router.post(
        "/unrepairable/{producer}/{referral_id}/retry",
        operation_id="retryUnrepairable",
        status_code=202,
        summary="重新请求 Ask the producer anew",
        responses=problems(401, 403, 404, 413, 415, 422, 503),
    )
    async def retry_unrepairable(
        producer: Producer,
        referral_id: Referral,
        why: Retry,
        by: Operator,
        request: Request,
        consumer: Consumer = ACTING,
    ) -> dict[str, Any]:
        """The producer is asked for what is missing again, as for a new lack. 再次向来源服务请求缺失的事件。"""
        async with database.transaction() as connection:
            upto = await reads.ask_anew(connection, consumer, producer, referral_id)
            if upto is None:
                raise not_there("no_such_unrepairable")
            detail = {"consumer": consumer, "producer": producer, "upto": upto}
            await note(connection, request, by, "retry_unrepairable", referral_id, detail, why)
        wake()
        return {"producer": producer, "referral_id": str(referral_id), "state": "real"}


def not_there(code: str) -> Problem:
    return Problem(404, code, "没有这一项。", "There is no such thing.")
