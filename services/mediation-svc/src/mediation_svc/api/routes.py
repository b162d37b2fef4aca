"""mediation's HTTP, beside `/v1/ops`."""

from typing import Annotated
from uuid import UUID

from chassis.auth import Caller, covers, require
from chassis.database import Database
from chassis.problems import Problem, problems
from fastapi import APIRouter, Depends, Path

from mediation_svc.api.models import MirrorOut
from mediation_svc.domain.case import ReferralId
from mediation_svc.domain.mirror import Mirror
from mediation_svc.store.mirrors import find_mirror

Reader = Annotated[Caller, Depends(require("ops", "auditor", "bureau_supervisor", "city_supervisor"))]


def mirror_routes(database: Database) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["镜像 Mirrors"])

    @router.get(
        "/mirrors/{referral_id}",
        operation_id="readMirror",
        summary="调解所知的分流单 A referral as mediation knows it",
        responses=problems(401, 403, 404, 422, 503),
    )
    async def read_mirror(
        referral_id: Annotated[UUID, Path(description="分流单编号。Referral id.")], by: Reader
    ) -> MirrorOut:
        """类别、风险等级与派往的司法所；尚未立案。Category, grade and office; no case has been opened yet."""
        async with database.connection() as connection:
            mirror = await find_mirror(connection, ReferralId(referral_id))
        if mirror is None or mirror.opened_at is None:
            raise Problem(404, "referral_not_opened", "没有这样的分流单。", "No referral of this id has been opened.")
        if not _is_in_scope(mirror, by):
            raise Problem(403, "out_of_scope", "该分流单不在您的辖区。", "This referral is outside your area.")
        return MirrorOut.of(mirror)

    return router


def _is_in_scope(mirror: Mirror, by: Caller) -> bool:
    """A dispatched referral belongs to the area that its office's code begins with; before, to the city alone."""
    if mirror.office_code is None:
        return "/" not in by.scope_path
    area = mirror.office_code.partition("-")[0]
    return covers(by.scope_path, f"{area[:2]}/{area[:6]}/{area}")
