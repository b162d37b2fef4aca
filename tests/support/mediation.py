"""Cases with good defaults, for tests of mediation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from mediation_svc.domain.agreement import Agreement, Form, Obligation, Signature, Signer, Standing
from mediation_svc.domain.case import Committee, MediationCase, ReferralId
from mediation_svc.domain.guards import Circumstances
from mediation_svc.domain.numbering import FileNumber
from mediation_svc.domain.parties import Consent, Party, Will
from mediation_svc.domain.states import CaseState

REFERRAL = ReferralId(UUID("01980000-0000-7000-8000-000000000001"))
ANNA, BERT = (UUID(f"01980000-0000-7000-8000-0000000000a{n}") for n in (1, 2))
DEBT, CHORE = (UUID(f"01980000-0000-7000-8000-0000000000d{n}") for n in (1, 2))
NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
EARLIER = NOW - timedelta(days=10)
COMMITTEE = Committee("310109010-PMC", "曲阳路街道人民调解委员会")
FILE = FileNumber(COMMITTEE.code, 2026, 7, "（2026）虹曲人调字第0007号")
WILLING = Consent(Will.GIVEN, "oral", EARLIER, "mediator-1")
AGAINST = Consent(Will.REFUSED, "phone", EARLIER, "mediator-1")
BACK = Consent(Will.WITHDRAWN, "written", EARLIER, "mediator-1")


def a_case(state: CaseState = CaseState.CONSENT_PENDING, **fields: Any) -> MediationCase:
    parties = (Party(ANNA, "applicant", (WILLING,)), Party(BERT, "respondent", (WILLING,)))
    defaults: dict[str, Any] = {"parties": parties, "file": FILE, "accepted_at": EARLIER}
    return MediationCase(REFERRAL, COMMITTEE, "31/310109/310109010", EARLIER, state=state, **{**defaults, **fields})


def around(**fields: Any) -> Circumstances:
    return Circumstances(**{"now": NOW, "category": "neighbour", "grade": "yellow", **fields})


def an_agreement(*obligations: Obligation, **fields: Any) -> Agreement:
    defaults: dict[str, Any] = {"effective_at": EARLIER, "standing": Standing.IN_FORCE}
    return Agreement("（2026）虹曲人调协字第0007号", Form.WRITTEN, EARLIER, obligations, **{**defaults, **fields})


def a_draft(*signers: UUID | None) -> Agreement:
    """Signed by these; None is the mediator."""
    signed = tuple(
        Signature(Signer.MEDIATOR if one is None else Signer.PARTY, one, EARLIER, "mediator-1") for one in signers
    )
    return an_agreement(effective_at=None, standing=Standing.DRAFT, signatures=signed)
