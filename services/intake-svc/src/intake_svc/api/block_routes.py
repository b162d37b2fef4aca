"""What must not go to mediation: set by the police, lifted by whoever may (DOMAIN §1.8)."""

from typing import Annotated

from chassis.commands import Answer, Asked, command
from fastapi import APIRouter, Depends, Response

from intake_svc.api.desk import Desk, decided, not_offered, require_offered
from intake_svc.api.desk_models import BlockIn, CallDecided, LiftIn
from intake_svc.api.path_words import BlockName, CallNumber, SourceName
from intake_svc.api.screen_routes import CALL, PROBLEMS
from intake_svc.domain.blocks import POLICE, SCREENER
from intake_svc.domain.call import Call
from intake_svc.domain.desk_data import DeskRules
from intake_svc.store.work import IntakeWork
from intake_svc.use_cases.hold_back import lift_blocks, set_block


def block_routes(desk: Desk, rules: DeskRules) -> APIRouter:
    router = APIRouter(tags=["不得调解 Blocks"])

    @router.post(
        f"{CALL}/blocks",
        operation_id="setBlock",
        summary="设置不得调解的情形 Set a block",
        response_model=CallDecided,
        responses=PROBLEMS,
    )
    async def set_one(
        source: SourceName, call_no: CallNumber, body: BlockIn, asked: Annotated[Asked, Depends(command(POLICE))]
    ) -> Response:
        """已分流或已并入的，该分流单立即暂停办理。Where its dispute is handled already, that is halted at once."""
        if body.code not in rules.blocks.kinds:
            raise not_offered("code", rules.blocks.kinds)
        require_offered(rules.decisions, "block", body.reason)

        def act(call: Call, work: IntakeWork) -> Answer:
            note_id = work.keep_text("block_note", body.note, referral_id=call.referral_id)
            return decided(set_block(call, body.code, body.reason, work, note_id=note_id), work)

        return await desk.run(asked, "set_block", (source, call_no), act)

    @router.post(
        f"{CALL}/blocks/{{code}}/lift",
        operation_id="liftBlock",
        summary="解除不得调解的情形 Lift a block",
        response_model=CallDecided,
        responses=PROBLEMS,
    )
    async def lift(
        source: SourceName,
        call_no: CallNumber,
        code: BlockName,
        body: LiftIn,
        asked: Annotated[Asked, Depends(command(POLICE, SCREENER))],
    ) -> Response:
        """涉嫌犯罪、治安、家暴、危及生命等只能由公安解除。Crime, public security, domestic violence and danger to life
        are lifted by the police alone.
        """
        if code not in rules.blocks.kinds:
            raise not_offered("code", rules.blocks.kinds)
        require_offered(rules.decisions, "lift", body.reason)

        def act(call: Call, work: IntakeWork) -> Answer:
            note_id = work.keep_text("lift_note", body.note, referral_id=call.referral_id)
            after = lift_blocks(call, code, body.reason, asked.by.roles, work, rules=rules.blocks, note_id=note_id)
            return decided(after, work)

        return await desk.run(asked, "lift_block", (source, call_no), act)

    return router
