"""One run: load, every fault by force, then by lot; faults stop, the stack falls quiet, and the checker looks."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import asyncpg
import httpx
from chaos.chronicle import Chronicle
from chaos.oracle import Breach, breaches
from chaos.post_faults import POSTS
from chaos.process_faults import INSIDE, KILLS, SERVERS, SERVICES, TOGETHER, Fault
from chaos.record_faults import RECORDS
from chaos.scene import NotMet, Scene

FORCED = [*POSTS, *KILLS, *INSIDE, *SERVERS, *TOGETHER, *RECORDS]
QUIET_SECONDS = 60.0
WALK_SECONDS = 160.0
LEDGER_SECONDS = 300.0


@dataclass(frozen=True)
class Verdict:
    seconds_to_quiet: float
    ledger_exit: int
    ledger: str
    breaches: Sequence[Breach]


async def strike_all(scene: Scene, chronicle: Chronicle, *, seconds: float) -> None:
    """Every forced fault once, in an order drawn by lot; then, while time is left, whatever the lot says."""
    until = time.monotonic() + seconds
    for fault in scene.rng.sample(FORCED, len(FORCED)):
        await strike(scene, chronicle, fault)
    while time.monotonic() < until:
        await asyncio.sleep(scene.rng.uniform(0.5, 5.0))  # the pace of the run, not a wait for anything
        await strike(scene, chronicle, scene.rng.choice(FORCED))
    missed = {fault.name for fault in FORCED} - {name for name, row in chronicle.rows.items() if row.met}
    assert not missed, f"never met: {sorted(missed)}"


async def strike(scene: Scene, chronicle: Chronicle, fault: Fault) -> None:
    """Meets it, and goes on when everything runs and a call posted afterwards has travelled the whole road."""
    scene.met_at, scene.notes = None, []
    await fault.strike(scene)
    if scene.met_at is None:
        raise NotMet(fault.name)
    await scene.stack.until_ready(within=60)
    await scene.probe()
    repaired_in = time.monotonic() - scene.met_at
    chronicle.met(fault.name, repaired_in=repaired_in, notes=scene.notes)
    load = scene.load
    chronicle.line(
        f"{fault.name}: met, the road carries again after {repaired_in:.1f} s "
        f"[{'; '.join(scene.notes)}] | {len(load.promises)} calls accepted, {len(load.open)} unanswered"
    )
    assert not load.broken, load.broken[:3]


async def free_parked(scene: Scene) -> int:
    """What the poison has stopped is freed as an operator frees it; anything else that failed is a finding."""
    token = scene.stack.facts()["tokens"]["ops"]
    freed = 0
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=10) as client:
        for service in SERVICES:
            ops = scene.stack.facts()["services"][service]["url"] + "/v1/ops/parked"
            rows = (await client.get(ops, params={"reason": "failed", "limit": 500})).raise_for_status().json()["items"]
            for row in rows:
                assert row["detail"] == "FailpointError", f"{service} failed by itself: {row}"
                path = f"{ops}/{row['producer']}/{row['referral_id']}/{row['seq']}/retry"
                answer = await client.post(path, json={"reason": "the poison is gone"})
                assert answer.status_code == 202, answer.text
            assert len(rows) == scene.poisoned[service], f"{service} parked {rows}, poisoned {scene.poisoned[service]}"
            freed += len(rows)
    return freed


async def fall_quiet(scene: Scene, chronicle: Chronicle) -> Verdict:
    """Faults and new calls have stopped: people walk their referrals to the end, then ledger and checker are asked."""
    freed = await free_parked(scene)  # or a walker would wait for what the poison has stopped
    await asyncio.wait_for(scene.walkers.all_ended(), WALK_SECONDS)
    stopped = time.monotonic()
    await asyncio.wait_for(scene.load.all_answered(), QUIET_SECONDS)
    chronicle.line(f"every client has its answer; {freed} parked events freed by the operator")
    while True:
        seconds = time.monotonic() - stopped  # what is asked now: after an hour's calls the asking itself takes minutes
        exit_code, ledger = await ask_ledger(scene)
        found = await look(scene)
        if (exit_code == 0 and not found) or seconds > QUIET_SECONDS:
            return Verdict(seconds, exit_code, ledger, found)
        chronicle.line(f"not quiet yet: ledger exits {exit_code}, {len(found)} claims do not hold: {_first(found)}")
        await asyncio.sleep(0.5)


async def look(scene: Scene) -> list[Breach]:
    connection = await asyncpg.connect(scene.eyes.url)
    try:
        return await breaches(connection, list(scene.load.promises.values()), quarantined=scene.undecodable)
    finally:
        await connection.close()


async def ask_ledger(scene: Scene) -> tuple[int, str]:
    """`make -s ledger QUIET=1`, on this stack."""
    words = [sys.executable, "-m", "stack", "ledger", "--stack", str(scene.stack.layout.facts)]
    process = await asyncio.create_subprocess_exec(
        *words,
        env={**os.environ, "QUIET": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), LEDGER_SECONDS)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode()


def _first(found: Sequence[Breach]) -> str:
    return found[0].claim if found else "none"
