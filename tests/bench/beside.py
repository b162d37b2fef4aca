"""Starts what we compare ourselves with: processes of the floor or of the weekend version on servers of their own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from bench.floor import stage as floor
from bench.servers import fresh_layout, servers
from bench.subject import FLOOR, WEEKEND, Subject
from bench.weekend import tables as weekend
from stack.keys import Keys
from stack.layout import ROOT, Layout
from stack.parts import admin_url, bootstrap_servers, near_url, python_environment
from stack.ports import LOCALHOST, Ports
from stack.spawn import bound_to_parent

STAGES = ("intake", "triage", "mediation", "followup")
PARTITIONS = 12
TABLES = {"floor": floor.tables, "weekend": weekend.tables}
QUESTIONS = {"floor": FLOOR, "weekend": WEEKEND}
TOPICS = {"floor": floor.TOPICS, "weekend": weekend.TOPICS}


@asynccontextmanager
async def running_beside(name: str, *, stages: Sequence[str] = STAGES, api: bool = True) -> AsyncIterator[Subject]:
    """`floor` or `weekend`, ready for calls."""
    layout = fresh_layout(name)
    async with servers(layout):
        url = near_url(layout, admin_url(layout, Keys(layout.secrets)))
        await make_tables(url, TABLES[name]())
        await make_topics(bootstrap_servers(layout), TOPICS[name])
        async with processes(name, layout, url, stages=stages, api=api) as subject:
            yield subject


@asynccontextmanager
async def processes(name: str, layout: Layout, url: str, *, stages: Sequence[str], api: bool) -> AsyncIterator[Subject]:
    port = Ports.free().intake
    environment = _environment(name, url, bootstrap_servers(layout), wake_port=port)
    words = [[stage] for stage in stages] + ([["api", str(port)]] if api else [])
    started = [await _start(name, each, environment, layout) for each in words]
    pids = {" ".join(each[:1]): process.pid for each, process in zip(words, started, strict=True)}
    subject = Subject(name, port, "none", url, QUESTIONS[name], pids)
    try:
        if api:
            await _until_listening(port, started)
        yield subject
    finally:
        await subject.close()
        for process in started:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def make_tables(url: str, statements: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statements)
    await connection.close()


async def make_topics(servers_at: str, topics: Sequence[str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers_at)
    await admin.start()
    await admin.create_topics([NewTopic(topic, PARTITIONS, 1) for topic in topics])
    await admin.close()


def _environment(name: str, url: str, servers_at: str, *, wake_port: int) -> Mapping[str, str]:
    prefix = name.upper()
    return python_environment() | {
        "PYTHONPATH": str(ROOT / "tests"),
        f"{prefix}_DATABASE_URL": url,
        f"{prefix}_BOOTSTRAP_SERVERS": servers_at,
        f"{prefix}_WAKE_PORT": str(wake_port),
    }


async def _start(
    name: str, words: Sequence[str], environment: Mapping[str, str], layout: Layout
) -> asyncio.subprocess.Process:
    with (layout.logs / f"{name}-{words[0]}.log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *bound_to_parent([sys.executable, "-m", f"bench.{name}", *words]),
            env=dict(environment), cwd=ROOT, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip


async def _until_listening(port: int, started: Sequence[asyncio.subprocess.Process]) -> None:
    for _ in range(300):
        with suppress(OSError):
            _, writer = await asyncio.open_connection(LOCALHOST, port)
            writer.close()
            return
        if dead := [process for process in started if process.returncode is not None]:
            raise RuntimeError(f"{len(dead)} processes have ended; see the logs")
        await asyncio.sleep(0.1)
    raise RuntimeError("the api does not listen")
