"""Blocks: set by the police or found by the rules, stated wherever the call's dispute is handled, lifted by people."""

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from chassis.ids import new_id

from intake_svc.domain.blocks import RETAINED, Block, BlockId, BlockRules, SetBy, standing
from intake_svc.domain.call import Call, CallState, Errand, ReferralId
from intake_svc.domain.errors import GuardRefused, TransitionRefused
from intake_svc.domain.facts import BlockLifted, BlockSet
from intake_svc.domain.screening import Screening
from intake_svc.store.work import IntakeWork
from intake_svc.use_cases.running_clocks import keep_desk_clocks

SET_BLOCK = "set_block"


def set_block(call: Call, code: str, reason: str, work: IntakeWork, *, note_id: UUID | None = None) -> Call:
    """By the police. Where the dispute is open it is halted at once; else the linking worker looks for an open one."""
    if not call.allowed_acts() and call.speaks_in is None:
        raise TransitionRefused(call.state, SET_BLOCK)
    if any(block.code == code for block in standing(work.blocks_of(call.call_id))):
        raise GuardRefused("block_stands_already", "该情形已经存在。", "That block stands already.", concerns=(code,))
    block = Block(BlockId(new_id()), call.call_id, code, SetBy.POLICE, work.now, reason, note_id)
    after = call.changed_by_people()
    if call.speaks_in is not None:
        block = _stated(block, call.speaks_in, work)
    elif call.state is not CallState.RECEIVED:
        after = replace(after.without_errand(), errand=Errand.WARN, errand_version=call.version)
    work.put_block(block)
    work.calls.put(call.call_id, after)
    keep_desk_clocks(work, call, after)
    return after


def lift_blocks(
    call: Call,
    code: str,
    reason: str,
    roles: Iterable[str],
    work: IntakeWork,
    *,
    rules: BlockRules,
    note_id: UUID | None = None,
) -> Call:
    """All of that code on this call; raises OfAnother for who may not, GuardRefused where none stands."""
    role = rules.lifting_role(code, roles)
    stood = standing(work.blocks_of(call.call_id))
    found = [block for block in stood if block.code == code]
    if not found:
        codes = tuple(sorted({block.code for block in stood}))
        raise GuardRefused("no_such_block", "该情形并不存在。", "No such block stands.", concerns=codes)
    for referral_id in {block.halts for block in found if block.halts is not None}:
        numbers = tuple(sorted(block.seq for block in found if block.halts == referral_id and block.seq is not None))
        work.tell(referral_id, BlockLifted(code, numbers, role, work.now))
    for block in found:
        work.put_block(block.lifted(role, reason, at=work.now, note_id=note_id))
    after = call.changed_by_people()
    work.calls.put(call.call_id, after)
    return after


def keep_found_blocks(call: Call, work: IntakeWork, *, halts_another: bool) -> None:
    """What the screening found becomes rows that people lift one by one.

    A suspicion is for the screener to clear and stands nowhere, unless the same event is handled elsewhere already:
    then it halts that until somebody who may has lifted it.
    """
    if call.screening is None:
        return
    codes = call.screening.blocks if halts_another else call.screening.sure_blocks
    have = {block.code for block in standing(work.blocks_of(call.call_id))}
    for code in codes:
        if code not in have:
            work.put_block(Block(BlockId(new_id()), call.call_id, code, SetBy.RULE, work.now))


def recheck(call: Call, later: Screening | None, work: IntakeWork) -> None:
    """A correction of a call whose dispute is handled already: whatever the rules find anew halts it.

    None where the correction cannot be read: the office has been told of it and knows more than we do.
    """
    after = call.without_errand()
    if later is not None and call.speaks_in is not None:
        before = call.screening or Screening(later.outcome, later.rule_version)
        news = before.news_in(later)
        have = {block.code for block in standing(work.blocks_of(call.call_id))}
        for code in dict.fromkeys(found.block for found in news if found.block and found.block not in have):
            block = Block(BlockId(new_id()), call.call_id, code, SetBy.RULE, work.now)
            work.put_block(_stated(block, call.speaks_in, work))
        after = replace(after, screening=replace(before, findings=(*before.findings, *news)))
    work.calls.put(call.call_id, after)


def warn(call: Call, open_referral: ReferralId, work: IntakeWork) -> None:
    """The dispute is handled elsewhere already: everything that stands on this call halts it there too.

    A call that the police keep halts it even without a reason from the list.
    """
    blocks = standing(work.blocks_of(call.call_id))
    if not blocks and call.state is CallState.RETAINED_BY_POLICE:
        blocks = [Block(BlockId(new_id()), call.call_id, RETAINED, SetBy.POLICE, work.now)]
    for block in blocks:
        if block.halts is None:
            work.put_block(_stated(block, open_referral, work))


def _stated(block: Block, referral_id: UUID, work: IntakeWork) -> Block:
    """Several blocks of one call may go to one referral: each is its own cause, since a cause has one effect a type."""
    event_id = work.tell(referral_id, BlockSet(block), causation_id=block.block_id)
    return block.stated_to(ReferralId(referral_id), event_id)
