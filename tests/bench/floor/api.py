"""POST /v1/calls as little as it can be: raw ASGI, one insert shared by all that wait, answered after its commit."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from typing import Any
from uuid import UUID

import asyncpg
import orjson

AT_ONCE = 500
_INSERT = """
    WITH fresh AS (
        INSERT INTO call (call_no, referral_id, body)
        SELECT * FROM unnest($1::text[], $2::uuid[], $3::bytea[]) AS t(call_no, r, b) ORDER BY call_no
        ON CONFLICT DO NOTHING RETURNING referral_id, body
    )
    INSERT INTO outbox_intake (referral_id, seq, body) SELECT referral_id, 1, body FROM fresh
"""
Waiting = tuple[str, UUID, bytes, "asyncio.Future[None]"]


class Api:
    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._something = asyncio.Event()
        self._writers: list[asyncio.Task[None]] = []
        self._wake = ("127.0.0.1", int(os.environ["FLOOR_WAKE_PORT"]))
        self._sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        fields = orjson.loads(body)
        call_no, content = fields["call_no"], fields["content"]
        if not (isinstance(call_no, str) and isinstance(content, str) and fields["source"] and fields["reported_at"]):
            raise ValueError("a call needs source, number, content and time")
        referral_id = UUID(int=time.time_ns() // 1_000_000 << 80 | int.from_bytes(os.urandom(10)))
        committed = asyncio.get_running_loop().create_future()
        self._waiting.append((call_no, referral_id, body, committed))
        self._something.set()
        await committed
        answer = orjson.dumps({"call_no": call_no, "referral_id": referral_id, "state": "received"})
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        self._writers = [asyncio.create_task(self._write()) for _ in range(2)]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _write(self) -> None:
        connection = await asyncpg.connect(os.environ["FLOOR_DATABASE_URL"])
        statement = await connection.prepare(_INSERT)
        while True:
            await self._something.wait()
            taken, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            if not self._waiting:
                self._something.clear()
            if not taken:
                continue
            call_nos, ids, contents, futures = zip(*taken, strict=True)
            await statement.fetch(call_nos, ids, contents)
            for future in futures:
                future.set_result(None)
            self._sender.sendto(b"wake", self._wake)
