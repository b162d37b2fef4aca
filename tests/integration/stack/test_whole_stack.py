"""All ten processes under the supervisor: described, restarted, and started again without being migrated again."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from stack.launch import Stack, running_stack
from stack.layout import Layout
from stack.ports import SERVICES, Ports
from support.stack import KafkaServer, PostgresServer, eventually

PROCESSES = {f"{service}-{kind}" for service in SERVICES for kind in ("api", "worker")} | {"kafka", "postgres"}


@pytest.fixture(scope="module")
def layout(test_folder: Path) -> Layout:
    return Layout(test_folder / "whole", Ports.free())


@pytest.fixture(scope="module")
async def stack(layout: Layout) -> AsyncIterator[Stack]:
    async with running_stack(layout, overrides={"intake-api": {"POOL_SIZE": "3"}}) as running:
        yield running


def pids(layout: Layout) -> dict[str, int]:
    read: dict[str, int] = json.loads(layout.facts.read_text())["processes"]
    return read


async def test_the_file_names_all_processes_and_where_the_services_answer(stack: Stack, layout: Layout) -> None:
    facts = json.loads(layout.facts.read_text())
    assert set(facts["processes"]) == PROCESSES
    assert all(psutil.pid_exists(pid) for pid in facts["processes"].values())
    for service in SERVICES:
        url = facts["services"][service]["url"] + "/readyz"
        with await asyncio.to_thread(urllib.request.urlopen, url, timeout=5) as answer:
            assert answer.status == 200
    assert facts["topics"]["police_feedback"] == "police.feedback.v1"
    assert facts["postgres"]["version"].startswith("18.")
    assert facts["kafka"]["version"].startswith("4.3.")


async def test_an_override_reaches_the_process_it_names_and_no_other(stack: Stack) -> None:
    sizes = {
        name: psutil.Process(keeper.pid).environ().get("INTAKE_POOL_SIZE") for name, keeper in stack.keepers.items()
    }
    assert {name for name, size in sizes.items() if size == "3"} == {"intake-api"}


async def test_every_process_killed_at_once_is_back_under_another_pid(stack: Stack, layout: Layout) -> None:
    before = pids(layout)
    for name in PROCESSES:
        stack.kill(name)
    await eventually(lambda: not before.items() & pids(layout).items() and set(pids(layout)) == PROCESSES, within=20)
    await stack.until_ready(within=60)


async def test_a_start_with_nothing_new_migrates_nothing_and_leaves_nothing(layout: Layout, stack: Stack) -> None:
    await stack.stop()
    assert not layout.facts.exists()
    said: list[str] = []
    async with running_stack(layout, say=said.append) as again:
        started = list(again.facts()["processes"].values())
    assert not [line for line in said if "migrated" in line]
    assert not any(psutil.pid_exists(pid) for pid in started)


async def test_servers_of_somebody_else_are_used_and_not_started(
    test_folder: Path, postgres: PostgresServer, kafka: KafkaServer
) -> None:
    layout = replace(
        Layout(test_folder / "borrowed", Ports.free()),
        database_url=postgres.url(),
        kafka_bootstrap_servers=kafka.bootstrap_servers,
    )
    async with running_stack(layout, services=()) as borrowed:
        facts = borrowed.facts()
        assert facts["processes"] == {}
        assert facts["postgres"]["url"] == postgres.url("liandong")
        assert facts["kafka"]["bootstrap_servers"] == kafka.bootstrap_servers
