"""B8: kill -9 of each of our processes under load: from the signal to the first new effect that only a living one of
its kind can have had."""

from __future__ import annotations

import asyncio
import time

from bench.bodies import Bodies
from bench.client import Client
from bench.findings import Findings
from bench.ours import running_ours
from bench.plan import Plan
from bench.road import bars, voiding
from bench.subject import Subject, Void
from stack.launch import Stack
from stack.ports import SERVICES
from stack.ready import api_answers

RATE_SECONDS = 0.05
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
    killed = [f"{service}-{kind}" for service in SERVICES for kind in ("worker", "api")]
    async with running_ours() as (stack, subject):
        with voiding([bar], subject, findings):
            client = await subject.client(8)
            for _ in range(plan.runs):
                took = {name: await _kill(name, stack, subject, client) for name in killed}
                worst = max(took, key=lambda name: took[name])
                findings.found(bar, subject.name, took[worst], note=worst)
            await client.close()


async def _kill(name: str, stack: Stack, subject: Subject, client: Client) -> float:
    await stack.until_ready()
    await asyncio.sleep(SETTLE_SECONDS)  # one that has stood for a while is started again at once
    service, kind = name.split("-")
    before = stack.keepers[name].restarts
    began = time.monotonic()
    stack.kill(name)
    if name == "intake-api":
        await _first_answer(client)
    elif kind == "api":
        await _until_served(stack, name, before)
    else:
        await _until_done(service, await _first_answer(client), subject)
    return time.monotonic() - began


async def _first_answer(client: Client) -> str:
    """The number of the first call that is answered 202 after the signal; refused meanwhile, it is sent again."""
    deadline = time.monotonic() + MOST_SECONDS
    bodies = Bodies(f"BENCH-K{time.monotonic_ns()}")
    while time.monotonic() < deadline:
        call_no, body = bodies.next()
        try:
            status, _ = await client.post(body)
        except OSError:
            status = 0
        if status == 202:
            return call_no
        await asyncio.sleep(RATE_SECONDS)
    raise Void("no call was answered 202 within a minute")


async def _until_served(stack: Stack, name: str, before: int) -> None:
    """Another process under the name, that answers from its database."""
    deadline = time.monotonic() + MOST_SECONDS
    port = stack.layout.ports.service(name.split("-")[0])
    while stack.keepers[name].restarts == before or not await api_answers(port):
        if time.monotonic() > deadline:
            raise Void(f"{name} does not serve again")
        await asyncio.sleep(RATE_SECONDS)


async def _until_done(service: str, call_no: str, subject: Subject) -> None:
    call_id = await subject.value("SELECT call_id FROM intake.call WHERE call_no = $1", call_no)
    deadline = time.monotonic() + MOST_SECONDS
    while await subject.value(EFFECTS[service], call_id) is None:
        if time.monotonic() > deadline:
            raise Void(f"{service} does nothing again")
        await asyncio.sleep(RATE_SECONDS)
