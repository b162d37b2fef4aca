"""What the table allows and a rule does not, each with its article."""

from collections.abc import Collection
from datetime import datetime, timedelta

from triage_svc.domain.errors import GuardRefused, OfAnother
from triage_svc.domain.grading import GradeRules
from triage_svc.domain.referral import Referral
from triage_svc.domain.returns import SUPERVISORS
from triage_svc.domain.states import ENDED

CLOCKS_DIFFER = timedelta(minutes=1)  # what two machines may disagree by


def refuse_future(at: datetime, now: datetime, *, field: str, basis: str = "") -> None:
    if at > now + CLOCKS_DIFFER:
        raise GuardRefused(
            "in_the_future",
            zh=f"{field} 晚于当前时间；请填写实际发生的时间。",
            en=f"`{field}` lies in the future: give the time when it happened.",
            basis=basis,
            concerns=(field,),
        )


def refuse_before_opening(at: datetime, referral: Referral, *, field: str) -> None:
    if at < referral.opened_at - CLOCKS_DIFFER:
        raise GuardRefused(
            "before_opening",
            zh=f"{field} 早于分流单生成时间；请核对。",
            en=f"`{field}` lies before the referral was opened: check it.",
            concerns=(field,),
        )


def refuse_dispatch_of_ended(referral: Referral) -> None:
    """CONTRACTS §3: what ended is dispatched again when followup reopens it or the police refer it again."""
    if referral.state in ENDED and not referral.awaits_dispatch:
        raise GuardRefused(
            "reopen_first",
            zh="该分流单已有结果；请先由跟踪回访重启，或由公安再次分流。",
            en="It has ended: followup reopens it, or the police refer it again, before it is dispatched.",
            basis="CONTRACTS §3",
        )


def refuse_lowering_without_approver(rules: GradeRules, grade: str, *, held: str, roles: Collection[str]) -> None:
    """DOMAIN §4.3: the machine and a dispatcher may raise; lowering needs a named approver."""
    if rules.is_graver(held, grade) and not set(roles) & set(SUPERVISORS):
        raise OfAnother(
            "approver_needed",
            zh=f"降低风险等级（{held} → {grade}）须由司法局监督员批准。",
            en=f"Lowering the grade ({held} → {grade}) needs a supervisor of the bureau as named approver.",
            roles=SUPERVISORS,
        )


def refuse_change_of_closed(referral: Referral) -> None:
    if referral.is_closed:
        raise GuardRefused(
            "referral_closed",
            zh="该分流单已办结；如需变更请先重启。",
            en="The referral is closed: reopen it first.",
            basis="CONTRACTS §3",
        )
