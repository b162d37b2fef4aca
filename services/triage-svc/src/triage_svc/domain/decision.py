"""A decision of the machine or of a person, with what it rests on and the versions it was made by."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType
from uuid import UUID

from triage_svc.domain.referral import ReferralId

DecisionId = NewType("DecisionId", UUID)


class DecisionKind(StrEnum):
    CLASSIFY = "classify"
    ROUTE = "route"
    GRADE = "grade"


@dataclass(frozen=True, slots=True)
class Decision:
    """Never changed afterwards. Its evidence names rules, their own words and codes, never the caller's text."""

    decision_id: DecisionId
    referral_id: ReferralId
    kind: DecisionKind
    outcome: str
    evidence: Mapping[str, Any]
    versions: Mapping[str, str]
    scope_path: str  # whose it is to read: city/district/sub-district; empty where no area is known
    at: datetime
