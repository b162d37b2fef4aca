"""The second half of the demonstration: officers and mediators walk every referral to its end, a road for each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import httpx

from stack.demo.journey import AWAITING_SCREENER, UNDER_REVIEW, WATCHED, Journey
from stack.demo.samples import SOURCE
from stack.people.desk import Desk, Refused
from stack.people.roads import Road, Walk
from stack.running import RunningStack

AT_ONCE = 6
STUCK = "stuck"
ROADS = (
    Road.WRITTEN, Road.ORAL, Road.NO_CONSENT, Road.BREACH, Road.SELF_RESOLVED, Road.HALTED, Road.BACK_TO_POLICE,
    Road.TERMINATED,
)  # fmt: skip
FAULT = "followup-worker.handler.cn.liandong.triage.referral_signed.v1"


@dataclass
class Walking:
    """One referral on the people's road: the steps that were reached, in order, and how it ended."""

    journey: Journey
    road: Road
    steps: list[str] = field(default_factory=list)
    outcome: str = ""
    trouble: str = ""
    began_at: float = field(default_factory=time.monotonic)
    ended_at: float = 0.0

    @property
    def seconds(self) -> float:
        return (self.ended_at or time.monotonic()) - self.began_at

    def end(self, outcome: str, trouble: str = "") -> None:
        self.outcome, self.trouble, self.ended_at = outcome, trouble, time.monotonic()


def roads_for(journeys: Sequence[Journey]) -> list[Walking]:
    """What went or may go to an office, in turn; a medical matter is always agreed in writing (Med-Reg 39)."""
    turn = cycle(ROADS)
    walks = []
    for journey in journeys:
        if journey.end in (WATCHED, UNDER_REVIEW, AWAITING_SCREENER):
            road = next(turn)
            written = road is Road.ORAL and journey.sample.kind == "medical"
            walks.append(Walking(journey, Road.WRITTEN if written else road))
    return walks


async def walk_all(
    client: httpx.AsyncClient, stack: RunningStack, walks: Sequence[Walking], faults: Path | None
) -> None:
    """All of them, a few at once. The first one meets a fault that is staged, so that parking and freeing are seen.

    The others begin when it has met it: the fault takes whichever signature comes first.
    """
    desk = Desk(client, stack)
    places = asyncio.Semaphore(AT_ONCE)
    is_met = asyncio.Event()

    async def one(walking: Walking, *, staged: bool) -> None:
        async with places:
            if not staged:
                await is_met.wait()
            walking.began_at = time.monotonic()
            try:
                await _walk(desk, walking, faults if staged else None, is_met)
            finally:
                is_met.set()

    async with asyncio.TaskGroup() as group:
        for number, walking in enumerate(walks):
            group.create_task(one(walking, staged=number == 0))


async def _walk(desk: Desk, walking: Walking, faults: Path | None, is_met: asyncio.Event) -> None:
    journey = walking.journey
    walk = Walk(desk, journey.referral_id, "", SOURCE, journey.sample.call_no, walking.steps.append)
    try:
        if journey.end == AWAITING_SCREENER:
            await _screen(desk, walk)
            walking.steps.append("screened")
        walk.area = await _office_area(desk, walking)
        if faults is not None:
            await _park_and_free(desk, walk, walking, faults, is_met)
        is_met.set()
        walking.end(await walk.go(walking.road))
    except Refused as error:
        walking.end(STUCK, str(error))


async def _screen(desk: Desk, walk: Walk) -> None:
    """A person finds that it is no matter for the police."""
    call = f"/v1/calls/{walk.source}/{walk.call_no}"
    body = {"decision": "refer", "reason": "civil_dispute"}
    await desk.act("intake", f"{call}/screen", body, by=desk.stack.token("screener"), on=call)


async def _office_area(desk: Desk, walking: Walking) -> str:
    """A referral that a person has to look at is dispatched by the dispatcher first."""
    path = f"/v1/referrals/{walking.journey.referral_id}"
    dispatcher = desk.stack.token("dispatcher")
    referral = await desk.until(
        "triage", path, lambda seen: seen["state"] != "opened", by=dispatcher, what="judged by triage"
    )
    if referral["office_code"] is None:
        body = {"office_code": "310109010-SFS", "reason": "place_found"}
        await desk.act("triage", f"{path}/dispatch", body, by=dispatcher, on=path)
        walking.steps.append("dispatched")
        referral = await desk.read("triage", path, by=dispatcher)
    return str(referral["office_code"]).partition("-")[0]


async def _park_and_free(desk: Desk, walk: Walk, walking: Walking, faults: Path, is_met: asyncio.Event) -> None:
    """followup fails on the signature and parks it with its reason; an operator has it tried again."""
    _arm(faults)
    await walk.sign()
    ops = desk.stack.token("ops")
    stream = f"/v1/ops/streams/{walk.referral_id}"
    found = await desk.until("followup", stream, lambda seen: bool(seen["parked"]), by=ops, what="parked")
    is_met.set()
    walking.steps.append("parked")
    event = found["parked"][0]
    retry = f"/v1/ops/parked/{event['producer']}/{walk.referral_id}/{event['seq']}/retry"
    await desk.act("followup", retry, {"reason": "the staged fault is gone"}, by=ops)
    await desk.until("followup", stream, lambda seen: not seen["parked"], by=ops, what="freed")
    walking.steps.append("freed")


def _arm(faults: Path) -> None:
    """One file, one fault: the process that meets it takes it away (chassis.failpoints)."""
    faults.mkdir(parents=True, exist_ok=True)
    (faults / FAULT).write_text("raise", encoding="utf-8")
