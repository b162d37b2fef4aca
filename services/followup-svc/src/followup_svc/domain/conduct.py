"""What people may give as a reason, what a late fact does, and how far up a breach goes: data, judged here."""

from collections.abc import Mapping
from dataclasses import dataclass

from chassis.workdays import Span

from followup_svc.domain.errors import ActRefused


@dataclass(frozen=True, slots=True)
class Conduct:
    """`late_facts`: the fact that comes after a closing → where the work begins again."""

    version: str
    waivers: Mapping[str, bool]  # reason → every try must have failed
    escalations: frozenset[str]
    supervisions: frozenset[str]
    reopenings: frozenset[str]
    late_facts: Mapping[str, str]
    escalate_after: Span
    top_level: int
    close_within: Span
    retry_seconds: float

    def tries_needed(self, reason: str, tries: int) -> int:
        """Raises ActRefused for a reason that is not on the list."""
        self._demand(reason, self.waivers, "免访 waiver")
        return tries if self.waivers[reason] else 0

    def demand_escalation(self, reason: str) -> None:
        self._demand(reason, self.escalations, "提级 escalation")

    def demand_supervision(self, reason: str) -> None:
        self._demand(reason, self.supervisions, "督办 supervision")

    def demand_reopening(self, reason: str) -> None:
        self._demand(reason, self.reopenings, "重启 reopening")

    def _demand(self, reason: str, listed: Mapping[str, bool] | frozenset[str], what: str) -> None:
        if reason not in listed:
            names = ", ".join(sorted(listed))
            raise ActRefused(
                "reason_not_listed",
                f"{what}的原因须在清单内：{names}。",
                f"The reason must be one of the list for {what}: {names}.",
                f"conduct {self.version}",
            )
