"""`/v1/ops` of every service: repair for the other services, ledger and parked events for operators."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from chassis.audit_routes import audit_routes
from chassis.auth import Caller, require
from chassis.clock import Clock
from chassis.database import Database
from chassis.delivery.buckets_routes import bucket_routes
from chassis.delivery.ledger import LedgerReads, OutgoingReads
from chassis.delivery.ops_discarding import discard_routes
from chassis.delivery.ops_operators import operator_routes
from chassis.delivery.ops_timers import timer_routes
from chassis.delivery.restore_routes import restore_routes
from chassis.instants import Instant
from chassis.problems import Problem, problems
from chassis.sealing import Keyring

LedgerCounts = Callable[[asyncpg.Connection], Awaitable[dict[str, Any]]]

Service = Annotated[Caller, Depends(require("service"))]
Reader = Annotated[Caller, Depends(require("ops", "auditor"))]

LAST_SEQ = 2**31 - 1


class StreamWanted(BaseModel):
    """One stream to be sent again. 需要重发的事件流。"""

    referral_id: UUID = Field(
        description="Referral id. 分流单编号。", examples=["01931f7e-7b7a-7c3e-9a52-3f2b8c1d4e5f"]
    )
    from_seq: int = Field(ge=1, le=LAST_SEQ, description="First number wanted. 起始序号。", examples=[1])


class Resend(BaseModel):
    """What a consumer asks for again. 重发请求。"""

    streams: list[StreamWanted] = Field(
        min_length=1,
        max_length=1000,
        description="Streams wanted. 需要重发的流。",
        examples=[[{"referral_id": "01931f7e-7b7a-7c3e-9a52-3f2b8c1d4e5f", "from_seq": 1}]],
    )


def ops_router(
    service: str,
    schema: str,
    topic: str,
    consumed: list[str],
    database: Database,
    clock: Clock,
    *,
    counts: LedgerCounts,
    wake: Callable[[], None],
    keyring: Keyring | None = None,
) -> APIRouter:
    """`counts` adds the service's own figures to its ledger; `wake` tells the worker that something may be tried.

    `keyring` seals what operators write; without one their words are not kept.
    """
    router = APIRouter(prefix="/v1/ops", tags=["运维 Ops"])
    _repair_routes(router, database, OutgoingReads(schema, topic))
    bucket_routes(router, database, schema)
    restore_routes(router, database, schema)
    operator_routes(router, database, schema, keyring, wake)
    discard_routes(router, database, schema, wake)
    timer_routes(router, database, schema, wake)
    router.include_router(audit_routes(database, schema))
    reads = LedgerReads(schema, consumed)

    @router.get(
        "/ledger", operation_id="readLedger", summary="台账数据 Ledger figures", responses=problems(401, 403, 503)
    )
    async def ledger(_: Reader) -> dict[str, Any]:
        """This service's part of the ledger, all of one instant. 本服务的台账数据(同一时点)。"""
        async with database.transaction() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            await connection.execute("SET LOCAL enable_seqscan = on")  # whole tables are counted here
            figures = await reads.figures(connection)
            own = await counts(connection)
        return {"service": service, "at": clock.now().isoformat(), **figures, "counts": own}

    return router


def _repair_routes(router: APIRouter, database: Database, outgoing: OutgoingReads) -> None:
    @router.get("/heads", operation_id="listHeads", summary="流头 Stream heads", responses=problems(401, 403, 422, 503))
    async def heads(
        _: Service,
        changed_since: Annotated[
            Instant | None, Query(description="Only streams changed since. 仅此后变更的流。")
        ] = None,
        changed_before: Annotated[
            Instant | None, Query(description="Only streams changed before. 仅此前变更的流。")
        ] = None,
        after: Annotated[str | None, Query(description="Cursor of the last page. 上一页游标。", max_length=100)] = None,
        limit: Annotated[int, Query(ge=1, le=5000, description="Page size. 每页条数。")] = 5000,
        referral_id: Annotated[list[UUID] | None, Query(description="Only these. 仅这些。", max_length=100)] = None,
    ) -> dict[str, Any]:
        """Number and event id at the head of each stream, for comparison. 各流最新序号与事件编号,供比对。"""
        async with database.connection() as connection:
            if referral_id is not None:
                return await outgoing.heads_of(connection, referral_id)
            try:
                return await outgoing.heads(
                    connection, since=changed_since, before=changed_before, after=after, limit=limit
                )
            except ValueError as error:
                raise Problem(
                    422,
                    "bad_cursor",
                    "游标无效,请使用上一页返回的 next。",
                    "The cursor is not one of ours; use `next` of the last page.",
                ) from error

    @router.get(
        "/heads/slices",
        operation_id="sumHeadsBySlice",
        summary="时段校验和 Sums by time of change",
        responses=problems(401, 403, 422, 503),
    )
    async def slices(
        _: Service,
        changed_since: Annotated[
            Instant,
            Query(description="Only streams changed since. 仅此后变更的流。", examples=["2026-11-30T02:10:00Z"]),
        ],
    ) -> dict[str, Any]:
        """Streams, sum of heads and sum over ids of every ten seconds in which streams changed last, beginning first.

        按最后变更时间每十秒一段: 起始时刻、流数、序号和与编号和。
        """
        async with database.connection() as connection:
            return await outgoing.slices(connection, since=changed_since)

    @router.post(
        "/resend", operation_id="resendEvents", summary="重发 Send again", responses=problems(401, 403, 422, 503)
    )
    async def resend(wanted: Resend, _: Service) -> dict[str, Any]:
        """Events from a number on go out again with their first headers. 自某序号起按原始头部重发。"""
        async with database.transaction() as connection:
            pairs = sorted((one.referral_id, one.from_seq) for one in wanted.streams)
            return {"streams": await outgoing.resend(connection, pairs)}

    @router.get(
        "/events", operation_id="listEvents", summary="本服务事件 Own events", responses=problems(401, 403, 422, 503)
    )
    async def events(
        _: Service,
        referral_id: Annotated[UUID, Query(description="Referral id. 分流单编号。")],
        from_seq: Annotated[int, Query(ge=1, le=LAST_SEQ, description="First number. 起始序号。")] = 1,
    ) -> dict[str, Any]:
        """One referral's events of this service in order, up to 1,000. 某分流单的本服务事件(至多1000条)。"""
        async with database.connection() as connection:
            return {"events": await outgoing.events(connection, referral_id, from_seq)}
