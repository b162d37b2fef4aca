"""What happened, as other services will be told of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType
from uuid import UUID

from intake_svc.domain.call import Call, LinkKind
from intake_svc.domain.place import Place

PartyId = NewType("PartyId", UUID)


class PartyRole(StrEnum):
    CALLER = "caller"


@dataclass(frozen=True, slots=True)
class Party:
    """Someone of whom the call speaks; who it is stands in the vault row of that call."""

    party_id: PartyId
    role: PartyRole


@dataclass(frozen=True, slots=True)
class ReferralOpened:
    call: Call
    narrative: str
    place: Place
    source_category: str | None
    is_confidential: bool
    is_drill: bool
    parties: tuple[Party, ...]


@dataclass(frozen=True, slots=True)
class CallLinked:
    call: Call
    kind: LinkKind
    narrative: str
    calls: int
    duplicates: int
    repeats: int
