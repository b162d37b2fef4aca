"""A worker's name is free soon after its holder is gone, and who has lost it ends: no two go on under one name."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import asyncpg
import pytest
from chassis import database as databases
from chassis.database import Database
from chassis.delivery import membership as memberships
from chassis.delivery.lanes import lock_class
from chassis.delivery.membership import Membership, NameLost
from support.stack import eventually

TCP_REPAIR = 19  # of Linux: a socket closed in this mode is gone without a word, like its machine


@pytest.fixture
async def workers(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(memberships, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(databases, "_COMMAND_SECONDS", 1.0)
    made = Database(database, process="toy-worker", pool_size=1)
    yield made
    await made.close()


@pytest.fixture
async def admin(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def a_member(workers: Database) -> Membership:
    member = Membership(workers, "toy")
    await member.join()
    return member


async def holder(admin: asyncpg.Connection, number: int = 0) -> int | None:
    """The server process that holds the name."""
    pid: int | None = await admin.fetchval(
        """SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = $2::bigint::oid
           AND classid = $1::bigint::oid AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """,
        lock_class("toy", "workers") % 2**32,
        number,
    )
    return pid


async def test_two_workers_never_have_one_name(workers: Database) -> None:
    one, two = await a_member(workers), await a_member(workers)
    assert (one.name, two.name) == ("toy-worker-0", "toy-worker-1")
    await one.close()
    await two.close()


async def test_a_worker_whose_connection_was_cut_takes_its_name_again(
    workers: Database, admin: asyncpg.Connection
) -> None:
    member = await a_member(workers)
    first = await holder(admin)
    holding = asyncio.create_task(member.hold())
    await admin.execute("SELECT pg_terminate_backend($1)", first)
    await eventually(lambda: _is_held_by_another_than(admin, first))
    assert member.name == "toy-worker-0"
    assert not holding.done()
    holding.cancel()
    await member.close()


async def test_a_worker_whose_name_was_taken_while_its_connection_was_cut_ends(
    workers: Database, admin: asyncpg.Connection
) -> None:
    loser = await a_member(workers)
    await admin.execute("SELECT pg_terminate_backend($1, 5000)", await holder(admin))
    taker = await a_member(workers)
    assert taker.name == loser.name
    with pytest.raises(NameLost):
        async with asyncio.timeout(10):
            await loser.hold()
    await loser.close()
    await taker.close()


async def test_a_worker_whose_server_process_says_nothing_ends_rather_than_believes_in_its_name(
    workers: Database, admin: asyncpg.Connection
) -> None:
    member = await a_member(workers)
    pid = await holder(admin)
    assert pid is not None
    with stopped(pid), pytest.raises(NameLost):
        async with asyncio.timeout(10):
            await member.hold()
    await member.close()


async def test_every_session_ends_within_eleven_seconds_of_its_machine(workers: Database) -> None:
    """Asked of the server's own socket, which is where it counts."""
    alone = await workers.dedicated()
    async with workers.connection() as pooled:
        for connection in (alone, pooled):
            idle, interval, count, unanswered = [
                int(await connection.fetchval("SELECT setting FROM pg_settings WHERE name = $1", f"tcp_{name}"))
                for name in ("keepalives_idle", "keepalives_interval", "keepalives_count", "user_timeout")
            ]
            assert 0 < idle + interval * count <= 11
            assert 0 < unanswered <= 11_000
    await alone.close()


async def test_the_name_of_a_machine_that_is_gone_without_a_word_is_free_within_seconds(
    workers: Database, admin: asyncpg.Connection
) -> None:
    member = await a_member(workers)
    gone = await holder(admin)
    _vanish(member)
    assert await holder(admin) == gone
    await eventually(lambda: _is_free(admin), within=15)
    other = await a_member(workers)
    assert other.name == "toy-worker-0"
    await other.close()


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _vanish(member: Membership) -> None:
    connection = member._connection
    assert connection is not None
    its_socket: socket.socket = connection._transport.get_extra_info("socket")  # type: ignore[attr-defined]
    its_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # all is received: the server repeats nothing
    try:
        its_socket.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    except PermissionError:
        pytest.skip("to be gone without a word a process must be allowed to administer the network")
    connection.terminate()


async def _is_free(admin: asyncpg.Connection) -> bool:
    return await holder(admin) is None


async def _is_held_by_another_than(admin: asyncpg.Connection, pid: int | None) -> bool:
    return await holder(admin) not in (None, pid)
