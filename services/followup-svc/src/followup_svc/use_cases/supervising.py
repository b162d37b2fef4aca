"""Supervision orders (督办): a supervisor demands an answer by a day, and gets it or a reminder."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.ids import new_id
from referral_schemas.followup import SupervisionAnswered, SupervisionOrdered

from followup_svc.domain.errors import ActRefused
from followup_svc.domain.supervision import SupervisionOrder
from followup_svc.domain.watch import Watch
from followup_svc.store.work import FollowupWork
from followup_svc.use_cases.clocks import SUPERVISION, start
from followup_svc.use_cases.pressing import meet_own


@dataclass(frozen=True, slots=True)
class OrderSupervision:
    addressee: str
    due_at: datetime
    reason: str
    by: str


def supervise(command: OrderSupervision, work: FollowupWork, watch: Watch) -> SupervisionOrder:
    work.rules.conduct.demand_supervision(command.reason)
    if command.due_at <= work.now:
        raise ActRefused(
            "due_in_past", "答复期限须晚于现在。", "An answer can only be due later than now.", "DOMAIN §4.2"
        )
    order_id = new_id()
    rule = work.rules.conduct.version
    clock = start(work, watch.referral_id, SUPERVISION, command.due_at, rule=rule, key=str(order_id))
    order = SupervisionOrder(
        order_id, watch.referral_id, command.addressee, command.reason, command.by, work.now, clock.due_at
    )
    work.orders.put(order)
    work.record(
        watch.referral_id,
        SupervisionOrdered(order_id=order_id, addressee=command.addressee, due_at=clock.due_at, reason=command.reason),
    )
    return order


def answer_supervision(
    work: FollowupWork, watch: Watch, order_id: UUID, *, note: str | None
) -> SupervisionOrder | None:
    """None where there is no such order. Raises ActRefused for one that has been answered."""
    order = work.orders.find(watch.referral_id, order_id)
    if order is None:
        return None
    answered = order.answered(at=work.now)
    work.orders.put(answered)
    work.keep_text("supervision_answer", note)
    work.record(watch.referral_id, SupervisionAnswered(order_id=order_id, answered_at=work.now))
    meet_own(work, watch.referral_id, SUPERVISION, [str(order_id)])
    return answered
