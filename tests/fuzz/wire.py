"""An API behind its real door, on a real socket, and a client that sends what no client library would let through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from chassis.doorway import Doorway
from starlette.types import ASGIApp
from uvicorn.server import ServerState

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True)
class RawRequest:
    method: str
    target: bytes
    headers: Headers
    body: bytes | None

    def as_bytes(self) -> bytes:
        lines = [self.method.encode() + b" " + self.target + b" HTTP/1.1", b"host: fuzz"]
        lines += [name + b": " + value for name, value in self.headers]
        if self.body is not None:
            lines.append(b"content-length: %d" % len(self.body))
        return b"\r\n".join([*lines, b"", self.body or b""])


class Connection:
    """Opened anew whenever the other side has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: RawRequest, *, within: float = 20.0) -> httpx.Response:
        """Raises ConnectionError when it is cut without an answer, TimeoutError when nothing comes."""
        async with asyncio.timeout(within):
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
            reader, writer = self._streams
            try:
                writer.write(request.as_bytes())
                answer = await self._answer(reader)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.close()
                raise ConnectionError(type(error).__name__) from error
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    async def _answer(self, reader: asyncio.StreamReader) -> httpx.Response:
        head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        pairs = [line.partition(b": ") for line in head[1:] if line]
        headers = [(name, value) for name, _, value in pairs]
        length = int(next(value for name, value in headers if name.lower() == b"content-length"))
        return httpx.Response(int(head[0].split(b" ")[1]), headers=headers, content=await reader.readexactly(length))

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[int]:
    """Its port. The app's lifespan is whose it is."""
    config, state = uvicorn.Config(app, http=Doorway, lifespan="off", log_config=None, access_log=False), ServerState()
    application_state: dict[str, Any] = {}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Doorway(config, state, application_state), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
