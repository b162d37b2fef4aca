"""What may stand in the way of a closing, in words for people; the codes are those of the database's own gate too."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Rule(StrEnum):
    """A closing that one of these bars is refused: somebody must do something first."""

    OUTCOME_UNKNOWN = "outcome_unknown"
    VISIT_OPEN = "visit_open"
    OBLIGATION_OVERDUE = "obligation_overdue"
    GRADE_TOO_HIGH = "grade_too_high"
    HALTED = "halted"
    MILESTONE_UNTOLD = "milestone_untold"
    EVENT_HELD_UP = "event_held_up"  # it failed here or contradicts another: no waiting will free it


class Wait(StrEnum):
    """A closing that only these bar waits, visibly, and is tried again."""

    PRODUCER_SILENT = "producer_silent"
    PRODUCER_DISTRUSTED = "producer_distrusted"
    POSITION_BEHIND = "position_behind"
    EVENT_WAITING = "event_waiting"
    EVENT_MISSING = "event_missing"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """`subjects` are codes and ids of what is concerned, never words of people."""

    code: str
    subjects: tuple[str, ...] = ()

    @property
    def zh(self) -> str:
        return _TEXTS[self.code][0]

    @property
    def en(self) -> str:
        return _TEXTS[self.code][1]

    @property
    def basis(self) -> str:
        return _TEXTS[self.code][2]


_GATE = "结案条件 closing gate, DOMAIN §1.3, §8(8)"
_DELIVERY = "结案前核对 heads asked before closing, DELIVERY §5"
_TEXTS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        Rule.OUTCOME_UNKNOWN: (
            "结果未定：尚无协议生效、调解终止或分流结束。",
            "The outcome is not known: no agreement in effect, no termination, no end of the referral.",
            _GATE,
        ),
        Rule.VISIT_OPEN: (
            "本轮仍有必访未完成且未免访。",
            "A mandatory visit of this round is neither done nor waived.",
            "《人民调解工作若干规定》第36条 Rules-75 art. 36; §8(8)",
        ),
        Rule.OBLIGATION_OVERDUE: (
            "仍有义务逾期未履行，且未告知救济途径。",
            "An obligation is overdue, and the parties have not been told their remedies.",
            "《人民调解法》第31条 PML art. 31; §8(8)",
        ),
        Rule.GRADE_TOO_HIGH: ("风险等级为红色或橙色。", "The risk grade is red or orange.", _GATE),
        Rule.HALTED: ("该分流单已被中止。", "The referral is halted.", "DOMAIN §1.8; CONTRACTS §3"),
        Rule.MILESTONE_UNTOLD: (
            "此前的节点尚未反馈给来源单位，或尚未得到确认。",
            "A milestone has not been delivered to the source, or not been acknowledged where it acknowledges.",
            _GATE,
        ),
        Rule.EVENT_HELD_UP: (
            "该分流单有事件处理失败或相互矛盾，须运维人员处理。",
            "An event of this referral failed here or contradicts another: an operator must look.",
            "DELIVERY §3",
        ),
        Wait.PRODUCER_SILENT: ("有服务未答复其最新序号。", "A service did not tell its head.", _DELIVERY),
        Wait.PRODUCER_DISTRUSTED: (
            "有服务的数据曾被恢复，暂不采信。",
            "A service was restored from older data and is not trusted for now.",
            _DELIVERY,
        ),
        Wait.POSITION_BEHIND: (
            "其他服务已发布的事件尚未全部处理。",
            "Not everything that the other services stated has been applied here.",
            _DELIVERY,
        ),
        Wait.EVENT_WAITING: ("有事件在等待其前因。", "An event of this referral waits for its causes.", _DELIVERY),
        Wait.EVENT_MISSING: (
            "有事件缺失，正在补发。",
            "An event of this referral is missing and asked for.",
            _DELIVERY,
        ),
    }
)
