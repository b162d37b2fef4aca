"""The overlay `halted` (DELIVERY §4): a row for every block that holds the referral; free when none is left."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from triage_svc.domain.errors import GuardRefused


@dataclass(frozen=True, slots=True)
class Halt:
    """A lift names the stream number of the block it lifts, so that a second block of the same code stays."""

    referral_id: UUID
    producer: str
    seq: int
    code: str
    at: datetime
    is_lifted: bool = False  # then its row goes when the work is saved


def refuse_while_halted(halts: Collection[Halt], *, doing: str) -> None:
    if halts:
        raise GuardRefused(
            "halted",
            zh="该分流单因禁止调解事由暂停；请等待公安解除后再办理。",
            en=f"The referral is halted by a block: {doing} waits until the police lift it.",
            basis="PML 25; CONTRACTS §3",
            concerns=sorted({halt.code for halt in halts}),
        )
