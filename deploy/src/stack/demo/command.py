"""Feeds the samples, follows each until it has arrived, lets people walk it to its end, says what one can do next."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
from rich.console import Console

from stack.consoles import standard_output
from stack.demo.display import Display, summary_of
from stack.demo.journey import REFUSED, Journey, Observer, Step
from stack.demo.road import STUCK, Walking, roads_for, walk_all
from stack.demo.road_display import RoadDisplay
from stack.demo.road_display import summary_of as summary_of_roads
from stack.demo.samples import FILE, SOURCE, read_samples
from stack.feed.sending import Sender
from stack.ledger.balance import Balance
from stack.ledger.command import read_balance, show_ledger
from stack.ledger.facts import Unreachable
from stack.running import NotRunning, RunningStack

SHOWN, FAILED, NOT_STARTED = 0, 1, 2
SECONDS_BETWEEN_LOOKS = 0.2
AT_ONCE = 8


async def travel(
    stack: RunningStack, console: Console, *, file: Path = FILE, seconds: float = 90.0, pace: float = 0.1
) -> list[Journey]:
    """Posts every sample in order, `pace` seconds apart, and follows all of them, for so long at most."""
    journeys = [Journey(sample) for sample in read_samples(file, now=datetime.now(UTC))]
    async with httpx.AsyncClient(timeout=10, limits=httpx.Limits(max_connections=AT_ONCE)) as client:
        sender = Sender(client, stack.services["intake"], patience=20)
        token = stack.token_of_source(SOURCE)
        with Display(console, journeys) as display:
            async with asyncio.TaskGroup() as group:
                posting = group.create_task(_post(journeys, sender, token, pace))
                await _follow(journeys, Observer(client, stack), display, until=time.monotonic() + seconds)
                posting.cancel()
    return journeys


async def _post(journeys: Sequence[Journey], sender: Sender, token: str, pace: float) -> None:
    """One after the other: a caller's second call comes after the first."""
    for journey in journeys:
        answer, trouble = await sender.ask(journey.sample.body, token=token)
        journey.posted_at = time.monotonic()
        if answer is None or answer.status_code not in (200, 202):
            journey.parked = trouble
            journey.finish(REFUSED)
        else:
            journey.referral_id = answer.json()["referral_id"]
            journey.reach(Step.RECEIVED)
        await asyncio.sleep(pace)


async def _follow(journeys: Sequence[Journey], observer: Observer, display: Display, *, until: float) -> None:
    while time.monotonic() < until and not all(journey.end for journey in journeys):
        await asyncio.gather(*(observer.look(journey) for journey in journeys if journey.is_travelling))
        display.show()
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)


async def walk_on(
    stack: RunningStack, console: Console, journeys: Sequence[Journey], *, faults: Path | None
) -> Sequence[Walking]:
    """The people's road of every referral, to its end."""
    walks = roads_for(journeys)
    console.print("\n人走的路 officers and mediators take over (演示回访计划以秒计 visits in seconds)", highlight=False)
    async with httpx.AsyncClient(timeout=10, limits=httpx.Limits(max_connections=AT_ONCE)) as client:
        with RoadDisplay(console, walks) as display:
            walking = asyncio.create_task(walk_all(client, stack, walks, faults))
            while not walking.done():
                display.show()
                await asyncio.wait([walking], timeout=SECONDS_BETWEEN_LOOKS)
            display.show()
            await walking
    return walks


async def settled_balance(stack: RunningStack, *, seconds: float = 30.0) -> Balance:
    """The ledger once the last facts have arrived everywhere, or as it stands when patience ends."""
    deadline = time.monotonic() + seconds
    while True:
        balance = await read_balance(stack)
        if not (balance.missing or balance.unquiet) or time.monotonic() > deadline:
            return balance
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)


def main(argv: Sequence[str]) -> int:
    words = _parser().parse_args(argv)
    console = standard_output()
    try:
        stack = RunningStack.read(words.stack)
        console.print("四十件样例警情出发 forty sample calls set out (虚构 all made up)", highlight=False)
        journeys = asyncio.run(travel(stack, console, file=words.file, seconds=words.seconds))
        console.print(f"\n{summary_of(journeys)}", highlight=False)
        _say_who_still_travels(console, journeys)
        walks = asyncio.run(walk_on(stack, console, journeys, faults=words.faults))
        balance = asyncio.run(settled_balance(stack))
    except (NotRunning, Unreachable) as error:
        print(error, file=sys.stderr)
        return NOT_STARTED
    except KeyboardInterrupt:
        return FAILED
    console.print(f"\n{summary_of_roads(walks)}\n", highlight=False)
    show_ledger(console, balance)
    console.print(next_steps(stack), markup=False, highlight=False, soft_wrap=True)
    went_nowhere = all(journey.end == REFUSED for journey in journeys)
    return FAILED if went_nowhere or any(walking.outcome == STUCK for walking in walks) else SHOWN


def _say_who_still_travels(console: Console, journeys: Sequence[Journey]) -> None:
    for journey in journeys:
        if not journey.end:
            last = max(journey.steps, key=lambda step: journey.steps[step], default="not posted")
            console.print(
                f"仍在途中 still travelling: {journey.sample.call_no} ({last}) {journey.parked}",
                markup=False,
                highlight=False,
            )


def next_steps(stack: RunningStack) -> str:
    """The curl command works as it is printed, in the project's folder."""
    docs = "\n".join(f"  {name:<10} {url}/docs" for name, url in stack.services.items())
    return f"""
接口文档 API documents:
{docs}
提交一件警情 post a call:
  {curl_command(stack)}
对账 the ledger: make ledger    导入 feed a file: make feed FILE=…    停止 stop: Ctrl-C"""


def curl_command(stack: RunningStack) -> str:
    token = f"""$(python3 -c 'import json; print(json.load(open("{stack.path}"))["tokens"]["dispatch"])')"""
    body = (
        f'{{"source": "{SOURCE}", "call_no": "MY-\'$(date +%s)\'", "reported_at": "\'$(date +%Y-%m-%dT%H:%M:%S%:z)\'", '
        '"content": "楼上邻居漏水，双方争执，请求调解。", "incident_address": "上海市虹口区曲阳路570弄12号301室", '
        '"caller_phone": "13800000000", "jurisdiction_code": "310109010-PCS1"}'
    )
    url = stack.services["intake"]
    headers = f"-H \"Authorization: Bearer {token}\" -H 'Content-Type: application/json'"
    return f"curl -sS -X POST {url}/v1/calls {headers} -d '{body}'"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m stack demo",
        description="四十件样例警情走到结案。 Forty sample calls travel to their end; then the ledger.",
    )
    parser.add_argument("--stack", type=Path, default=Path(".local/stack.json"), help="stack.json of the running stack")
    parser.add_argument("--file", type=Path, default=FILE, help="sample calls 样例文件")
    parser.add_argument("--faults", type=Path, help="where a fault may be staged 演示故障的目录 (set by make run)")
    parser.add_argument("--seconds", type=float, default=90.0, help="最长等待 how long to follow them at most")
    return parser
