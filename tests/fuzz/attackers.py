"""Clients that take up room and time on purpose, in a process of their own: `-m fuzz.attackers PORT SECONDS SCALE`.

They are slow, endless, deep and wide, not many: how much a flood may take is decided in front of an API.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

POST = b"POST /v1/calls HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
GET = b"GET /openapi.json HTTP/1.1\r\nhost: a\r\n"
PACE = 0.1
Attack = Callable[["Field"], Awaitable[None]]


class Field:
    """Where it happens, until when, and what came back."""

    def __init__(self, port: int, seconds: float) -> None:
        self.port, self.until = port, time.monotonic() + seconds
        self.heard: Counter[str] = Counter()

    @property
    def goes_on(self) -> bool:
        return time.monotonic() < self.until

    async def sends(self, what: str, *pieces: bytes, pause: float = 0.0, reads: bool = True) -> None:
        """One connection; pieces one after another while the field goes on, then whatever is answered."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError as error:
            self.heard[f"{what}: {type(error).__name__}"] += 1
            return
        hearing = asyncio.create_task(reader.read(12)) if reads else None
        with suppress(OSError):
            for piece in pieces:
                if not self.goes_on or (hearing is not None and hearing.done()):
                    break
                writer.write(piece)
                await asyncio.wait_for(writer.drain(), 5)
                await asyncio.sleep(pause)
        if hearing is not None:
            self.heard[f"{what}: {await self._told(hearing)}"] += 1
        else:
            await asyncio.sleep(max(0.0, self.until - time.monotonic()))
            self.heard[f"{what}: held"] += 1
        writer.close()

    async def _told(self, hearing: asyncio.Task[bytes]) -> str:
        try:
            answer = await asyncio.wait_for(hearing, max(0.5, self.until - time.monotonic()))
        except TimeoutError:
            return "waiting"
        except OSError:
            return "cut"
        return answer[9:12].decode() or "closed"


async def slow_head(field: Field) -> None:
    await field.sends("slow head", *[bytes([one]) for one in GET * 200], pause=0.5)


async def slow_body(field: Field) -> None:
    await field.sends("slow body", POST + b"content-length: 250000\r\n\r\n", *[b" " * 1_000] * 250, pause=0.5)


async def silence(field: Field) -> None:
    await field.sends("silence", b"")


async def headers(field: Field) -> None:
    await field.sends("10,000 headers", GET + b"a: b\r\n" * 10_000 + b"\r\n")


async def endless_header(field: Field) -> None:
    await field.sends("endless header", GET + b"a: ", *[b"b" * 8_000] * 2_000)


async def oversized(field: Field) -> None:
    await field.sends("oversized", POST + b"content-length: 900000000\r\n\r\n", *[b" " * 60_000] * 15_000)


async def chunked(field: Field) -> None:
    await field.sends(
        "chunked", POST + b"transfer-encoding: chunked\r\n\r\n", *[b"8000\r\n" + b" " * 32_768 + b"\r\n"] * 9_000
    )


async def whole(field: Field, what: str, body: bytes) -> None:
    await field.sends(what, POST + b"content-length: %d\r\n\r\n" % len(body) + body)


async def deep(field: Field) -> None:
    await whole(field, "deep", b"[" * 120_000 + b"]" * 120_000)


async def wide(field: Field) -> None:
    await whole(field, "wide", b'{"a":[' + b"[]," * 80_000 + b"[]]}")


async def long_number(field: Field) -> None:
    await whole(field, "long number", b'{"a":' + b"9" * 250_000 + b"}")


async def unread(field: Field) -> None:
    await field.sends("unread answers", (GET + b"\r\n") * 40, reads=False)


async def idle(field: Field) -> None:
    await field.sends("idle", GET.replace(b"/openapi.json", b"/livez") + b"\r\n", reads=False)


HELD: dict[Attack, int] = {slow_head: 250, slow_body: 250, silence: 100, idle: 50, unread: 20}
"""So many at once for each unit of scale; each begins again when it is cut off."""
REPEATED: tuple[Attack, ...] = (headers, endless_header, oversized, chunked, deep, wide, long_number)


async def again_and_again(attack: Attack, field: Field, *, pace: float) -> None:
    while field.goes_on:
        await attack(field)
        await asyncio.sleep(pace)


async def attack(port: int, seconds: float, scale: int) -> Counter[str]:
    field = Field(port, seconds)
    async with asyncio.TaskGroup() as group:
        for held, count in HELD.items():
            for _ in range(count * scale):
                group.create_task(again_and_again(held, field, pace=PACE))
        for repeated in REPEATED:
            group.create_task(again_and_again(repeated, field, pace=PACE))
    return field.heard


if __name__ == "__main__":
    print(json.dumps(asyncio.run(attack(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])))))
