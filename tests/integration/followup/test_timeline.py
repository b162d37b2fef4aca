"""The timeline: every service's facts of one referral in order, in codes, for those who may."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.delivery.batch import Applier
from chassis.delivery.gate import Arrival
from chassis.delivery.projecting import ProjectionStatements, ProjectionUnits
from chassis.delivery.quarantine import Quarantine
from chassis.ids import new_id
from followup_svc.events import CONTRACTS
from followup_svc.main import TIMELINE
from followup_svc.store.tables import SCHEMA
from followup_svc.store.timeline import TimelineWork
from support.consumers import an_arrival, classified, dispatched, opened
from support.watching import Desk

SECRET = "张某与李某因噪音争吵"


async def project(desk: Desk, arrivals: Sequence[Arrival]) -> None:
    """As the projecting consumer does, without Kafka."""
    database, contracts = desk.consumer.database, TIMELINE.contracts(CONTRACTS)
    producers = sorted(contracts.consumed)
    statements = ProjectionStatements(SCHEMA, CONTRACTS.topic, consumer=TIMELINE.name, producers=producers)
    units: ProjectionUnits[TimelineWork] = ProjectionUnits(database, statements, TimelineWork, lambda: None)
    quarantine = Quarantine(database, SCHEMA, desk.consumer.settings.keyring, consumer=TIMELINE.name)
    await Applier(units, contracts, TIMELINE.handlers, quarantine).apply(arrivals)


async def test_the_story_is_told_once_in_order_in_both_languages_and_without_anybodys_words(desk: Desk) -> None:
    referral = await desk.dispatched()
    told = opened().model_copy(update={"narrative": SECRET})
    facts = [
        an_arrival(told, referral, 1),
        an_arrival(classified(), referral, 1, after={"intake": 1}),
        an_arrival(dispatched(), referral, 2, after={"intake": 1}),
    ]
    await project(desk, facts)
    await project(desk, facts)
    page = (await desk.get(f"/v1/referrals/{referral}/timeline", "auditor")).json()
    assert [(line["service"], line["number"]) for line in page["items"]] == [
        ("intake", 1),
        ("triage", 1),
        ("triage", 2),
    ]
    last = page["items"][-1]
    assert (last["title_zh"], last["title_en"]) == ("已派单至司法所", "A judicial office has been given the referral")
    assert last["codes"] == {"hop": 1, "office_code": "310109010-SFS"}
    assert SECRET not in str(page)
    kept = await desk.consumer.rows("SELECT codes FROM followup.timeline WHERE referral_id = $1", referral)
    assert SECRET not in str(kept)


async def test_a_timeline_is_read_in_pages_and_within_the_own_area(desk: Desk) -> None:
    referral = await desk.dispatched()
    await project(desk, [an_arrival(opened(), referral, 1), an_arrival(classified(), referral, 1)])
    path = f"/v1/referrals/{referral}/timeline"
    first = (await desk.get(f"{path}?limit=1")).json()
    second = (await desk.get(f"{path}?limit=1&after={first['next']}")).json()
    assert [first["items"][0]["service"], second["items"][0]["service"], second["next"]] == ["intake", "triage", None]
    assert (await desk.get(path, scope="31/310106")).status_code == 403
    assert (await desk.get(path, "partner")).status_code == 403
    assert (await desk.get(path, "source_system")).status_code == 403
    assert (await desk.get(f"/v1/referrals/{new_id()}/timeline")).json()["code"] == "not_watched"


async def test_the_projection_keeps_to_its_own_positions(desk: Desk) -> None:
    referral = await desk.dispatched()
    await project(desk, [an_arrival(opened(), referral, 1)])
    rows = await desk.consumer.rows(
        """SELECT consumer, producer, last FROM followup.stream_pos
           WHERE referral_id = $1 AND last > 0 ORDER BY consumer, producer""",
        referral,
    )
    assert [(row["consumer"], row["producer"], row["last"]) for row in rows] == [
        ("acting", "intake", 1), ("acting", "triage", 2), ("timeline", "intake", 1),
    ]  # fmt: skip


async def test_a_timeline_can_be_forgotten_and_told_anew(desk: Desk) -> None:
    referral, other = await desk.dispatched(), await desk.dispatched()
    for one in (referral, other):
        await project(desk, [an_arrival(opened(), one, 1)])
    assert TIMELINE.forget is not None
    async with desk.consumer.database.transaction() as connection:
        await TIMELINE.forget(connection, [referral])
    lines = "SELECT count(*) AS n FROM followup.timeline WHERE referral_id = $1"
    assert [(await desk.consumer.rows(lines, one))[0]["n"] for one in (referral, other)] == [0, 1]
