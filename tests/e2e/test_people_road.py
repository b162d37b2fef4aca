"""Officers and mediators walk referrals to every end there is, through the public API alone, on the whole stack."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from chaos.calls import Calls
from chaos.walkers import ENDS
from stack.people.desk import Desk
from stack.people.roads import Road, Walk
from stack.running import RunningStack
from support.live import LiveStack

Walked = dict[Road, tuple[Walk, str, list[str]]]


@pytest.fixture(scope="module")
async def walked(live: LiveStack) -> AsyncIterator[Walked]:
    """One referral on each road, all at once; what each reached on the way and how followup closed it."""
    stack = RunningStack.read(live.stack.layout.facts)
    calls = Calls(random.Random(7), prefix="WALK")
    async with httpx.AsyncClient(timeout=15) as client:
        desk = Desk(client, stack)

        async def walk(road: Road) -> tuple[Walk, str, list[str]]:
            call = calls.plain()
            steps: list[str] = []
            told = await desk.act("intake", "/v1/calls", call, by=stack.token("dispatch"))
            area = str(call["jurisdiction_code"]).partition("-")[0]
            one = Walk(desk, told["referral_id"], area, call["source"], call["call_no"], steps.append)
            return one, await one.go(road), steps

        ends = await asyncio.gather(*(walk(road) for road in Road))
        yield dict(zip(Road, ends, strict=True))


@pytest.mark.parametrize("road", list(Road))
async def test_every_road_ends_in_its_own_outcome(walked: Walked, road: Road) -> None:
    _, outcome, _ = walked[road]
    assert outcome == ENDS[road]


async def test_a_broken_agreement_is_closed_twice_and_reopened_between(walked: Walked) -> None:
    walk, _, steps = walked[Road.BREACH]
    assert steps.index("breached") < steps.index("closed") < steps.index("reopened") < steps.index("performed")
    watch = await walk.desk.read("followup", f"/v1/watches/{walk.referral_id}", by=walk.desk.stack.token("supervisor"))
    assert watch["cycle"] == 2


async def test_what_the_police_halt_stands_still_in_every_service_until_they_free_it(
    walked: Walked, live: LiveStack
) -> None:
    walk, _, steps = walked[Road.HALTED]
    assert steps[:5] == ["signed", "contacted", "halted", "lifted", "handed_over"]
    halting = f"""SELECT '%s' FROM %s.event_log WHERE referral_id = '{walk.referral_id}'
                  AND type = 'cn.liandong.%s.referral_halted.v1'"""
    services = ("triage", "mediation", "followup")
    stated = await live.sql(" UNION ALL ".join(halting % (name, name, name) for name in services))
    assert sorted(row[0] for row in stated) == sorted(services)


async def test_the_ledger_explains_every_closing(walked: Walked, live: LiveStack) -> None:
    await live.quiet()
    code, printed = await live.command("ledger")
    assert code == 0, printed
    for outcome in set(ENDS.values()):
        assert outcome in printed
    assert "曾叫停、已解除 were halted, then freed" in printed


async def test_the_timeline_tells_a_referral_from_call_to_closing_without_a_person_in_it(
    walked: Walked, live: LiveStack
) -> None:
    await live.quiet()
    walk, _, _ = walked[Road.WRITTEN]
    path = f"/v1/referrals/{walk.referral_id}/timeline"

    def is_whole(told: Any) -> bool:
        return bool(told["items"]) and any(one["type"].endswith("referral_closed.v1") for one in told["items"])

    told = await walk.desk.until(
        "followup", path, is_whole, by=walk.desk.stack.token("supervisor"), what="told to its end"
    )
    facts = [entry["type"].split(".")[3] for entry in told["items"]]
    expected = ["referral_opened", "referral_dispatched", "referral_signed", "party_contacted", "handed_to_mediation"]
    expected += ["case_opened", "case_accepted", "agreement_effective", "visit_recorded", "referral_closed"]
    positions = [facts.index(fact) for fact in expected]
    assert positions == sorted(positions)


async def test_the_source_is_told_of_every_milestone(walked: Walked, live: LiveStack) -> None:
    walk, _, _ = walked[Road.WRITTEN]
    call = f"/v1/calls/{walk.source}/{walk.call_no}"
    told = await walk.desk.until(
        "intake",
        f"{call}/feedback",
        lambda seen: {one["milestone"] for one in seen["items"]} == {"signed", "accepted", "result", "closed"},
        by=walk.desk.stack.token("dispatch"),
        what="told of all four milestones",
    )
    assert {one["state"] for one in told["items"]} <= {"delivered", "acknowledged", "waived"}
