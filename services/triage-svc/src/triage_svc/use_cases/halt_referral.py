"""A block holds a referral whatever its state (overlay `halted`); lifting one leaves those that came beside it."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from triage_svc.domain.facts import ReferralHalted
from triage_svc.domain.halts import Halt
from triage_svc.domain.referral import ReferralId
from triage_svc.domain.states import State
from triage_svc.store.work import TriageWork
from triage_svc.use_cases.clocks import keep

STOPPED_OUTRIGHT = frozenset({State.OPENED, State.UNDER_REVIEW})


@dataclass(frozen=True, slots=True)
class SetBlock:
    referral_id: ReferralId
    event_id: UUID
    seq: int
    code: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LiftBlocks:
    referral_id: ReferralId
    seqs: tuple[int, ...]


def set_block(command: SetBlock, work: TriageWork) -> None:
    """Before any office has it the referral is blocked; afterwards it keeps its state and stands still."""
    referral = work.referrals.get(command.referral_id)
    work.put_halt(Halt(referral.referral_id, "intake", command.seq, command.code, command.at))
    work.state(referral.referral_id, ReferralHalted(command.event_id, command.at))
    keep(referral.block() if referral.state in STOPPED_OUTRIGHT else referral, work)


def lift_blocks(command: LiftBlocks, work: TriageWork) -> None:
    """What was blocked and is free again is looked at by a person before any office is told."""
    referral = work.referrals.get(command.referral_id)
    for halt in work.standing_halts(referral.referral_id):
        if halt.producer == "intake" and halt.seq in command.seqs:
            work.put_halt(replace(halt, is_lifted=True))
    is_free = not work.standing_halts(referral.referral_id)
    keep(referral.lift_block() if is_free and referral.state is State.BLOCKED else referral, work)
