"""What people do with a case. Each command is one transaction: translate, call, translate back."""

from collections.abc import Callable
from typing import Any

from chassis.problems import problems
from fastapi import APIRouter, Response

from mediation_svc.api import command_models as told
from mediation_svc.api.agreement_routes import agreement_routes, performance_routes
from mediation_svc.api.case_models import CaseChanged, ReferralInPath
from mediation_svc.api.running import AnyStaff, Head, Mediator, Post, Runner
from mediation_svc.use_cases import act_on_case as acts


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
    agreement_routes(post, run)
    performance_routes(post, run)
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
