"""Partners are told each step once, in order, and the present state whole: no person, no word of anybody."""

from datetime import datetime
from uuid import UUID

from referral_schemas.partners import PartnerReferral
from referral_schemas.vocabulary import Category, Grade

from followup_svc.domain.noted import Noted
from followup_svc.domain.partner import Step, Told
from followup_svc.store.work import FollowupWork

LIFE_CYCLE_TOPIC, STATUS_TOPIC = "referrals.v1", "referral-status.v1"


def tell(work: FollowupWork, referral_id: UUID, step: Step, *, at: datetime) -> None:
    """A step of the life-cycle: one notice, and the state anew. Call it after the own facts of the same moment."""
    noted = work.noted_of(referral_id)
    noted = _keep(work, noted, noted.told.step(step, at=at))
    work.notify(
        LIFE_CYCLE_TOPIC, str(referral_id), f"cn.liandong.referral.{step.value}.v1", _notice(noted, step, at),
        referral_id=referral_id, version=noted.told.version,
    )  # fmt: skip


def tell_change(work: FollowupWork, referral_id: UUID) -> None:
    """The grade or the category is another: nothing has happened that partners have a word for."""
    noted = work.noted_of(referral_id)
    if noted.told.version:
        _keep(work, noted, noted.told.changed())


def _keep(work: FollowupWork, noted: Noted, told: Told) -> Noted:
    """Told of the place as coarsely as it may be."""
    referral_id, watch = noted.referral_id, work.watches.find(noted.referral_id)
    area, office = work.rules.coarsening.placed(noted.area_code, watch and watch.office_code, noted.category)
    noted = noted.telling(told.placed(area, office, cycle=watch.cycle if watch else 1))
    work.noted.put(referral_id, noted)
    work.publish_state(STATUS_TOPIC, str(referral_id), referral_id=referral_id)
    return noted


def _notice(noted: Noted, step: Step, at: datetime) -> PartnerReferral:
    return PartnerReferral(
        category=Category(noted.category) if noted.category else None,
        grade=Grade(noted.grade) if noted.grade else None,
        area_code=noted.told.area_code,
        office_code=noted.told.office_code,
        state=step.value,
        cycle=noted.told.cycle,
        version=noted.told.version,
        at=at,
    )
