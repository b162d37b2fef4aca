"""Who is concerned, and what each has said about being mediated (PML 17, 23): append-only, the last word counts."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Will(StrEnum):
    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Consent:
    will: Will
    how: str
    at: datetime
    recorded_by: str


@dataclass(frozen=True, slots=True)
class Party:
    party_id: UUID
    role: str
    consents: tuple[Consent, ...] = ()

    @property
    def will(self) -> Will | None:
        return self.consents[-1].will if self.consents else None

    @property
    def is_against(self) -> bool:
        return self.will in (Will.REFUSED, Will.WITHDRAWN)

    def says(self, consent: Consent) -> "Party":
        return replace(self, consents=(*self.consents, consent))
