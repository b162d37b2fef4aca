"""A datagram instead of polling: the api process wakes its worker, and a launcher asks whether it is ready."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

WAKE, WORK = b"wake", b"work"


class WakeSocket(asyncio.DatagramProtocol):
    """The worker's ear: `wake` sets `woken` (there is something to relay), `work` sets `has_work` (something waits to
    be done), `ready?` is answered `ready` or `starting`, all else is ignored.
    """

    def __init__(self, is_ready: Callable[[], bool]) -> None:
        self.woken, self.has_work = asyncio.Event(), asyncio.Event()
        self._is_ready = is_ready
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if data == WAKE:
            self.woken.set()
        elif data == WORK:
            self.has_work.set()
        elif data == b"ready?" and self._transport is not None:
            self._transport.sendto(b"ready" if self._is_ready() else b"starting", addr)

    async def wait(self, seconds: float) -> bool:
        """Sleep until woken, `seconds` at most; True when it was a wake. For a single waiter."""
        try:
            async with asyncio.timeout(seconds):
                await self.woken.wait()
        except TimeoutError:
            return False
        self.woken.clear()
        return True


@contextlib.asynccontextmanager
async def listening(port: int, is_ready: Callable[[], bool], *, host: str = "127.0.0.1") -> AsyncIterator[WakeSocket]:
    loop = asyncio.get_running_loop()
    transport, ear = await loop.create_datagram_endpoint(lambda: WakeSocket(is_ready), local_addr=(host, port))
    try:
        yield ear
    finally:
        transport.close()


def poke(port: int, word: bytes = WAKE, *, host: str = "127.0.0.1") -> None:
    """Wake the worker behind this port. A hint: nobody may be listening, and then polling finds the work."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto(word, (host, port))
