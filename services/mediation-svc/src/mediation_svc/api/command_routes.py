"""What people do with a case. Each command is one transaction: translate, call, translate back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from chassis.auth import Caller
from chassis.commands import Answer, Asked, Commands, command
from chassis.problems import problems
from chassis.texts_routes import is_in_sight
from fastapi import APIRouter, Depends, Response

from mediation_svc.api import command_models as told
from mediation_svc.api.case_models import CaseChanged, ObligationInPath, ReferralInPath
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


def command_routes(run: Runner) -> APIRouter:
    """Bodies in, use cases, how the case stands now out; refusals become problems elsewhere."""
    router = APIRouter(prefix="/v1/cases/{referral_id}", tags=["办理 Commands"])

    def post(path: str, operation_id: str, summary: str) -> Callable[[Any], Any]:
        return router.post(
            path,
            operation_id=operation_id,
            summary=summary,
            response_model=CaseChanged,
            responses=problems(401, 403, 404, 409, 412, 422, 428, 503),
        )

    _consent_routes(post, run)
    _meeting_routes(post, run)
    _agreement_routes(post, run)
    _performance_routes(post, run)
    _ending_routes(post, run)
    return router


def _consent_routes(post: Post, run: Runner) -> None:
    @post("/consent", "recordConsent", "登记当事人意愿 Record a party's consent")
    async def consent(referral_id: ReferralInPath, body: told.ConsentIn, asked: AnyStaff) -> Response:
        """一方明确拒绝即不得调解（人民调解法第17条）；生效前可随时撤回。One refusal stops it; it may be withdrawn
        until the agreement has effect."""
        return await run(
            asked,
            "record_consent",
            referral_id,
            lambda work: acts.record_consent(
                referral_id, body.party_id, body.consent, how=body.how, at=body.at, by=asked.by.sub, work=work
            ),
        )

    @post("/accept", "acceptCase", "受理 Accept")
    async def accept(referral_id: ReferralInPath, body: told.NothingIn, asked: Head) -> Response:
        """无人拒绝且有人同意时受理，同时编卷号。Accepted when nobody refuses; the file number is given with it."""
        return await run.accept(asked, referral_id)

    @post("/assign", "assignMediators", "确定调解员 Name the mediators")
    async def assign(referral_id: ReferralInPath, body: told.AssignIn, asked: Head) -> Response:
        """调委会指定或当事人选择（第19条），亦用于更换。Named or chosen; also for a change."""
        return await run(
            asked,
            "assign_mediators",
            referral_id,
            lambda work: acts.assign(referral_id, body.mediator_codes, body.chosen_by, work),
        )


def _meeting_routes(post: Post, run: Runner) -> None:
    @post("/inform", "informParties", "权利义务告知 Tell rights and duties")
    async def inform(referral_id: ReferralInPath, body: told.NothingIn, asked: Mediator) -> Response:
        """告知性质、原则、效力、权利义务。Nature, principles, effect, rights and duties are told."""
        return await run(asked, "inform_parties", referral_id, lambda work: acts.inform(referral_id, work))

    @post("/meet", "holdMeeting", "登记调解会 Record a meeting")
    async def meet(referral_id: ReferralInPath, body: told.MeetIn, asked: Mediator) -> Response:
        """首次调解会即进入调解中。The first one begins the mediation."""
        return await run(
            asked,
            "hold_meeting",
            referral_id,
            lambda work: acts.meet(referral_id, body.held_at, body.present, body.note, work),
        )

    @post("/suspend", "suspendCase", "中止 Suspend")
    async def suspend(referral_id: ReferralInPath, body: told.SuspendIn, asked: Mediator) -> Response:
        """鉴定期间医疗时限停止计算。An appraisal stops the medical limit; nothing else stops one."""
        return await run(asked, "suspend_case", referral_id, lambda work: acts.suspend(referral_id, body.reason, work))

    @post("/resume", "resumeCase", "恢复 Resume")
    async def resume(referral_id: ReferralInPath, body: told.NothingIn, asked: Mediator) -> Response:
        """回到中止前的状态。Back to where it stood."""
        return await run(asked, "resume_case", referral_id, lambda work: acts.resume(referral_id, work))

    @post("/extend", "extendLimit", "延长期限 Extend the limit")
    async def extend(referral_id: ReferralInPath, body: told.ExtendIn, asked: Head) -> Response:
        """须各方当事人与调委会一致同意。Every party and the committee must want it."""
        return await run(
            asked,
            "extend_limit",
            referral_id,
            lambda work: acts.extend(referral_id, body.days, body.agreed_by, work),
        )


def _agreement_routes(post: Post, run: Runner) -> None:
    @post("/oral-agreement", "agreeOrally", "口头协议 Agree orally")
    async def agree_orally(referral_id: ReferralInPath, body: told.OralAgreementIn, asked: Mediator) -> Response:
        """当场履行且无人要求协议书时可用，登记即生效（第28、30条）。Effective as it is recorded."""
        return await run(
            asked,
            "agree_orally",
            referral_id,
            lambda work: acts.agree_orally(
                referral_id,
                _owed(body.obligations),
                note=body.note,
                performed_on_spot=body.performed_on_spot,
                nobody_objects=body.parties_agree_no_document,
                work=work,
            ),
        )

    @post("/written-agreement", "agreeInWriting", "书面协议 Agree in writing")
    async def agree_in_writing(referral_id: ReferralInPath, body: told.WrittenAgreementIn, asked: Mediator) -> Response:
        """制作协议书，尚未生效。The text is drawn up; it has no effect yet."""
        return await run(
            asked,
            "agree_in_writing",
            referral_id,
            lambda work: acts.agree_in_writing(referral_id, _owed(body.obligations), body.note, work),
        )

    @post("/sign", "signAgreement", "签名 Sign")
    async def sign(referral_id: ReferralInPath, body: told.SignIn, asked: Mediator) -> Response:
        """各方当事人与调解员签名、盖章或按指印。Each party and the mediator."""
        return await run(
            asked,
            "sign_agreement",
            referral_id,
            lambda work: acts.sign(referral_id, body.signer, body.party_id, at=body.at, by=asked.by.sub, work=work),
        )

    @post("/seal", "sealAgreement", "盖章生效 Seal")
    async def seal(referral_id: ReferralInPath, body: told.NothingIn, asked: Head) -> Response:
        """签名齐全方可盖章，盖章即生效（第29条）。After the last signature; with it the agreement takes effect."""
        return await run(asked, "seal_agreement", referral_id, lambda work: acts.seal(referral_id, work))

    @post("/withdraw", "withdrawFromAgreement", "生效前反悔 Go back on the text")
    async def withdraw(referral_id: ReferralInPath, body: told.WithdrawIn, asked: Mediator) -> Response:
        """协议书作废，继续调解。The text is put away, mediation goes on."""
        return await run(
            asked, "withdraw_from_agreement", referral_id, lambda work: acts.withdraw(referral_id, body.party_id, work)
        )


def _performance_routes(post: Post, run: Runner) -> None:
    @post("/obligations/{obligation_id}/performed", "confirmPerformance", "确认履行 Confirm performance")
    async def performed(
        referral_id: ReferralInPath, obligation_id: ObligationInPath, body: told.PerformedIn, asked: Mediator
    ) -> Response:
        """逾期后履行亦登记。Late performance counts too."""
        return await run(
            asked,
            "confirm_performance",
            referral_id,
            lambda work: acts.perform(referral_id, obligation_id, body.proof_note, work),
        )

    @post("/obligations/{obligation_id}/breached", "reportBreach", "登记未履行 Report a breach")
    async def breached(
        referral_id: ReferralInPath, obligation_id: ObligationInPath, body: told.BreachedIn, asked: Mediator
    ) -> Response:
        """随后督促履行（第31条）。Urging follows."""
        return await run(
            asked,
            "report_breach",
            referral_id,
            lambda work: acts.find_breach(referral_id, obligation_id, body.found_by, work),
        )

    @post("/resume-performance", "resumePerformance", "督促见效 Urging helped")
    async def resume_performance(referral_id: ReferralInPath, body: told.NothingIn, asked: Mediator) -> Response:
        """当事人愿继续履行。What was breached is promised again."""
        return await run(
            asked, "resume_performance", referral_id, lambda work: acts.resume_performance(referral_id, work)
        )

    @post("/remedies-told", "tellRemedies", "告知救济途径 Tell the remedies")
    async def remedies_told(referral_id: ReferralInPath, body: told.RemediesToldIn, asked: Mediator) -> Response:
        """督促无效，告知司法确认、起诉、支付令等途径。Urging failed: confirmation, suit, payment order."""
        return await run(
            asked,
            "tell_remedies",
            referral_id,
            lambda work: acts.tell_remedies(referral_id, body.remedies_informed_at, work),
        )

    @post("/hold-invalid", "holdInvalid", "协议被认定无效 Held invalid")
    async def hold_invalid(referral_id: ReferralInPath, body: told.HoldInvalidIn, asked: Head) -> Response:
        """重新征求同意（第33条）。Consent is asked anew."""
        return await run(
            asked, "hold_invalid", referral_id, lambda work: acts.hold_invalid(referral_id, body.reason, work)
        )


def _ending_routes(post: Post, run: Runner) -> None:
    @post("/terminate", "terminateCase", "终止 Terminate")
    async def terminate(referral_id: ReferralInPath, body: told.TerminateIn, asked: Mediator) -> Response:
        """须已告知救济途径（第26条）。The remedies must have been told."""
        return await run(
            asked,
            "terminate_case",
            referral_id,
            lambda work: acts.terminate(referral_id, body.reason, body.remedies_informed_at, work),
        )

    @post("/reopen", "reopenCase", "重启 Reopen")
    async def reopen(referral_id: ReferralInPath, body: told.ReopenIn, asked: Head) -> Response:
        """办结后的由跟踪回访重启。After closing it is followup that reopens."""
        return await run(asked, "reopen_case", referral_id, lambda work: acts.reopen(referral_id, body.reason, work))

    @post("/escalate-to-police", "escalateToPolice", "报告公安 Report to the police")
    async def escalate(referral_id: ReferralInPath, body: told.EscalateIn, asked: Mediator) -> Response:
        """有激化可能时及时报告（第25条），登记回执。Reported in time, with the receipt."""
        return await run(
            asked,
            "escalate_to_police",
            referral_id,
            lambda work: acts.report_to_police(referral_id, body.reason, body.receipt, work),
        )

    @post("/file", "fileCase", "立卷归档 Put the file away")
    async def file(referral_id: ReferralInPath, body: told.NothingIn, asked: Head) -> Response:
        """跟踪回访办结之后。After followup has closed the referral."""
        return await run(asked, "file_case", referral_id, lambda work: acts.file_away(referral_id, work))


def _owed(obligations: list[told.OwedIn]) -> list[acts.Owed]:
    return [acts.Owed(one.kind, one.due_on, one.note) for one in obligations]
