"""Facts that more than one service states in the same words; each service has a type of its own for them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from referral_schemas.envelope import Code, Instant, Part, PublicEvent, says

Clock = Annotated[Code, says("时限名称", "Which clock", "sign_for")]
Key = Annotated[
    str | None,
    says("同名时限的区分键", "Tells clocks of one name apart", "01997c11-2a40-7e31-8b5c-9d0e1f2a3b41"),
]
DueAt = Annotated[Instant, says("到期时间", "When it runs out", "2026-01-01T05:30:00Z")]
ClockRule = Annotated[str, says("时限规则版本", "Version of the rule that set it", "clocks-2026.1")]
ClockCalendar = Annotated[str, says("工作日历版本", "Version of the working-day calendar", "cn-2026.1")]


class ClockSet(Part):
    """One limit that runs from now."""

    clock: Clock
    due_at: DueAt
    rule: ClockRule
    calendar: ClockCalendar
    key: Key = None


class ClockMet(Part):
    clock: Clock
    key: Key = None
    met_at: Annotated[Instant, says("完成时间", "When what it waited for was done", "2026-01-01T03:10:00Z")]


ClocksSet = Annotated[
    tuple[ClockSet, ...],
    says(
        "起算的时限",
        "Limits that run from now",
        [
            {
                "clock": "sign_for",
                "due_at": "2026-01-01T05:30:00Z",
                "rule": "clocks-2026.1",
                "calendar": "cn-2026.1",
                "key": None,
            }
        ],
        strict=False,
    ),
]


class DeadlinesSet(PublicEvent):
    """Limits that no other event of the same moment carries."""

    clocks: ClocksSet


class DeadlinesMet(PublicEvent):
    clocks: Annotated[
        tuple[ClockMet, ...],
        says(
            "已完成的时限",
            "Limits that were met",
            [{"clock": "sign_for", "key": None, "met_at": "2026-01-01T03:10:00Z"}],
            strict=False,
        ),
    ]


class DeadlinePassed(PublicEvent):
    """Stated by the clock's owner; what follows from it is followup's alone."""

    clock: Clock
    key: Key = None
    due_at: DueAt
    rule: ClockRule
    calendar: ClockCalendar


class Halted(PublicEvent):
    """The service has stopped work on the referral until every block on it is lifted."""

    urgent_event_id: Annotated[
        UUID, says("引起暂停的紧急事件", "The urgent event that halts it", "01997bd0-1f20-7c41-9a52-b3c4d5e6f701")
    ]
    at: Annotated[Instant, says("暂停时间", "When work stopped", "2026-01-04T02:00:00.120Z")]


SET = "时限起算 · Limits run from now"
MET = "时限内完成 · Limits were met"
BREACHED = "逾期 · A limit has run out"
HALTED = "已暂停办理 · Work on the referral has stopped"
