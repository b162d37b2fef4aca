"""What every command of followup shares: which watch it is about, who may, and the version that people see."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from chassis.auth import Caller
from chassis.commands import Answer, Asked, Commands
from chassis.problems import Problem
from chassis.texts_routes import is_in_sight
from fastapi import Response
from pydantic import BaseModel

from followup_svc.domain.watch import Watch
from followup_svc.store.work import FollowupWork

Do = Callable[[FollowupWork, Watch], BaseModel]


@dataclass(frozen=True)
class WatchCommands:
    """Runs what people ask for on one watch; what they changed counts into its version."""

    commands: Commands[FollowupWork]

    async def run(self, asked: Asked, action: str, referral_id: UUID, do: Do, *, status: int = 200) -> Response:
        def act(work: FollowupWork) -> Answer:
            body = do(work, work.watches.get(referral_id))
            return Answer(body, version=count_change(work, referral_id), status=status)

        return await self.commands.run(
            asked, action, [referral_id], version=lambda work: version_of(work, referral_id, asked.by), act=act
        )


def version_of(work: FollowupWork, referral_id: UUID, by: Caller) -> int:
    """Raises the 404 and 403 problems."""
    watch = work.watches.find(referral_id)
    if watch is None:
        raise not_watched()
    demand_sight(by, watch.scope_path)
    return watch.version


def count_change(work: FollowupWork, referral_id: UUID) -> int:
    changed = work.watches.get(referral_id).changed_by_people()
    work.watches.put(referral_id, changed)
    return changed.version


def demand_sight(by: Caller, scope_path: str | None) -> None:
    if not is_in_sight(by, scope_path):
        raise Problem(403, "out_of_scope", "该分流单不在您的辖区。", "This referral is outside your area.")


def not_watched() -> Problem:
    return Problem(404, "not_watched", "该分流单尚未派单，没有跟踪。", "Not dispatched yet: nothing is watched.")
