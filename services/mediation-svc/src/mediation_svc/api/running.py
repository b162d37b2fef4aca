"""How a command on a case is run: whose it is, on which version, and what is answered."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from chassis.auth import Caller
from chassis.commands import Answer, Asked, Commands, command
from chassis.texts_routes import is_in_sight
from fastapi import Depends, Response

from mediation_svc.api.case_models import CaseChanged
from mediation_svc.api.refusals import no_case, not_opened, out_of_scope
from mediation_svc.domain.case import MediationCase
from mediation_svc.store.work import AcceptingWork, MediationWork
from mediation_svc.use_cases import act_on_case as acts

Post = Callable[[str, str, str], Callable[[Any], Any]]
AnyStaff = Annotated[Asked, Depends(command("mediator", "committee_head", "office_clerk"))]
Mediator = Annotated[Asked, Depends(command("mediator", "committee_head"))]
Head = Annotated[Asked, Depends(command("committee_head"))]


@dataclass(frozen=True)
class Runner:
    """Acceptances have commands of their own: their work holds the committee's last file number."""

    commands: Commands[MediationWork]
    accepting: Commands[AcceptingWork]

    async def __call__(
        self, asked: Asked, action: str, referral_id: UUID, act: Callable[[MediationWork], MediationCase]
    ) -> Response:
        return await self.commands.run(
            asked,
            action,
            [referral_id],
            version=lambda work: version_seen(work, referral_id, asked.by),
            act=lambda work: answer(act(work)),
        )

    async def accept(self, asked: Asked, referral_id: UUID) -> Response:
        return await self.accepting.run(
            asked,
            "accept_case",
            [referral_id],
            version=lambda work: version_seen(work, referral_id, asked.by),
            act=lambda work: answer(acts.accept(referral_id, work)),
        )


def version_seen(work: MediationWork, referral_id: UUID, by: Caller) -> int:
    """Raises the 404 of what is not there and the 403 of what is not the caller's."""
    case = work.cases.find(referral_id)
    if case is None:
        raise not_opened() if work.mirror(referral_id).opened_at is None else no_case()
    if not is_in_sight(by, case.scope_path):
        raise out_of_scope()
    return case.version


def answer(case: MediationCase) -> Answer:
    return Answer(CaseChanged.of(case), version=case.version)
