"""A watch begins: with the first dispatch, or with an end that no office ever saw."""

from datetime import datetime
from uuid import UUID

from referral_schemas.followup import WatchOpened

from followup_svc.domain.watch import ReferralId, Watch, scope_of
from followup_svc.store.work import FollowupWork


def watch_of(work: FollowupWork, referral_id: UUID) -> Watch:
    """The watch there is, or a new one, stated before anything else that this moment brings."""
    watch = work.watches.find(referral_id)
    if watch is None:
        scope = scope_of(work.noted_of(referral_id).area_code or "")
        watch = Watch(ReferralId(referral_id), opened_at=work.now, scope_path=scope)
        work.record(referral_id, WatchOpened(cycle=watch.cycle, opened_at=watch.opened_at))
        work.watches.put(referral_id, watch)
    return watch


def begin_work_anew(work: FollowupWork, referral_id: UUID, *, at: datetime) -> Watch:
    """Somebody works on it again: what ended before `at` is no end any more."""
    watch = watch_of(work, referral_id).begun_anew(at)
    work.watches.put(referral_id, watch)
    return watch
