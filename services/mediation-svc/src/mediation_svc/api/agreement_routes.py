"""What people do with an agreement: reach it, sign it, go back on it, keep it or not."""

from fastapi import Response

from mediation_svc.api import command_models as told
from mediation_svc.api.case_models import ObligationInPath, ReferralInPath
from mediation_svc.api.running import Head, Mediator, Post, Runner
from mediation_svc.use_cases import act_on_case as acts


def agreement_routes(post: Post, run: Runner) -> None:
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


def performance_routes(post: Post, run: Runner) -> None:
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


def _owed(obligations: list[told.OwedIn]) -> list[acts.Owed]:
    return [acts.Owed(one.kind, one.due_on, one.note) for one in obligations]
