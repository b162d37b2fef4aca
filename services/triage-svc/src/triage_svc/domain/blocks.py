"""Routing blocks (DOMAIN §1.8): what must not go to people's mediation, looked at again when a referral opens."""

from dataclasses import dataclass

from triage_svc.domain.matching import Condition, Reading


@dataclass(frozen=True, slots=True)
class BlockRule:
    code: str
    reason: str
    condition: Condition


@dataclass(frozen=True, slots=True)
class Block:
    code: str
    reason: str
    matched: tuple[str, ...]


def blocks_in(reading: Reading, rules: tuple[BlockRule, ...]) -> tuple[Block, ...]:
    """One block a code: further rules of the same code add nothing."""
    found: dict[str, Block] = {}
    for rule in rules:
        if rule.code not in found and (matched := rule.condition.hits(reading)):
            found[rule.code] = Block(rule.code, rule.reason, matched[:4])
    return tuple(found.values())
