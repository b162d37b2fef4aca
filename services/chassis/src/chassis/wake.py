"""A datagram instead of polling: the api process wakes its worker, and a launcher asks whether it is ready."""

import asyncio
import contextlib
import socket
import weakref
from collections.abc import AsyncIterator, Callable
from typing import Any

WAKE, WORK = b"wake", b"work"
QUIET_SECONDS = 0.02
"""Less than what is posted gathers for before it is looked at: nothing comes later for it."""


class WakeSocket(asyncio.DatagramProtocol):
    """The worker's ear: `wake` sets `woken` (there is something to relay), `work` sets `has_work` (something waits to
    be done), `ready?` is answered `ready` or `starting`, all else is ignored.
    """

    def __init__(self, is_ready: Callable[[], bool], woken: asyncio.Event, has_work: asyncio.Event) -> None:
        self._is_ready, self._woken, self._has_work = is_ready, woken, has_work
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if data == WAKE:
            self._woken.set()
        elif data == WORK:
            self._has_work.set()
        elif data == b"ready?" and self._transport is not None:
            self._transport.sendto(b"ready" if self._is_ready() else b"starting", addr)


@contextlib.asynccontextmanager
async def listening(
    port: int, is_ready: Callable[[], bool], woken: asyncio.Event, has_work: asyncio.Event, *, host: str = "127.0.0.1"
) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: WakeSocket(is_ready, woken, has_work), local_addr=(host, port)
    )
    try:
        yield
    finally:
        transport.close()


class Poker:
    """Wakes the worker behind a port: at once, but once in 20 ms at most; whoever pokes meanwhile is heard at the end.

    A hint: nobody may be listening, and then polling finds the work.
    """

    def __init__(self, port: int, word: bytes = WAKE, *, host: str = "127.0.0.1") -> None:
        self._address, self._word = (host, port), word
        self._quiet_until = 0.0
        self._sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sender.setblocking(False)
        weakref.finalize(self, self._sender.close)
        self._later: asyncio.TimerHandle | None = None

    def __call__(self) -> None:
        if self._later is not None:
            return
        loop = asyncio.get_running_loop()
        if loop.time() < self._quiet_until:
            self._later = loop.call_at(self._quiet_until, self._poke)
        else:
            self._poke()

    def _poke(self) -> None:
        self._later = None
        self._quiet_until = asyncio.get_running_loop().time() + QUIET_SECONDS
        with contextlib.suppress(OSError):
            self._sender.sendto(self._word, self._address)
