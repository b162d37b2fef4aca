"""PostgreSQL cut off in COMMIT, away, full, or with no connection to spare: what was accepted has its effect once.

FAULTS_AWAY_SECONDS is how long the server is away: a few seconds in the suite, 600 for the real ten minutes.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest
from chassis import database as databases
from chassis.database import Database
from chassis.database_errors import CommitOutcomeUnknown, DatabaseUnavailable
from chassis.ids import new_id
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs
from support.cutting_proxy import cutting_proxy
from support.faults import note
from support.small_disk import filled, small_disk
from support.stack import KafkaServer, PostgresServer, a_postgres, eventually
from support.toys import Toys, toys

AWAY_SECONDS = float(os.environ.get("FAULTS_AWAY_SECONDS", "3"))


@dataclass(frozen=True)
class OwnServer:
    server: PostgresServer
    disk: Path | None


@pytest.fixture(scope="module")
def own(test_folder: Path) -> Iterator[OwnServer]:
    """One that may be stopped and filled without anybody else noticing."""
    folder = test_folder / "own-disk"
    with small_disk(folder, megabytes=200) as is_mounted:
        server = a_postgres(folder)
        server.start()
        yield OwnServer(server, folder if is_mounted else None)
        server.stop_immediately()


@pytest.fixture(autouse=True)
def nothing_drawn() -> Iterator[None]:
    """structlog's own console takes seconds to draw a traceback, and holds up the loop meanwhile."""
    with capture_logs():
        yield


