"""followup's HTTP, beside `/v1/ops`."""

from typing import Annotated
from uuid import UUID

from chassis.auth import Caller, covers, require
from chassis.database import Database
from chassis.problems import Problem, problems
from fastapi import APIRouter, Depends

from followup_svc.api.models import WatchOut
from followup_svc.domain.watch import Watch
from followup_svc.store.watches import load_watches

Reader = Annotated[Caller, Depends(require("ops", "auditor", "bureau_supervisor", "city_supervisor"))]


def watch_routes(database: Database) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["跟踪 Watches"])

    @router.get(
        "/watches/{referral_id}",
        operation_id="readWatch",
        summary="分流单的跟踪 The watch over a referral",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def read_watch(referral_id: UUID, by: Reader) -> WatchOut:
        """跟踪自首次派单开始。A watch begins with the first dispatch."""
        async with database.connection() as connection:
            watches = await load_watches(connection, [referral_id])
        if not watches:
            raise Problem(404, "not_watched", "该分流单尚未派单，没有跟踪。", "Not dispatched yet: nothing is watched.")
        if not _is_in_scope(watches[0], by):
            raise Problem(403, "out_of_scope", "该分流单不在您的辖区。", "This referral is outside your area.")
        return WatchOut.of(watches[0])

    return router


def _is_in_scope(watch: Watch, by: Caller) -> bool:
    """A watch belongs to the area that its office's code begins with."""
    area = (watch.office_code or "").partition("-")[0]
    return covers(by.scope_path, f"{area[:2]}/{area[:6]}/{area}")
