from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.stack import eventually, free_port

WORKER = """
import asyncio, sys, time
from chassis import logs
from chassis.serve import run_worker

async def endless():
    try:
        print("started", flush=True)
        await asyncio.Event().wait()
    finally:
        print("tidied", flush=True)

async def stubborn():
    print("started", flush=True)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

async def blocking():
    print("started", flush=True)
    time.sleep(60)

async def failing():
    raise ValueError("personal")

async def ending():
    print("done", flush=True)

logs.configure("test-worker")
sys.exit(run_worker(globals()[sys.argv[1]](), grace_seconds=0.5))
"""
API = """
import asyncio, sys
from fastapi import FastAPI
from chassis import logs
from chassis.serve import serve

app = FastAPI()

@app.get("/slow")
async def slow() -> str:
    print("working", flush=True)
    await asyncio.sleep(0.5)
    return "finished"

logs.configure("test-api")
serve(app, host="127.0.0.1", port=int(sys.argv[1]))
print("returned", flush=True)
"""


class Child:
    def __init__(self, folder: Path, program: str, *arguments: str) -> None:
        self.out = folder / "out"
        (folder / "program.py").write_text(program)
        with self.out.open("wb") as out:
            command = [sys.executable, str(folder / "program.py"), *arguments]
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

    @property
    def lines(self) -> list[str]:
        return self.out.read_text().splitlines()

    async def says(self, word: str) -> None:
        await eventually(lambda: word in self.lines, within=20)

    async def ended(self, *, within: float = 10) -> int:
        await eventually(lambda: self.process.poll() is not None, within=within)
        return self.process.returncode


@pytest.fixture
def children() -> Iterator[list[Child]]:
    started: list[Child] = []
    yield started
    for child in started:
        child.process.kill()
        child.process.wait()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_a_worker_tidies_up_and_ends_well_when_told_to_stop(
    tmp_path: Path, children: list[Child], stop: signal.Signals
) -> None:
    children.append(child := Child(tmp_path, WORKER, "endless"))
    await child.says("started")
    child.process.send_signal(stop)

    assert await child.ended() == 0
    assert child.lines[1] == "tidied"


@pytest.mark.parametrize("kind", ["stubborn", "blocking"])
async def test_a_worker_that_will_not_stop_is_ended_after_its_grace(
    tmp_path: Path, children: list[Child], kind: str
) -> None:
    children.append(child := Child(tmp_path, WORKER, kind))
    await child.says("started")
    began = time.monotonic()
    child.process.send_signal(signal.SIGTERM)

    assert await child.ended() == 1
    assert time.monotonic() - began < 5


async def test_a_worker_that_fails_says_so_and_ends_with_1(tmp_path: Path, children: list[Child]) -> None:
    children.append(child := Child(tmp_path, WORKER, "failing"))

    assert await child.ended(within=20) == 1
    (line,) = child.lines
    assert json.loads(line)["event"] == "worker_failed"
    assert "personal" not in line


async def test_a_worker_that_is_done_ends_with_0(tmp_path: Path, children: list[Child]) -> None:
    children.append(child := Child(tmp_path, WORKER, "ending"))

    assert await child.ended(within=20) == 0


async def test_an_api_finishes_what_it_has_begun_takes_nothing_new_and_returns(
    tmp_path: Path, children: list[Child]
) -> None:
    port = free_port()
    children.append(child := Child(tmp_path, API, str(port)))
    await eventually(lambda: any("running on" in line for line in child.lines), within=20)
    async with httpx.AsyncClient() as client:
        answer = asyncio.create_task(client.get(f"http://127.0.0.1:{port}/slow"))
        await child.says("working")
        child.process.send_signal(signal.SIGTERM)
        assert (await answer).json() == "finished"

    assert await child.ended() == 0
    assert child.lines[-1] == "returned"
    with pytest.raises(httpx.ConnectError):
        async with httpx.AsyncClient() as client:
            await client.get(f"http://127.0.0.1:{port}/slow")


async def test_a_taken_port_ends_the_process_with_an_error(tmp_path: Path, children: list[Child]) -> None:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        children.append(child := Child(tmp_path, API, str(port)))

        assert await child.ended(within=20) != 0
    assert any("Address already in use" in line for line in child.lines)
