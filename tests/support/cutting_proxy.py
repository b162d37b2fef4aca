"""A TCP proxy in front of PostgreSQL that cuts the connection when a chosen statement passes by."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class CuttingProxy:
    """Set `cut_at` to bytes of a client message; `delivered` says whether that message still reaches the server."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self.cut_at: bytes | None = None
        self.delivered = True
        self.cuts = 0
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        backward = asyncio.create_task(self._pass_on(server_reader, writer))
        try:
            while chunk := await reader.read(65536):
                if self.cut_at is not None and self.cut_at in chunk:
                    self.cuts += 1
                    await _ended(backward)  # two may not read from one stream
                    if self.delivered:
                        server_writer.write(chunk)
                        await server_reader.read(65536)  # the server has answered: it is done, and nobody will hear
                    return
                server_writer.write(chunk)
        except ConnectionError:
            return
        finally:
            backward.cancel()
            server_writer.close()
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            writer.write(chunk)
        writer.close()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def cutting_proxy(target_port: int) -> AsyncIterator[CuttingProxy]:
    proxy = CuttingProxy(target_port)
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
