"""What people do with a referral. Each command is one transaction: translate, call, translate back."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from chassis.auth import Caller
from chassis.commands import Answer, Asked, Commands, command
from chassis.problems import problems
from chassis.texts_routes import is_in_sight
from fastapi import APIRouter, Depends, Response

from triage_svc.api import command_models as told
from triage_svc.api.referral_models import ReferralInPath
from triage_svc.api.refusals import not_opened, out_of_scope
from triage_svc.domain.person import Person
from triage_svc.domain.referral import Referral, ReferralId
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.contact_parties import Contacted, ContactParties, contact_parties
from triage_svc.use_cases.dispatch_referral import DispatchReferral, dispatch_referral
from triage_svc.use_cases.end_referral import (
    RecordNoConsent,
    RecordSelfResolved,
    SendBack,
    SendToOtherBody,
    record_no_consent,
    record_self_resolved,
    send_back,
    send_to_other_body,
)
from triage_svc.use_cases.grade_referral import GradeReferral, grade_referral
from triage_svc.use_cases.hand_over import HandOver, hand_over
from triage_svc.use_cases.return_referral import DecideReturn, RequestReturn, decide_return, request_return
from triage_svc.use_cases.sign_referral import SignReferral, sign_referral

Clerk = Annotated[Asked, Depends(command("office_clerk"))]
Dispatcher = Annotated[Asked, Depends(command("dispatcher"))]
District = Annotated[Asked, Depends(command("dispatcher", "bureau_supervisor", "city_supervisor"))]


def command_routes(commands: Commands[TriageWork]) -> APIRouter:
    """Bodies in, use cases, how the referral stands now out; refusals become problems elsewhere."""
    router = APIRouter(prefix="/v1/referrals/{referral_id}", tags=["办理 Commands"])
    run = _Runner(commands)

    def post(path: str, operation_id: str, summary: str) -> Callable[[Any], Any]:
        return router.post(
            path,
            operation_id=operation_id,
            summary=summary,
            response_model=told.ReferralChanged,
            responses=problems(401, 403, 404, 409, 412, 422, 428, 503),
        )

    @post("/dispatch", "dispatchReferral", "派单 Dispatch to an office")
    async def dispatch(referral_id: ReferralInPath, body: told.DispatchIn, asked: Dispatcher) -> Response:
        """待研判、已派单或申请退回的，由调度员定所。The dispatcher names the office, from review or after a return."""
        wanted = DispatchReferral(
            ReferralId(referral_id), _person(asked.by), body.office_code, body.reason, body.category, body.grade
        )
        return await run(asked, "dispatch_referral", referral_id, lambda work: dispatch_referral(wanted, work))

    @post("/sign", "signReferral", "签收 Sign for it")
    async def sign(referral_id: ReferralInPath, body: told.SignIn, asked: Clerk) -> Response:
        """司法所签收，责任单位随之变更（首接负责）。The office takes it, and answers for it from here on."""
        wanted = SignReferral(ReferralId(referral_id))
        return await run(asked, "sign_referral", referral_id, lambda work: sign_referral(wanted, work))

    @post("/contact", "contactParties", "首次联系 First contact")
    async def contact(referral_id: ReferralInPath, body: told.ContactIn, asked: Clerk) -> Response:
        """登记首次联系及当事人；姓名加密保存。Who was reached; names are kept sealed."""
        parties = tuple(Contacted(one.role, one.party_id, one.name) for one in body.parties)
        wanted = ContactParties(ReferralId(referral_id), body.channel, parties, body.contacted_at, body.note)
        return await run(asked, "contact_parties", referral_id, lambda work: contact_parties(wanted, work))

    @post("/request-return", "requestReturn", "申请退回 Ask to hand back")
    async def ask_return(referral_id: ReferralInPath, body: told.ReturnRequestIn, asked: Clerk) -> Response:
        """理由限清单所列；超过次数由区级裁定。For a listed reason; after too many the district decides."""
        wanted = RequestReturn(ReferralId(referral_id), body.reason, body.addressee, body.note)
        return await run(asked, "request_return", referral_id, lambda work: request_return(wanted, work))

    @post("/return-decision", "decideReturn", "退回裁定 Decide a return")
    async def answer_return(referral_id: ReferralInPath, body: told.ReturnDecisionIn, asked: District) -> Response:
        """不同意、改派、转其他部门或退回公安。Refused, another office, another body, or back to the police."""
        wanted = DecideReturn(
            ReferralId(referral_id), _person(asked.by), body.decision, body.reason, body.office_code, body.body_code
        )
        return await run(asked, "decide_return", referral_id, lambda work: decide_return(wanted, work))

    @post("/hand-over", "handOver", "移交调解 Hand to mediation")
    async def hand(referral_id: ReferralInPath, body: told.HandOverIn, asked: Clerk) -> Response:
        """移交人民调解委员会；不填则按组织目录确定。To a committee; where none is named the directory decides."""
        wanted = HandOver(ReferralId(referral_id), body.committee_code, body.room_code, body.mediator_code)
        return await run(asked, "hand_over", referral_id, lambda work: hand_over(wanted, work))

    @post("/no-consent", "recordNoConsent", "不同意调解 No consent")
    async def no_consent(referral_id: ReferralInPath, body: told.NoConsentIn, asked: Clerk) -> Response:
        """当事人明确拒绝，已告知其他途径（人民调解法第17、26条）。A clear refusal, remedies told (PML 17, 26)."""
        wanted = RecordNoConsent(ReferralId(referral_id), body.remedies_informed_at)
        return await run(asked, "record_no_consent", referral_id, lambda work: record_no_consent(wanted, work))

    @post("/self-resolved", "recordSelfResolved", "自行和解 Settled by themselves")
    async def self_resolved(referral_id: ReferralInPath, body: told.SelfResolvedIn, asked: Clerk) -> Response:
        """当事人已自行和解。The parties have settled it themselves."""
        wanted = RecordSelfResolved(ReferralId(referral_id), body.note)
        return await run(asked, "record_self_resolved", referral_id, lambda work: record_self_resolved(wanted, work))

    @post("/send-back", "sendBack", "退回公安 Back to the police")
    async def to_police(referral_id: ReferralInPath, body: told.SendBackIn, asked: Dispatcher) -> Response:
        """待研判或不得调解的，退回公安处理。From review or blocked: the police decide."""
        wanted = SendBack(ReferralId(referral_id), _person(asked.by), body.reason)
        return await run(asked, "send_back", referral_id, lambda work: send_back(wanted, work))

    @post("/send-to-other-body", "sendToOtherBody", "转其他部门 To another body")
    async def to_other_body(referral_id: ReferralInPath, body: told.SendToOtherBodyIn, asked: Dispatcher) -> Response:
        """转有权处理的部门。To the body that has the power."""
        wanted = SendToOtherBody(ReferralId(referral_id), _person(asked.by), body.body_code, body.reason)
        return await run(asked, "send_to_other_body", referral_id, lambda work: send_to_other_body(wanted, work))

    @post("/grade", "gradeReferral", "人工定级 Grade it")
    async def grade(referral_id: ReferralInPath, body: told.GradeIn, asked: District) -> Response:
        """调度员可升，降级须监督员批准。A dispatcher may raise; lowering takes a supervisor."""
        wanted = GradeReferral(ReferralId(referral_id), _person(asked.by), body.grade, body.reason)
        return await run(asked, "grade_referral", referral_id, lambda work: grade_referral(wanted, work))

    return router


class _Runner:
    def __init__(self, commands: Commands[TriageWork]) -> None:
        self._commands = commands

    async def __call__(
        self, asked: Asked, action: str, referral_id: UUID, act: Callable[[TriageWork], Referral]
    ) -> Response:
        def version(work: TriageWork) -> int:
            referral = work.referrals.find(referral_id)
            if referral is None:
                raise not_opened()
            if not is_in_sight(asked.by, referral.scope_path):
                raise out_of_scope()
            return referral.version

        def answer(work: TriageWork) -> Answer:
            changed = act(work)
            return Answer(told.ReferralChanged.of(changed, work.now), version=changed.version)

        return await self._commands.run(asked, action, [referral_id], version=version, act=answer)


def _person(by: Caller) -> Person:
    return Person(by.sub, by.roles, by.scope_path)
