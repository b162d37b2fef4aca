"""What must not go to mediation (DOMAIN §1.8): blocks on a call, who may lift which, and what they stop."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

from intake_svc.domain.call import CallId, ReferralId
from intake_svc.domain.errors import GuardRefused, OfAnother

BlockId = NewType("BlockId", UUID)
POLICE = "police_officer"
SCREENER = "screener"
RETAINED = "X_RETAINED"  # the police keep the matter without naming one of the listed reasons


class SetBy(StrEnum):
    RULE = "rule"
    POLICE = "police"


@dataclass(frozen=True, slots=True)
class Block:
    """One block of one call. `halts` is the open referral it was stated to, `seq` its number in that stream."""

    block_id: BlockId
    call_id: CallId
    code: str
    set_by: SetBy
    set_at: datetime
    reason: str | None = None
    note_id: UUID | None = None
    halts: ReferralId | None = None
    event_id: UUID | None = None
    seq: int | None = None
    lifted_at: datetime | None = None
    lifted_by: str | None = None
    lift_reason: str | None = None
    lift_note_id: UUID | None = None

    @property
    def stands(self) -> bool:
        return self.lifted_at is None

    def stated_to(self, referral_id: ReferralId, event_id: UUID) -> "Block":
        return replace(self, halts=referral_id, event_id=event_id)

    def lifted(self, role: str, reason: str, *, at: datetime, note_id: UUID | None = None) -> "Block":
        return replace(self, lifted_at=at, lifted_by=role, lift_reason=reason, lift_note_id=note_id)


@dataclass(frozen=True, slots=True)
class BlockKind:
    code: str
    police_only: bool
    zh: str
    en: str
    basis: str


@dataclass(frozen=True, slots=True)
class BlockRules:
    version: str
    kinds: Mapping[str, BlockKind]

    def lifting_role(self, code: str, roles: Iterable[str]) -> str:
        """The role in which this caller lifts a block of this code; raises OfAnother when none of theirs may."""
        allowed = (POLICE,) if self._is_police_only(code) else (POLICE, SCREENER)
        held = set(roles)
        for role in allowed:
            if role in held:
                return role
        raise OfAnother(allowed)

    def refuse_what_stands(self, blocks: Sequence[Block]) -> None:
        """Raises GuardRefused: a call with a block goes to nobody but the police until it is lifted."""
        codes = sorted({block.code for block in blocks if block.stands})
        if codes:
            basis = "; ".join(dict.fromkeys(self.kinds[code].basis for code in codes if code in self.kinds))
            raise GuardRefused(
                "block_stands",
                "存在不得调解的情形，须先由有权人员解除。",
                "A block stands; somebody who may must lift it first.",
                basis,
                tuple(codes),
            )

    def _is_police_only(self, code: str) -> bool:
        kind = self.kinds.get(code)
        return kind is None or kind.police_only


def standing(blocks: Iterable[Block]) -> list[Block]:
    return [block for block in blocks if block.stands]
