"""A block stops all work on the referral, and the clocks of whoever may not work; a lift removes what it names."""

from collections.abc import Iterable
from uuid import UUID

from referral_schemas.followup import ReferralHalted

from followup_svc.domain.halt import Halt
from followup_svc.store.work import FollowupWork
from followup_svc.use_cases.clocks import HALTED, PAUSED_BY_HALT


def halt(work: FollowupWork, referral_id: UUID, producer: str, seq: int, *, urgent_event_id: UUID) -> None:
    """The same block again changes nothing."""
    if work.halts.find(referral_id, (referral_id, producer, seq)) is not None:
        return
    work.mark_more(referral_id)
    work.halts.put(Halt(referral_id, producer, seq, work.now))
    work.pause(referral_id, HALTED, clocks=PAUSED_BY_HALT)
    work.record(referral_id, ReferralHalted(urgent_event_id=urgent_event_id, at=work.now))


def lift(work: FollowupWork, referral_id: UUID, producer: str, numbers: Iterable[int]) -> None:
    for seq in numbers:
        standing = work.halts.find(referral_id, (referral_id, producer, seq))
        if standing is not None:
            work.halts.put(standing.lifted(at=work.now))
    if not work.is_halted(referral_id):
        work.resume(referral_id, HALTED)