@pytest.fixture
async def pair(database: str, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    async with toys(database, kafka.bootstrap_servers, tmp_path) as made:
        yield made


@pytest.fixture
async def own_pair(own: OwnServer, kafka: KafkaServer, tmp_path: Path) -> AsyncIterator[Toys]:
    name = f"t_{time.monotonic_ns()}"
    admin = await asyncpg.connect(own.server.url())
    await admin.execute(f'CREATE DATABASE "{name}"')
    await admin.close()
    async with toys(own.server.url(name), kafka.bootstrap_servers, tmp_path) as made:
        yield made


@pytest.mark.parametrize("delivered", [True, False], ids=["the server has committed", "it has not"])
async def test_a_batch_cut_off_in_its_commit_has_its_effect_once(pair: Toys, database: str, delivered: bool) -> None:
    """Every COMMIT of the worker for a while: of batches, of comparisons, of whatever else it writes."""
    url = make_url(database)
    assert url.port is not None
    referrals = [new_id() for _ in range(20)]
    async with cutting_proxy(url.port) as proxy, AsyncExitStack() as running:
        through = Database(url.set(port=proxy.port).render_as_string(hide_password=False), process="cut", pool_size=6)
        running.push_async_callback(through.close)
        for context in (pair.ping.serving(), pair.pong.serving(), pair.ping.working()):
            await running.enter_async_context(context)
        await running.enter_async_context(pair.pong.anew(through).working())
        await ping_all(pair, referrals, 1)
        await eventually(lambda: applied(pair, referrals, 1), within=20)
        proxy.delivered, proxy.cut_at = delivered, b"COMMIT"
        await ping_all(pair, referrals, 2)
        await eventually(lambda: proxy.cuts >= 3, within=20)
        proxy.cut_at, healed = None, time.monotonic()
        await ping_all(pair, referrals, 3)
        await eventually(lambda: applied(pair, referrals, 3), within=30)
    note("connection cut in COMMIT", f"{proxy.cuts} cut, delivered: {delivered}", time.monotonic() - healed)
    await assert_each_once(pair)


@pytest.mark.timeout(120 + 2 * AWAY_SECONDS)
async def test_without_postgres_nothing_is_accepted_and_nothing_ends_and_all_goes_on_when_it_is_back(
    own: OwnServer, own_pair: Toys
) -> None:
    referrals = [new_id() for _ in range(20)]
    async with own_pair.running():
        await ping_all(own_pair, referrals, 1)
        own.server.stop_immediately()  # with a batch or two under way
        since, refused = time.monotonic(), 0
        while time.monotonic() < since + AWAY_SECONDS:
            with pytest.raises((DatabaseUnavailable, CommitOutcomeUnknown)):
                await own_pair.ping.ping(referrals[0], 2)
            refused += 1
            await asyncio.sleep(0.25)  # the pace of a client that does not give up
        await asyncio.to_thread(own.server.start)
        back = time.monotonic()
        await ping_all(own_pair, referrals, 2)
        await eventually(lambda: applied(own_pair, referrals, 2), within=30)
    note(f"PostgreSQL away for {AWAY_SECONDS:.0f} s", f"{refused} commands refused", time.monotonic() - back)
    await assert_each_once(own_pair)


async def test_a_full_disk_refuses_what_it_cannot_hold_and_all_goes_on_when_there_is_room(
    own: OwnServer, own_pair: Toys
) -> None:
    """First the tables cannot grow; then the log itself cannot, and the server dies of it."""
    if own.disk is None:
        pytest.skip("a disk of its own can be mounted by an administrator alone")
    accepted: list[UUID] = []
    refused: list[UUID] = []
    async with own_pair.running():
        with filled(own.disk):
            while len(refused) < 5:
                await ping_new(own_pair, accepted, refused)
            with suppress(asyncpg.PostgresError, OSError):
                admin = await asyncpg.connect(own.server.url())
                for _ in range(20):
                    await admin.execute("SELECT pg_logical_emit_message(false, 'fill', 'x'), pg_switch_wal()")
            await eventually(lambda: is_down(own.server), within=20)
            await ping_new(own_pair, accepted, refused)
        back = time.monotonic()
        await eventually(lambda: goes_on(own.server, own_pair, accepted, refused), within=30)
        await eventually(lambda: applied(own_pair, accepted, 1), within=30)
    note("disk full", f"{len(accepted) - 1} accepted, {len(refused)} refused", time.monotonic() - back)
    assert "No space left on device" in own.server.log.read_text()
    assert not await own_pair.ping.value("SELECT count(*) FROM ping.event_log WHERE referral_id = ANY ($1)", refused)
    await assert_each_once(own_pair)


async def goes_on(server: PostgresServer, pair: Toys, accepted: list[UUID], refused: list[UUID]) -> bool:
    """There is room again, but the server may die only now of having had none: whoever watches it begins it anew."""
    if server.process is None or server.process.poll() is not None:
        await asyncio.to_thread(server.start)
    return await ping_new(pair, accepted, refused)


async def test_without_a_connection_to_spare_requests_are_503_and_batches_wait(
    database: str, kafka: KafkaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "_CONNECT_SECONDS", 0.3)
    referrals = [new_id() for _ in range(20)]
    async with toys(database, kafka.bootstrap_servers, tmp_path) as pair, pair.running():
        await ping_all(pair, referrals, 1)
        await eventually(lambda: applied(pair, referrals, 1), within=20)
        async with AsyncExitStack() as held:
            while True:
                try:
                    await held.enter_async_context(pair.pong.database.connection())
                except DatabaseUnavailable:
                    break
            await ping_all(pair, referrals, 2)
            headers = {"Authorization": f"Bearer {pair.secrets.token('ops')}"}
            async with httpx.AsyncClient(base_url=pair.pong.url, headers=headers) as client:
                answer = await client.get("/v1/ops/parked")
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert answer.headers["Retry-After"]
        freed = time.monotonic()
        await eventually(lambda: applied(pair, referrals, 2), within=20)
        note("pool exhausted", "503 with Retry-After, batches wait", time.monotonic() - freed)
        await assert_each_once(pair)


async def ping_all(pair: Toys, referrals: Sequence[UUID], n: int) -> None:
    for referral_id in referrals:
        await pair.ping.ping(referral_id, n)


async def ping_new(pair: Toys, accepted: list[UUID], refused: list[UUID]) -> bool:
    """One whose commit has no known outcome is looked up when the fault is over, so none may stay so here."""
    referral_id = new_id()
    try:
        await pair.ping.ping(referral_id, 1)
    except DatabaseUnavailable:
        refused.append(referral_id)
        return False
    accepted.append(referral_id)
    return True


async def applied(pair: Toys, referrals: Sequence[UUID], count: int) -> bool:
    found = "SELECT count(*) FROM pong.tally WHERE referral_id = ANY ($1) AND count >= $2"
    return bool(await pair.pong.value(found, referrals, count) == len(referrals))


async def is_down(server: PostgresServer) -> bool:
    try:
        connection = await asyncpg.connect(server.url(), timeout=2)
    except (asyncpg.PostgresError, OSError):
        return True
    await connection.close()
    return False


async def assert_each_once(pair: Toys) -> None:
    """As many effects as causes, and no cause with two."""
    counts = """SELECT (SELECT count(*) FROM ping.event_log), count(*), count(DISTINCT causation_id),
                       (SELECT sum(count) FROM pong.tally) FROM pong.event_log"""
    assert len(set(await pair.pong.row(counts))) == 1
    assert await pair.pong.value("SELECT count(*) FROM pong.parked") == 0
