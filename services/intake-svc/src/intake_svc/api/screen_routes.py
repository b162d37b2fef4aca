"""Decisions on calls: a screener's, the police's on what they kept or got back, the source's own withdrawal."""

from typing import Annotated, Any

from chassis.commands import Answer, Asked, command
from chassis.problems import problems
from fastapi import APIRouter, Depends, Response

from intake_svc.api.desk import Desk, decided, not_offered, require_offered, role_of
from intake_svc.api.desk_models import CallDecided, ReturnDecisionIn, ScreenIn, WithdrawIn
from intake_svc.api.path_words import CallNumber, SourceName
from intake_svc.domain.blocks import POLICE, SCREENER
from intake_svc.domain.call import Call, Decided, ReferralId
from intake_svc.domain.decisions import Decision, ReturnDecision, deciding_role
from intake_svc.domain.desk_data import DeskRules
from intake_svc.store.work import IntakeWork
from intake_svc.use_cases.decide_call import decide_return, screen_call, withdraw_call

CALL = "/v1/calls/{source}/{call_no:path}"
PROBLEMS = problems(401, 403, 404, 409, 412, 422, 428, 503)
_LEFT: dict[int | str, dict[str, Any]] = {
    202: {"model": CallDecided, "description": "已决定，由系统即刻执行。Decided; the worker carries it out at once."}
}


def screen_routes(desk: Desk, rules: DeskRules) -> APIRouter:
    router = APIRouter(tags=["甄别 Screening"])
    _screen_route(router, desk, rules)
    _return_route(router, desk, rules)
    _withdraw_route(router, desk)
    return router


def _screen_route(router: APIRouter, desk: Desk, rules: DeskRules) -> None:
    @router.post(
        f"{CALL}/screen",
        operation_id="screenCall",
        summary="人工甄别 Decide on a call",
        response_model=CallDecided,
        responses={**_LEFT, **PROBLEMS},
    )
    async def screen(
        source: SourceName,
        call_no: CallNumber,
        body: ScreenIn,
        asked: Annotated[Asked, Depends(command(SCREENER, POLICE))],
    ) -> Response:
        """待甄别的由甄别员决定，公安自处的由公安决定。分流、并入由系统即刻执行（202）。有情形未解除时不得分流或并入。

        A screener decides on what waits for one, the police on what they kept. Referring and joining are carried out
        by the worker at once (202). While a block stands a call is neither referred nor joined.
        """
        _check(body, rules)

        def act(call: Call, work: IntakeWork) -> Answer:
            role = deciding_role(call, asked.by.roles)
            link_to = ReferralId(body.link_to) if body.link_to else None
            taken = _decided(body.decision, body.reason, asked, role, call, work, note=body.note, body=body.body_code)
            after = screen_call(call, taken, work, rules=rules.blocks, link_to=link_to)
            return decided(after, work, status=202 if after.is_cleared else 200)

        return await desk.run(asked, f"screen_{body.decision}", (source, call_no), act, also=body.link_to)


def _return_route(router: APIRouter, desk: Desk, rules: DeskRules) -> None:
    @router.post(
        f"{CALL}/return-decision",
        operation_id="decideReturn",
        summary="对退回的决定 Decide on a return",
        response_model=CallDecided,
        responses=PROBLEMS,
    )
    async def decide(
        source: SourceName,
        call_no: CallNumber,
        body: ReturnDecisionIn,
        asked: Annotated[Asked, Depends(command(POLICE))],
    ) -> Response:
        """退回公安后：再次分流、公安自处或转其他部门。What came back: refer it again, keep it, or pass it on."""
        _check_body_code(body.body_code, rules, is_needed=body.decision is ReturnDecision.TO_OTHER_BODY)

        def act(call: Call, work: IntakeWork) -> Answer:
            taken = _decided(
                body.decision, body.decision.value, asked, POLICE, call, work, note=body.note, body=body.body_code
            )
            return decided(decide_return(call, taken, work, rules=rules.blocks), work)

        return await desk.run(asked, f"return_{body.decision}", (source, call_no), act)


def _withdraw_route(router: APIRouter, desk: Desk) -> None:
    @router.post(
        f"{CALL}/withdraw",
        operation_id="withdrawCall",
        summary="撤销警情 Withdraw a call",
        response_model=CallDecided,
        responses=PROBLEMS,
    )
    async def withdraw(
        source: SourceName,
        call_no: CallNumber,
        body: WithdrawIn,
        asked: Annotated[Asked, Depends(command("source_system", POLICE))],
    ) -> Response:
        """报警人撤销；已分流的由司法所向当事人核实，不自动结案。

        A referral that it opened goes on until the office has asked the parties.
        """

        def act(call: Call, work: IntakeWork) -> Answer:
            role = role_of(asked.by, "source_system", POLICE)
            taken = _decided("withdraw", "withdrawn", asked, role, call, work, note=body.note)
            return decided(withdraw_call(call, taken, work), work)

        return await desk.run(asked, "withdraw_call", (source, call_no), act)


def _check(body: ScreenIn, rules: DeskRules) -> None:
    """Raises a 422 problem: the reason is offered, and what the decision needs is there."""
    require_offered(rules.decisions, body.decision, body.reason)
    _check_body_code(body.body_code, rules, is_needed=body.decision is Decision.TO_OTHER_BODY)
    if (body.link_to is not None) != (body.decision is Decision.LINK):
        raise not_offered("link_to", ["decision=link"])


def _check_body_code(given: str | None, rules: DeskRules, *, is_needed: bool) -> None:
    if (given in rules.decisions.bodies) if is_needed else given is None:
        return
    raise not_offered("body_code", rules.decisions.bodies if is_needed else ["decision=to_other_body"])


def _decided(
    decision: str,
    reason: str,
    asked: Asked,
    role: str,
    call: Call,
    work: IntakeWork,
    *,
    note: str | None,
    body: str | None = None,
) -> Decided:
    note_id = work.keep_text(f"{decision}_note", note, referral_id=call.referral_id)
    return Decided(str(decision), reason, asked.by.sub, role, work.now, body, note_id)
