"""A small HTTP/1.1 client that costs less than what it measures: bytes in, status and body out, connections kept."""

from __future__ import annotations

import asyncio
from typing import cast

Answer = tuple[int, bytes]


class ConnectionGone(ConnectionError):
    """The server closed, or died, before it had answered."""


class Connection(asyncio.Protocol):
    """One request at a time; the answer's future is set when its last byte is there."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._seen = b""

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def request(self, request: bytes) -> asyncio.Future[Answer]:
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._seen = self._seen + data if self._seen else data
        head_end = self._seen.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._seen[:head_end].lower()
        length_at = head.find(b"content-length:")
        length = int(head[length_at + 15 :].split(b"\r\n", 1)[0]) if length_at >= 0 else 0
        if len(self._seen) < head_end + 4 + length:
            return
        answer, self._answer = self._answer, None
        body, self._seen = self._seen[head_end + 4 :], b""
        if answer is not None and not answer.done():
            answer.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionGone())

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Client:
    """Keeps connections that are free; opens one more whenever all are busy."""

    def __init__(self, host: str, port: int, *, token: str, path: str = "/v1/calls") -> None:
        self._host, self._port = host, port
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self._free: list[Connection] = []

    async def open(self, connections: int) -> None:
        self._free += [await self._connect() for _ in range(connections)]

    async def post(self, body: bytes) -> Answer:
        """Raises OSError when the server is not there or goes away; who is cancelled hangs up."""
        connection = self._take() or await self._connect()
        try:
            answer = await connection.request(b"%s%d\r\n\r\n%s" % (self._head, len(body), body))
        except BaseException:
            connection.close()
            raise
        self._free.append(connection)
        return answer

    async def close(self) -> None:
        for connection in self._free:
            connection.close()
        self._free.clear()

    def _take(self) -> Connection | None:
        while self._free:
            connection = self._free.pop()
            if connection.is_open:
                return connection
        return None

    async def _connect(self) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(Connection, self._host, self._port)
        return connection
