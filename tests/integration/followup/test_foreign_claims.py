"""An event may claim what belongs to another referral; it is parked, and what is there stays where it is."""

import pytest
from chassis.ids import new_id
from support.consumers import an_arrival
from support.watching import Desk, effective


@pytest.mark.parametrize("together", [True, False])
async def test_an_obligation_is_not_taken_over_by_another_referral(desk: Desk, together: bool) -> None:
    first, second = [await desk.dispatched() for _ in range(2)]
    obligation = new_id()
    claims = [an_arrival(effective([(obligation, None)]), referral_id, 1) for referral_id in (first, second)]
    for batch in [claims] if together else [[claim] for claim in claims]:
        await desk.consumer.apply(*batch)
    owners = await desk.consumer.rows(
        "SELECT referral_id FROM followup.obligation WHERE obligation_id = $1", obligation
    )
    parked = await desk.consumer.rows(
        "SELECT referral_id, reason FROM followup.parked WHERE referral_id = ANY ($1)", [first, second]
    )
    assert [row["referral_id"] for row in owners] == [first]
    assert [(row["referral_id"], row["reason"]) for row in parked] == [(second, "failed")]
