"""`/v1/ops` of a restored service and of those who remember more than it does."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from chassis.auth import Caller, require
from chassis.database import Database
from chassis.delivery.incarnation import Incarnation
from chassis.delivery.known_reads import KnownReads
from chassis.instants import Instant
from chassis.problems import problems

PAGE = 1000

Service = Annotated[Caller, Depends(require("service"))]
Everyone = Annotated[Caller, Depends(require("service", "ops", "auditor"))]
Reader = Annotated[Caller, Depends(require("ops", "auditor"))]
Producer = Annotated[str, Query(pattern="^[a-z]{1,40}$", description="来源服务。Whose events.", examples=["intake"])]


def restore_routes(router: APIRouter, database: Database, schema: str) -> None:
    _consumer_routes(router, database, KnownReads(schema))
    _state_route(router, database, Incarnation(schema))
    _adopted_route(router, database, schema)


def _consumer_routes(router: APIRouter, database: Database, reads: KnownReads) -> None:
    @router.get(
        "/known", operation_id="listKnown", summary="已知最新事件 Newest known", responses=problems(401, 403, 422, 503)
    )
    async def known(
        _: Service,
        producer: Producer,
        since: Annotated[Instant | None, Query(description="仅此后产生的事件。Only events written since.")] = None,
    ) -> dict[str, Any]:
        """本服务已处理的来源服务最新事件样本；若来源服务缺失其中之一，即说明其数据库曾被恢复。

        A sample of the producer's newest events applied here: one it lacks means that it was restored.
        """
        async with database.connection() as connection:
            return await reads.newest(connection, producer, since)

    @router.get(
        "/positions",
        operation_id="listPositions",
        summary="各流位置 Positions by stream",
        responses=problems(401, 403, 422, 503),
    )
    async def positions(
        _: Service,
        producer: Producer,
        after: Annotated[UUID | None, Query(description="上一页最后的分流单。Last referral seen.")] = None,
    ) -> dict[str, Any]:
        """本服务在来源服务各流中的位置。Where this service stands in every stream of the producer."""
        async with database.connection() as connection:
            return await reads.positions(connection, producer, after)


def _state_route(router: APIRouter, database: Database, incarnation: Incarnation) -> None:
    @router.get(
        "/restore", operation_id="readRestore", summary="恢复状态 Restored or not", responses=problems(401, 403, 503)
    )
    async def restore(_: Reader) -> dict[str, Any]:
        """数据库是否可信、原因与处置办法。Whether the database is trusted, why not, and what cures it."""
        async with database.connection() as connection:
            standing = await incarnation.look(connection)
        return {
            "trusted": standing.refused_at is None,
            "refused_at": standing.refused_at,
            "reason": standing.reason,
            "stored": vars(standing.stored),
            "present": vars(standing.present),
            "adopted": standing.adopted,
            "adopted_at": standing.adopted_at,
        }


def _adopted_route(router: APIRouter, database: Database, schema: str) -> None:
    page = f"""
        SELECT n, adoption, referral_id, seq, was, event_id, type, known_by, at FROM {schema}.adopted_event
        WHERE n > $1 AND adoption > $2 AND ($3::boolean IS NULL OR (was IS NULL) = $3) ORDER BY n LIMIT {PAGE}
    """

    @router.get(
        "/restore/events",
        operation_id="listAdopted",
        summary="丢失与重编号事件 Lost and renumbered",
        responses=problems(401, 403, 422, 503),
    )
    async def adopted(
        _: Everyone,
        kind: Annotated[
            Literal["lost", "renumbered"] | None, Query(description="仅丢失的或仅重编号的。Only these.")
        ] = None,
        since: Annotated[int, Query(ge=0, le=2**31 - 1, description="此次采纳之后。After this adoption.")] = 0,
        after: Annotated[int, Query(ge=0, le=2**63 - 1, description="上一页最后编号。Last number seen.")] = 0,
    ) -> dict[str, Any]:
        """其他服务已知而恢复后的数据库没有的事件，以及恢复后产生、已重新编号的事件。

        What consumers know and the restored database did not; what was written since and got new numbers.
        """
        async with database.connection() as connection:
            rows = await connection.fetch(page, after, since, None if kind is None else kind == "lost")
        items = [
            {**row, "referral_id": str(row["referral_id"]), "event_id": str(row["event_id"])} for row in map(dict, rows)
        ]
        return {"items": items, "next": items[-1]["n"] if len(items) == PAGE else None}
