from __future__ import annotations

import asyncio
import socket
import time

import pytest
from chassis.wake import WORK, listening, poke
from support.stack import free_port


async def ask(port: int, question: bytes = b"ready?", *, within: float = 2.0) -> bytes:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.setblocking(False)
        asker.connect(("127.0.0.1", port))
        await loop.sock_sendall(asker, question)
        async with asyncio.timeout(within):
            return await loop.sock_recv(asker, 100)


async def test_a_poke_wakes_the_one_who_waits() -> None:
    port = free_port()
    async with listening(port, lambda: True) as ear:
        waiting = asyncio.create_task(ear.wait(10))
        await asyncio.sleep(0)
        began = time.monotonic()
        poke(port)

        assert await waiting is True
        assert time.monotonic() - began < 5


async def test_a_poke_that_came_before_the_wait_is_not_lost_and_counts_once() -> None:
    port = free_port()
    async with listening(port, lambda: True) as ear:
        for _ in range(100):
            poke(port)
        await ask(port)  # what was sent before it has arrived before its answer

        assert await ear.wait(5) is True
        assert await ear.wait(0.01) is False


async def test_the_answer_to_ready_follows_the_worker() -> None:
    port = free_port()
    state = {"ready": False}
    async with listening(port, lambda: state["ready"]):
        assert await ask(port) == b"starting"
        state["ready"] = True
        assert await ask(port) == b"ready"


async def test_anything_else_is_ignored() -> None:
    port = free_port()
    async with listening(port, lambda: True) as ear:
        with pytest.raises(TimeoutError):
            await ask(port, b"\xff\x00hello", within=0.1)
        assert await ask(port) == b"ready"
        assert not ear.woken.is_set()


async def test_work_that_waits_wakes_nobody_who_relays() -> None:
    port = free_port()
    async with listening(port, lambda: True) as ear:
        poke(port, WORK)
        await asyncio.wait_for(ear.has_work.wait(), 5)
        assert not ear.woken.is_set()


async def test_a_poke_never_raises_when_nobody_listens() -> None:
    port = free_port()
    for _ in range(50):
        poke(port)
    poke(port, host="255.255.255.255")
