"""The stack's servers under its own supervisor: started in order, restarted, described truly, never orphaned."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import asyncpg
import psutil
import pytest
from stack.launch import Stack, running_stack
from stack.layout import Layout
from stack.leftovers import AlreadyRunningError, left_behind, supervisor_of
from stack.ports import Ports, PortTakenError
from support.stack import eventually


@pytest.fixture(scope="module")
async def stack(test_folder: Path) -> AsyncIterator[Stack]:
    layout = Layout(test_folder / "张三 的家", Ports.free())  # Java reads its settings as Latin-1 unless told better
    async with running_stack(layout, services=()) as running:
        yield running


def facts(stack: Stack) -> dict[str, dict[str, int]]:
    read: dict[str, dict[str, int]] = json.loads(stack.layout.facts.read_text())
    return read


@pytest.mark.parametrize("name", ["postgres", "kafka"])
async def test_a_killed_server_is_back_and_the_file_names_its_new_pid(stack: Stack, name: str) -> None:
    before = facts(stack)["processes"][name]
    stack.kill(name)
    await eventually(lambda: facts(stack)["processes"].get(name, before) != before)
    assert psutil.pid_exists(facts(stack)["processes"][name])
    await stack.until_ready()


async def test_a_wiped_kafka_is_back_as_another_cluster(stack: Stack) -> None:
    meta = stack.layout.kafka_data / "meta.properties"
    before = meta.read_text()
    await stack.wipe_kafka()
    await eventually(meta.exists, within=30)
    await stack.until_ready()
    assert meta.read_text() != before


async def test_the_file_and_the_secrets_are_for_their_owner_alone(stack: Stack) -> None:
    assert stack.layout.facts.stat().st_mode & 0o777 == 0o600
    assert stack.layout.secrets.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in stack.layout.secrets.iterdir()} == {0o600}


async def test_a_second_supervisor_in_the_same_folder_is_refused_and_disturbs_nothing(stack: Stack) -> None:
    before = facts(stack)
    with pytest.raises(AlreadyRunningError):
        async with running_stack(stack.layout, services=()):
            pass
    assert facts(stack) == before
    assert supervisor_of(stack.layout) == os.getpid()


async def test_a_taken_port_is_named_with_the_variable_that_changes_it(test_folder: Path) -> None:
    layout = Layout(test_folder / "taken", Ports.free())
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", layout.ports.kafka))
        other.listen()
        with pytest.raises(PortTakenError, match=rf"port {layout.ports.kafka} \(kafka\) is taken: set KAFKA_PORT"):
            async with running_stack(layout, services=()):
                pass
    assert not layout.facts.exists()


SUPERVISOR = """
import asyncio, signal, sys
from pathlib import Path
from stack.launch import running_stack
from stack.layout import Layout
from stack.ports import Ports

signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite started in the background ignores Ctrl-C


async def main():
    layout = Layout(Path(sys.argv[1]), Ports(*map(int, sys.argv[2:])))
    async with running_stack(layout, services=()):
        await asyncio.Event().wait()

asyncio.run(main())
"""


def a_supervisor(layout: Layout) -> subprocess.Popen[bytes]:
    ports = [str(port) for port in vars(layout.ports).values()]
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(SUPERVISOR), str(layout.state), *ports])


async def test_kill_9_of_the_supervisor_leaves_no_process_and_the_next_start_has_the_data(test_folder: Path) -> None:
    layout = Layout(test_folder / "killed", Ports.free())
    supervisor = a_supervisor(layout)
    await eventually(layout.facts.exists, within=30)
    described = json.loads(layout.facts.read_text())
    connection = await asyncpg.connect(described["postgres"]["url"])
    await connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    pids = list(described["processes"].values())
    supervisor.kill()
    supervisor.wait()
    await eventually(lambda: not any(psutil.pid_exists(pid) for pid in pids) and not left_behind(layout))
    connection.terminate()
    async with running_stack(layout, services=()) as again:
        connection = await asyncpg.connect(again.facts()["postgres"]["url"])
        assert await connection.fetchval("SELECT n FROM kept") == 1
        await connection.close()
    assert not left_behind(layout)


async def test_ctrl_c_in_the_middle_of_a_start_leaves_no_process(test_folder: Path) -> None:
    layout = Layout(test_folder / "interrupted", Ports.free())
    supervisor = a_supervisor(layout)
    await eventually(lambda: left_behind(layout), within=20)
    supervisor.send_signal(signal.SIGINT)
    await asyncio.to_thread(supervisor.wait, 20)
    assert left_behind(layout) == []
    assert not layout.facts.exists()
