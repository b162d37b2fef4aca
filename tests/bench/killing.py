"""B8: kill -9 of each of our processes under load: from the signal to the first new effect that only a living one of
its kind can have had."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from bench.bodies import Bodies
from bench.client import Client
from bench.findings import Findings
from bench.ours import running_ours
from bench.plan import Plan
from bench.road import bars, voiding
from bench.subject import Subject, Void
from stack.keys import Keys
from stack.launch import Stack
from stack.ports import LOCALHOST, SERVICES

LOAD = 50.0  # calls a second, all the while
ASK_SECONDS = 0.05
SETTLE_SECONDS = 4.0
MOST_SECONDS = 60.0
EFFECTS = {
    "intake": "SELECT min(recorded_at) FROM intake.event_log WHERE seq = 1 AND causation_id = $1",
    "triage": """SELECT min(e.recorded_at) FROM triage.event_log e JOIN intake.call c USING (referral_id)
                 WHERE c.call_id = $1""",
    "mediation": """SELECT pg_xact_commit_timestamp(m.xmin) FROM mediation.mirror m
                    JOIN intake.call c USING (referral_id) WHERE c.call_id = $1""",
    "followup": """SELECT min(e.recorded_at) FROM followup.event_log e JOIN intake.call c USING (referral_id)
                   WHERE c.call_id = $1""",
}
"""What a worker does of a call that was posted after its predecessor had died."""


async def measure_killing(plan: Plan, findings: Findings) -> None:
    (bar,) = bars("B8")
    async with running_ours() as (stack, subject):
        with voiding([bar], subject, findings):
            async with _load(subject):
                for _ in range(plan.runs):
                    took = {}
                    for name in [f"{service}-{kind}" for service in SERVICES for kind in ("worker", "api")]:
                        took[name] = await _kill(name, stack, subject)
                        findings.say(f"B8   {name}: {took[name]:.2f} s")
                    worst = max(took, key=lambda name: took[name])
                    each = ", ".join(f"{name} {seconds:.1f}" for name, seconds in took.items())
                    findings.found(bar, subject.name, took[worst], note=f"{worst}; the last run: {each}")


@asynccontextmanager
async def _load(subject: Subject) -> AsyncIterator[None]:
    """Calls that come however they are answered: while intake's api is dead they are refused. Raises Void at the end
    when one that was answered 202 has not arrived."""
    client, bodies = await subject.client(8), Bodies(f"BENCH-B{time.monotonic_ns()}")
    tasks, answered = set[asyncio.Task[None]](), set[str]()

    async def post() -> None:
        call_no, body = bodies.next()
        with suppress(OSError):
            if (await client.post(body))[0] == 202:
                answered.add(call_no)

    async def run() -> None:
        while True:
            task = asyncio.create_task(post())
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            await asyncio.sleep(1 / LOAD)

    running = asyncio.create_task(run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running, *tasks], timeout=10)
        await client.close()
    arrived = await subject.journeys(bodies.prefix, expected=len(answered))
    if lost := answered - arrived.keys():
        raise Void(f"{len(lost)} of {len(answered)} calls answered 202 have not arrived")


async def _kill(name: str, stack: Stack, subject: Subject) -> float:
    service, kind = name.split("-")
    calls = await subject.client(1)
    await stack.until_ready()
    posted = await _accepted(calls)
    await asyncio.sleep(SETTLE_SECONDS)  # one that has stood for a while is started again at once
    began = time.monotonic()
    stack.kill(name)
    if name == "intake-api":
        await _accepted(calls)
    elif kind == "api":
        await _until_commanded(stack, service, await _referral_of(subject, posted))
    else:
        await _until_done(service, await _accepted(calls), subject)
    took = time.monotonic() - began
    await calls.close()
    return took


async def _accepted(client: Client) -> str:
    """The number of the first call that is answered 202; refused meanwhile, the next is sent."""
    deadline, bodies = time.monotonic() + MOST_SECONDS, Bodies(f"BENCH-K{time.monotonic_ns()}")
    while time.monotonic() < deadline:
        call_no, body = bodies.next()
        with suppress(OSError):
            if (await client.post(body))[0] == 202:
                return call_no
        await asyncio.sleep(ASK_SECONDS)
    raise Void("no call was answered 202 within a minute")


async def _referral_of(subject: Subject, call_no: str) -> str:
    return str(await subject.value("SELECT referral_id FROM intake.call WHERE call_no = $1", call_no))


async def _until_commanded(stack: Stack, service: str, referral_id: str) -> None:
    """The one command that every api takes and that commits: what it said of a referral is to be sent again."""
    keys = Keys(stack.layout.secrets)
    client = Client(
        LOCALHOST, stack.layout.ports.service(service), path="/v1/ops/resend",
        token=keys.read(keys.service_token_file("intake")),
    )  # fmt: skip
    body = json.dumps({"streams": [{"referral_id": referral_id, "from_seq": 1}]}).encode()
    deadline = time.monotonic() + MOST_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError):
            if (await client.post(body))[0] == 200:
                return await client.close()
        await asyncio.sleep(ASK_SECONDS)
    raise Void(f"{service}-api takes no command again")


async def _until_done(service: str, call_no: str, subject: Subject) -> None:
    call_id = await subject.value("SELECT call_id FROM intake.call WHERE call_no = $1", call_no)
    deadline = time.monotonic() + MOST_SECONDS
    while await subject.value(EFFECTS[service], call_id) is None:
        if time.monotonic() > deadline:
            raise Void(f"{service} does nothing again")
        await asyncio.sleep(ASK_SECONDS)
