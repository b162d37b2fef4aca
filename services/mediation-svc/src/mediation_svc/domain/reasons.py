"""The closed lists of reasons that people choose from. Codes are data; what one of them does to a clock is too."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mediation_svc.domain.errors import ValueRefused


class Why(StrEnum):
    TERMINATE = "terminate"
    SUSPEND = "suspend"
    REOPEN = "reopen"
    HOLD_INVALID = "hold_invalid"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    zh: str
    en: str
    pauses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reasons:
    lists: Mapping[Why, Mapping[str, Reason]]

    def find(self, why: Why, code: str) -> Reason:
        """Raises ValueRefused for a code that the list does not have."""
        found = self.lists[why].get(code)
        if found is None:
            raise ValueRefused(
                "unknown_reason",
                field="reason",
                value=code,
                zh="原因不在清单内，可用的代码见 known。",
                en="The reason is not on the list; `known` names those that are.",
                known=tuple(self.lists[why]),
            )
        return found
