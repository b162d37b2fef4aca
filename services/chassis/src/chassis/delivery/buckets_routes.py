"""`/v1/ops/heads` by bucket: sums of all streams, and the heads in the buckets that a consumer found differing."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from chassis.auth import Caller, require
from chassis.database import Database
from chassis.delivery.buckets import BUCKETS, bucket_of, read_sums, sums_statement
from chassis.problems import problems

PAGE = 5000

Service = Annotated[Caller, Depends(require("service"))]
Bucket = Annotated[int, Query(ge=0, lt=BUCKETS)]


def bucket_routes(router: APIRouter, database: Database, schema: str) -> None:
    sums_of = sums_statement(f"{schema}.stream", "head", "head_event_id", "head > 0")
    heads_of = f"""
        SELECT referral_id, head, head_event_id FROM {schema}.stream
        WHERE head > 0 AND {bucket_of("referral_id")} = ANY ($1) AND referral_id > $2 ORDER BY referral_id LIMIT {PAGE}
    """

    @router.get(
        "/heads/sums", operation_id="sumHeads", summary="分组校验和 Sums by bucket", responses=problems(401, 403, 503)
    )
    async def sums(_: Service) -> dict[str, Any]:
        """各分组的流数、序号和与编号和。Of each bucket of streams: bucket, streams, sum of heads, sum over ids."""
        async with database.transaction() as connection:
            found = await read_sums(connection, sums_of)
        return {"buckets": [(bucket, *row) for bucket, row in sorted(found.items())]}

    @router.get(
        "/heads/buckets",
        operation_id="listHeadsInBuckets",
        summary="分组流头 Heads in buckets",
        responses=problems(401, 403, 422, 503),
    )
    async def heads(
        _: Service,
        bucket: Annotated[
            list[Bucket], Query(description="分组。Buckets.", max_length=64, min_length=1, examples=[[17]])
        ],
        after: Annotated[UUID | None, Query(description="上一页最后的分流单。Last referral seen.")] = None,
    ) -> dict[str, Any]:
        """这些分组中各流的最新序号与事件编号。Number and event id at the head of every stream in these buckets."""
        async with database.transaction() as connection:
            await connection.execute("SET LOCAL enable_seqscan = on")
            rows = await connection.fetch(heads_of, bucket, after or UUID(int=0))
            loss = await connection.fetchval(f"SELECT coalesce(max(n), 0) FROM {schema}.broker_loss")
        return {
            "heads": [(str(row[0]), row[1], str(row[2])) for row in rows],
            "next": str(rows[-1][0]) if len(rows) == PAGE else None,
            "loss": loss,
        }
