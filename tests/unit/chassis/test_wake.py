from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from chassis.wake import WORK, Poker, listening
from support.stack import free_port


class Ears:
    """A worker that can be woken; `hears` says whether it was, and forgets."""

    def __init__(self) -> None:
        self.woken, self.has_work, self.is_ready = asyncio.Event(), asyncio.Event(), True
        self.port = free_port()

    async def hears(self) -> bool:
        await ask(self.port)  # what was sent before it has arrived before its answer
        heard = self.woken.is_set()
        self.woken.clear()
        return heard


@asynccontextmanager
async def a_worker() -> AsyncIterator[Ears]:
    ears = Ears()
    async with listening(ears.port, lambda: ears.is_ready, ears.woken, ears.has_work):
        yield ears


async def ask(port: int, question: bytes = b"ready?", *, within: float = 2.0) -> bytes:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.setblocking(False)
        asker.connect(("127.0.0.1", port))
        await loop.sock_sendall(asker, question)
        async with asyncio.timeout(within):
            return await loop.sock_recv(asker, 100)


async def test_a_poke_wakes_at_once() -> None:
    async with a_worker() as ears:
        Poker(ears.port)()
        assert await ears.hears()


async def test_whoever_pokes_within_20_ms_of_another_is_heard_at_their_end_and_all_of_them_count_once() -> None:
    async with a_worker() as ears:
        poke = Poker(ears.port)
        poke()
        assert await ears.hears()
        for _ in range(100):
            poke()
        await asyncio.wait_for(ears.woken.wait(), 5)
        assert await ears.hears()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ears.woken.wait(), 0.1)


async def test_the_answer_to_ready_follows_the_worker() -> None:
    async with a_worker() as ears:
        ears.is_ready = False
        assert await ask(ears.port) == b"starting"
        ears.is_ready = True
        assert await ask(ears.port) == b"ready"


async def test_anything_else_is_ignored() -> None:
    async with a_worker() as ears:
        with pytest.raises(TimeoutError):
            await ask(ears.port, b"\xff\x00hello", within=0.1)
        assert await ask(ears.port) == b"ready"
        assert not ears.woken.is_set()


async def test_work_that_waits_wakes_nobody_who_relays() -> None:
    async with a_worker() as ears:
        Poker(ears.port, WORK)()
        await asyncio.wait_for(ears.has_work.wait(), 5)
        assert not ears.woken.is_set()


async def test_a_poke_never_raises_when_nobody_listens() -> None:
    port = free_port()
    for _ in range(50):
        Poker(port)()
    Poker(port, host="255.255.255.255")()
