"""Everything dies under load, and nothing is lost, doubled or late for good (DELIVERY §7).

CHAOS_SECONDS makes it longer (faults by lot after the forced ones; from half an hour on three quarters of it without
any, to see what wears), CHAOS_SEED fixes the lot, CHAOS_RATE is calls/s.
A failed run keeps its data, logs and ledger in .local/test/chaos-<pid>.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import psutil
import pytest
from chaos.calls import Calls
from chaos.chronicle import Chronicle
from chaos.load import Load
from chaos.oracle import breaches_now
from chaos.plants import PLANTS
from chaos.process_faults import HANG_SECONDS
from chaos.run import QUIET_SECONDS, Verdict, ask_ledger, fall_quiet, look, strike_all
from chaos.scene import Eyes, Scene, Traps
from chaos.walkers import Walkers, walking
from chaos.wear import SHARE_OF_FAULTS, SHORTEST, wear
from stack.launch import Stack, running_stack
from stack.layout import Layout
from stack.ports import Ports
from support.saying import say_of
from support.stack import TEST_DATA

SECONDS = float(os.environ.get("CHAOS_SECONDS", "0"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
RATE = float(os.environ.get("CHAOS_RATE", "40"))
FAULT_SECONDS = SECONDS * SHARE_OF_FAULTS if SECONDS >= SHORTEST else SECONDS
LIMIT = 600.0 + HANG_SECONDS + 1.5 * SECONDS
SHORT = {"GAP_SECONDS": "2", "COMPARE_SECONDS": "5", "SESSION_SECONDS": "6", "BROKER_CHECK_SECONDS": "2"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """This run's own; kept when the test fails, until the next run."""
    for old in TEST_DATA.glob("chaos-[0-9]*"):
        if not psutil.pid_exists(int(old.name.split("-")[1])):
            shutil.rmtree(old, ignore_errors=True)
    made = TEST_DATA / f"chaos-{os.getpid()}"
    made.mkdir(parents=True)
    yield made
    if (made / "passed").exists():
        (made / "chaos.log").replace(TEST_DATA / "chaos.log")
        shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Callable[[str], None]:
    return say_of(request)


@pytest.mark.timeout(LIMIT + 60)
async def test_whatever_dies_under_load_every_call_arrives_once(folder: Path, say: Callable[[str], None]) -> None:
    chronicle = Chronicle(folder / "chaos.log", say)
    chronicle.line(
        f"seed {SEED}, {RATE:.0f} calls/s for {SECONDS:.0f} s, at least {FAULT_SECONDS:.0f} s of them with faults; "
        f"artefacts in {folder.name}"
    )
    async with asyncio.timeout(LIMIT), a_scene(folder, chronicle) as scene:
        async with calls_coming(scene.load), walking(scene.walkers):
            began = time.monotonic()
            await strike_all(scene, chronicle, seconds=FAULT_SECONDS)
            worn = await wear(scene, chronicle, seconds=SECONDS - FAULT_SECONDS) if FAULT_SECONDS < SECONDS else []
            took = time.monotonic() - began
        rate = len(scene.load.promises) / took
        verdict = await fall_quiet(scene, chronicle)
        (folder / "ledger.txt").write_text(verdict.ledger, encoding="utf-8")
        tell(chronicle, scene, verdict, rate=rate)
        assert not scene.load.broken, scene.load.broken[:3]
        assert not scene.walkers.stuck, "\n".join(scene.walkers.stuck[:5])
        assert scene.walkers.ended, "nobody walked the whole road"
        assert not verdict.breaches, "\n".join(map(str, verdict.breaches))
        assert verdict.ledger_exit == 0, verdict.ledger[-2000:]
        assert verdict.seconds_to_quiet <= QUIET_SECONDS
        assert not scene.load.open
        assert not worn, worn
        await assert_the_checker_sees_what_is_planted(scene)
    (folder / "passed").touch()


@asynccontextmanager
async def a_scene(folder: Path, chronicle: Chronicle) -> AsyncIterator[Scene]:
    rng = random.Random(SEED)
    traps = Traps(folder / "traps")
    overrides = {"*": {**SHORT, "DEMO": "true", "FAILPOINTS_DIR": str(traps.folder)}}
    async with running_stack(Layout(folder, Ports.free()), overrides=overrides, say=chronicle.line) as stack:
        eyes = Eyes(str(stack.facts()["postgres"]["url"]))
        load = a_load(stack, rng)
        walkers = Walkers(stack, load)
        scene = Scene(stack, load, eyes, traps, rng, walkers)
        try:
            yield scene
        except BaseException:
            await keep_evidence(folder, scene)
            raise
        finally:
            await walkers.close()
            await load.close()
            await eyes.close()


async def keep_evidence(folder: Path, scene: Scene) -> None:
    """What ledger and checker say at the moment of failure, as far as they can still be asked."""
    with suppress(Exception):
        async with asyncio.timeout(20):
            (folder / "ledger.txt").write_text((await ask_ledger(scene))[1], encoding="utf-8")
            (folder / "breaches.txt").write_text("\n".join(map(str, await look(scene))), encoding="utf-8")


def a_load(stack: Stack, rng: random.Random) -> Load:
    facts = stack.facts()
    calls = Calls(rng, prefix=f"CHAOS-{SEED}")
    return Load(facts["services"]["intake"]["url"], facts["tokens"]["dispatch"], calls, RATE, rng)


@asynccontextmanager
async def calls_coming(load: Load) -> AsyncIterator[None]:
    task = asyncio.create_task(load.run())
    try:
        yield
        assert not task.done(), "the load stopped by itself"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def tell(chronicle: Chronicle, scene: Scene, verdict: Verdict, *, rate: float) -> None:
    load = scene.load
    slowest = sorted(attempt.seconds for attempt in load.attempts if attempt.is_accepted)
    for line in chronicle.table():
        chronicle.line(line)
    chronicle.line(
        f"{len(load.promises)} calls accepted ({rate:.0f}/s), {len(load.resent)} of them sent again, tries by answer "
        f"{dict(sorted(load.statuses().items()))}, p50 {slowest[len(slowest) // 2] * 1000:.0f} ms, "
        f"p99 {slowest[int(len(slowest) * 0.99)] * 1000:.0f} ms"
    )
    chronicle.line(
        f"quiet {verdict.seconds_to_quiet:.1f} s after the last fault; ledger exits {verdict.ledger_exit}; "
        f"{len(verdict.breaches)} claims of the checker do not hold"
    )
    chronicle.line(
        f"{sum(scene.walkers.ended.values())} referrals walked the people's road to their closing "
        f"{dict(sorted(scene.walkers.ended.items()))}, {len(scene.walkers.stuck)} stuck"
    )
    for line in (*scene.walkers.stuck, *map(str, verdict.breaches)):
        chronicle.line(line)


async def assert_the_checker_sees_what_is_planted(scene: Scene) -> None:
    """On the very data that it has just found nothing in; every plant is undone."""
    connection = await asyncpg.connect(scene.eyes.url)
    try:
        for name in ("a hole in a stream", "an effect told twice", "a missing mirror", "a position behind"):
            statement, claim = PLANTS[name]
            transaction = connection.transaction()
            await transaction.start()
            try:
                await connection.execute(statement)
                found = await breaches_now(
                    connection, list(scene.load.promises.values()), quarantined=scene.undecodable
                )
            finally:
                await transaction.rollback()
            assert claim in {breach.claim for breach in found}, f"the checker does not see {name}"
    finally:
        await connection.close()
