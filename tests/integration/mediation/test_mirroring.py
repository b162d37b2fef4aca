"""mediation on a real database: one mirror per referral, whatever order and how often its facts arrive."""

import itertools

import asyncpg
import httpx
import pytest
from chassis.ids import new_id
from mediation_svc.main import make_api
from mediation_svc.store.ledger import ledger_counts
from support.consumers import Consumer, an_arrival, classified, dispatched, linked, opened

MIRRORS = "SELECT state, calls, category, grade, hop, office_code, opened_at, dispatched_at FROM mediation.mirror"


async def test_a_dispatched_referral_has_one_complete_mirror(mediation: Consumer) -> None:
    referral = new_id()
    await mediation.apply(
        an_arrival(opened(), referral, 1),
        an_arrival(classified(), referral, 1, after={"intake": 1}),
        an_arrival(dispatched(), referral, 2, after={"intake": 1}),
    )
    (mirror,) = await mediation.rows(MIRRORS)
    assert (mirror["state"], mirror["category"], mirror["grade"]) == ("dispatched", "neighbour", "yellow")
    assert (mirror["hop"], mirror["office_code"]) == (1, "310109010-SFS")
    assert mirror["opened_at"] is not None
    assert mirror["dispatched_at"] >= mirror["opened_at"]


async def test_every_order_of_arrival_in_batches_of_one_gives_the_same_mirror(mediation: Consumer) -> None:
    """Causes wait at the gate; a linked call and a dispatch never saw each other and may come in either order."""
    for order in itertools.permutations(range(4)):
        referral = new_id()
        facts = [
            an_arrival(opened(), referral, 1),
            an_arrival(linked(calls=2), referral, 2),
            an_arrival(classified(), referral, 1, after={"intake": 1}),
            an_arrival(dispatched(), referral, 2, after={"intake": 1}),
        ]
        for place in order:
            await mediation.apply(facts[place])
        (mirror,) = await mediation.rows(MIRRORS + " WHERE referral_id = $1", referral)
        assert (mirror["state"], mirror["calls"], mirror["category"], mirror["hop"]) == (
            "dispatched",
            2,
            "neighbour",
            1,
        )
    assert await mediation.rows("SELECT 1 FROM mediation.parked") == []


async def test_the_same_events_again_change_nothing(mediation: Consumer) -> None:
    referral = new_id()
    facts = [an_arrival(opened(), referral, 1), an_arrival(dispatched(), referral, 1, after={"intake": 1})]
    await mediation.apply(*facts)
    once = await mediation.rows(MIRRORS)
    await mediation.apply(*facts)
    assert await mediation.rows(MIRRORS) == once


async def test_a_dispatch_before_its_cause_waits_visibly(mediation: Consumer) -> None:
    referral = new_id()
    await mediation.apply(an_arrival(dispatched(), referral, 1, after={"intake": 1}))
    assert await mediation.rows(MIRRORS) == []
    (parked,) = await mediation.rows("SELECT reason, producer FROM mediation.parked")
    assert (parked["reason"], parked["producer"]) == ("waiting", "triage")


async def test_many_referrals_are_one_batch(mediation: Consumer) -> None:
    referrals = [new_id() for _ in range(100)]
    await mediation.apply(*(an_arrival(opened(), referral, 1) for referral in referrals))
    await mediation.apply(*(an_arrival(dispatched(), each, 1, after={"intake": 1}) for each in referrals[:60]))
    async with mediation.database.connection() as connection:
        assert await ledger_counts(connection) == {"mirrors": 100, "dispatched_mirrors": 60}


async def test_the_database_refuses_a_dispatched_mirror_without_an_office(mediation: Consumer) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await mediation.rows(
            "INSERT INTO mediation.mirror (referral_id, state, calls, hop) VALUES ($1, 'dispatched', 1, 1)", new_id()
        )


async def test_a_mirror_is_read_over_http_by_those_who_may(mediation: Consumer) -> None:
    unknown, referral, noted = new_id(), new_id(), new_id()
    await mediation.apply(
        an_arrival(opened(), referral, 1),
        an_arrival(dispatched(), referral, 1, after={"intake": 1}),
        an_arrival(opened(), noted, 1),
    )
    app = make_api(mediation.settings)
    async with app.router.lifespan_context(app), _client(app) as client:

        async def status(referral_id: object, *roles: str, scope: str = "31/310109") -> int:
            headers = mediation.issuer.bearer(*roles, scope_path=scope)
            return (await client.get(f"/v1/mirrors/{referral_id}", headers=headers)).status_code

        assert await status(referral, "ops") == 200
        assert await status(referral, "mediator") == 403
        assert await status(referral, "ops", scope="31/310109/310109009") == 403
        assert await status(referral, "ops", scope="31/310109/310109010") == 200
        assert await status(noted, "ops", scope="31") == 200
        assert await status(noted, "ops") == 403
        assert (await client.get(f"/v1/mirrors/{referral}")).status_code == 401
        missing = await client.get(f"/v1/mirrors/{unknown}", headers=mediation.issuer.bearer("ops"))
        assert (missing.status_code, missing.json()["code"]) == (404, "referral_not_opened")


async def test_the_ledger_endpoint_counts_mirrors(mediation: Consumer) -> None:
    referral = new_id()
    await mediation.apply(an_arrival(opened(), referral, 1), an_arrival(dispatched(), referral, 1, after={"intake": 1}))
    app = make_api(mediation.settings)
    async with app.router.lifespan_context(app), _client(app) as client:
        answer = await client.get("/v1/ops/ledger", headers=mediation.issuer.bearer("ops"))
    assert answer.json()["counts"] == {"mirrors": 1, "dispatched_mirrors": 1}
    assert answer.json()["positions"]["triage"]["sum"] == 1


def _client(app: object) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://mediation")  # type: ignore[arg-type]
