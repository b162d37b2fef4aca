"""Handing a referral back (退回): the closed list of reasons, and how often it may be asked (DOMAIN §4.2, §5.3)."""

from collections.abc import Mapping
from dataclasses import dataclass

from triage_svc.domain.errors import GuardRefused, OfAnother, ValueRefused

SUPERVISORS = ("bureau_supervisor", "city_supervisor")


@dataclass(frozen=True, slots=True)
class Reason:
    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class ReturnRules:
    """`not_reasons` are those that people try, with what to do instead."""

    reasons: Mapping[str, Reason]
    not_reasons: Mapping[str, Reason]
    most: int

    def check_reason(self, code: str) -> None:
        if code in self.reasons:
            return
        if instead := self.not_reasons.get(code):
            raise ValueRefused(
                "not_a_reason_to_return",
                field="reason",
                value=code,
                zh=f"“{code}”不是退回理由：{instead.zh}。",
                en=f"`{code}` is no reason to hand back: {instead.en}.",
                known=tuple(self.reasons),
            )
        raise ValueRefused(
            "unknown_reason",
            field="reason",
            value=code,
            zh="退回理由不在清单内；请从 known 所列中选择。",
            en="The reason is not on the closed list: choose one of `known`.",
            known=tuple(self.reasons),
        )

    def check_addressee(self, addressee: str, *, asked_before: int) -> None:
        """After so many returns no other unit is tried: the district decides."""
        if asked_before >= self.most and addressee != "district":
            raise GuardRefused(
                "district_decides",
                zh=f"已退回 {asked_before} 次，须由区司法局裁定；请将 addressee 改为 district。",
                en=f"Handed back {asked_before} times already: the district decides, so address it to `district`.",
                basis="DOMAIN §4.2, §8(7)",
            )

    def check_decider(self, roles: frozenset[str], *, asked: int) -> None:
        if asked > self.most and roles.isdisjoint(SUPERVISORS):
            raise OfAnother(
                "district_decides",
                zh=f"第 {asked} 次申请退回，由司法局监督员裁定。",
                en=f"Asked for the {asked}th time: a supervisor of the bureau decides.",
                roles=SUPERVISORS,
            )
