"""Readiness gates of our own services: `/readyz` of an api, the datagram `ready?` of a worker."""

from __future__ import annotations

import asyncio
import socket

from stack.ports import LOCALHOST


async def api_answers(port: int) -> bool:
    try:
        async with asyncio.timeout(3):
            reader, writer = await asyncio.open_connection(LOCALHOST, port)
            try:
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                status = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return status.split()[1:2] == [b"200"]


async def worker_answers(port: int) -> bool:
    return await asyncio.to_thread(ask_worker, port)


def ask_worker(port: int) -> bool:
    with socket.socket(type=socket.SOCK_DGRAM) as asker:
        asker.settimeout(0.5)
        try:
            asker.connect((LOCALHOST, port))
            asker.send(b"ready?")
            return asker.recv(64).strip() == b"ready"
        except OSError:
            return False
