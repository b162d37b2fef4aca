"""Every example of mediation's OpenAPI document is sent; the first of each command to a case that waits for it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import pytest
from support.documented import Documented, Ready, answers_as_documented, is_taken, operations_of
from support.documented_ops import OnConsumer, brought_to_it
from support.mediation_desk import Desk, Dispute, closed

OPERATIONS = operations_of("mediation")
(EXTENSION,) = [one for one in OPERATIONS if one.name == "extendLimit"]
PARTIES = [UUID(one) for one in EXTENSION.first().body["agreed_by"]]
LONG_AGO = "2025-12-01T00:00:00+00:00"


class Place(OnConsumer, Desk):
    service, producer = "mediation", "intake"

    async def a_case(self) -> Dispute:
        """Of the parties that the document names."""
        return await self.dispute(parties=PARTIES)

    async def kept_text(self) -> UUID:
        dispute = await self.a_case()
        await dispute.in_mediation()
        return UUID((await dispute.drafted(7))["agreement"]["content_id"])


Bring = Callable[[Dispute], Awaitable[Any]]
Walk = Callable[[Place], Awaitable[Ready]]


def after(*steps: Bring) -> Walk:
    """A case with which all this has been done."""

    async def walk(place: Place) -> Ready:
        dispute = await place.a_case()
        for step in steps:
            await step(dispute)
        owed = (await dispute.read()).get("obligations") or [{"obligation_id": None}]
        ids = {"referral_id": str(dispute.referral_id), "obligation_id": owed[0]["obligation_id"]}
        return Ready(ids)

    return walk


async def consented(dispute: Dispute) -> None:
    for party in dispute.parties:
        await dispute.consent(party)


async def assigned(dispute: Dispute) -> None:
    await dispute.accepted()
    await dispute.do("assign", {"mediator_codes": ["M-001"], "chosen_by": "committee"})


async def informed(dispute: Dispute) -> None:
    await assigned(dispute)
    await dispute.do("inform")


async def drafted(dispute: Dispute) -> None:
    await dispute.in_mediation()
    await dispute.drafted(7)


async def signed(dispute: Dispute) -> None:
    await drafted(dispute)
    for party in dispute.parties:
        await dispute.do("sign", {"signer": "party", "party_id": str(party)})
    await dispute.do("sign", {"signer": "mediator"})


async def owing(dispute: Dispute) -> None:
    await dispute.effective(7)


async def breached(dispute: Dispute) -> None:
    (owed,) = (await dispute.effective(7))["obligations"]
    await dispute.do(f"obligations/{owed['obligation_id']}/breached", {"found_by": "party"})


async def suspended(dispute: Dispute) -> None:
    await dispute.in_mediation()
    await dispute.do("suspend", {"reason": "appraisal_running"})


async def performed_and_closed(dispute: Dispute) -> None:
    await dispute.effective()
    await dispute.tell(closed())


async def long_ago(dispute: Dispute) -> None:
    """What the document shows happened on a day of its own: the case is older than that."""
    await dispute.desk.consumer.rows(
        """UPDATE mediation.mediation_case SET opened_at = $2::text::timestamptz,
               detail = detail || jsonb_build_object('opened_at', $2::text, 'accepted_at', $2::text)
           WHERE referral_id = $1 RETURNING 1""",
        dispute.referral_id, LONG_AGO,
    )  # fmt: skip
    await dispute.desk.consumer.rows(
        """UPDATE mediation.mediation_case
               SET detail = jsonb_set(detail, '{agreement,effective_at}', to_jsonb($2::text))
           WHERE referral_id = $1 AND detail->'agreement' ? 'effective_at' RETURNING 1""",
        dispute.referral_id, LONG_AGO,
    )  # fmt: skip


WALKS: Mapping[str, Walk] = {
    "readCase": after(),
    "listClocks": after(),
    "readMirror": after(),
    "recordConsent": after(),
    "acceptCase": after(consented),
    "assignMediators": after(Dispute.accepted),
    "informParties": after(assigned),
    "holdMeeting": after(informed, long_ago),
    "suspendCase": after(Dispute.in_mediation),
    "resumeCase": after(suspended),
    "extendLimit": after(Dispute.in_mediation),
    "agreeOrally": after(Dispute.in_mediation),
    "agreeInWriting": after(Dispute.in_mediation),
    "signAgreement": after(drafted),
    "withdrawFromAgreement": after(drafted),
    "sealAgreement": after(signed),
    "confirmPerformance": after(owing),
    "reportBreach": after(owing),
    "resumePerformance": after(breached),
    "tellRemedies": after(breached, long_ago),
    "holdInvalid": after(owing),
    "terminateCase": after(Dispute.in_mediation, long_ago),
    "reopenCase": after(breached),
    "escalateToPolice": after(Dispute.in_mediation),
    "fileCase": after(performed_and_closed),
}


@pytest.fixture(scope="module")
def place(shared_desk: Desk) -> Place:
    return Place(shared_desk.consumer, shared_desk.client)


@pytest.mark.parametrize("operation", OPERATIONS, ids=repr)
async def test_every_example_is_answered_as_documented(place: Place, operation: Documented) -> None:
    await answers_as_documented(place, operation)


@pytest.mark.parametrize("operation", OPERATIONS, ids=repr)
async def test_the_first_example_does_what_it_shows(place: Place, operation: Documented) -> None:
    await is_taken(place, operation, await brought_to_it(place, operation, WALKS))
