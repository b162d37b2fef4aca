"""What is held of bodies that are not whole is bounded, whoever sends them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from chassis.bodies import BodyGuard, check_json
from chassis.problems import Problem
from starlette.types import Message, Receive, Scope, Send


async def taken(_scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@dataclass
class Sender:
    """One request that comes piece by piece."""

    guard: BodyGuard
    pieces: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    status: int = 0

    def begin(self) -> asyncio.Task[None]:
        scope: dict[str, Any] = {
            "type": "http", "path": "/", "method": "POST", "headers": [(b"content-type", b"application/json")],
        }  # fmt: skip
        return asyncio.create_task(self.guard(scope, self.pieces.get, self._hear))

    async def _hear(self, message: Message) -> None:
        self.status = message.get("status", self.status)

    async def says(self, size: int, *, more: bool = True) -> None:
        self.pieces.put_nowait({"type": "http.request", "body": b'"' + b"x" * (size - 2) + b'"', "more_body": more})
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def goes(self) -> None:
        self.pieces.put_nowait({"type": "http.disconnect"})


async def test_what_began_first_gives_way_and_what_comes_whole_is_taken() -> None:
    guard = BodyGuard(taken, max_bytes=1_000, max_held_bytes=2_500)
    slow = [Sender(guard) for _ in range(3)]
    tasks = [one.begin() for one in slow]
    for one in slow:
        await one.says(900)
    await asyncio.wait_for(tasks[0], 1)
    assert [one.status for one in slow] == [503, 0, 0]

    whole = Sender(guard)
    task = whole.begin()
    await whole.says(900, more=False)
    await asyncio.wait_for(task, 1)
    assert whole.status == 200

    for one in slow[1:]:
        one.goes()
    await asyncio.wait_for(asyncio.gather(*tasks), 1)
    assert guard._unfinished._held_bytes == 0


async def test_one_that_alone_holds_too_much_gives_way_itself() -> None:
    guard = BodyGuard(taken, max_bytes=1_000, max_held_bytes=500)
    alone = Sender(guard)
    task = alone.begin()
    await alone.says(900)
    await asyncio.wait_for(task, 1)
    assert alone.status == 503


async def test_a_body_in_pieces_is_refused_once_it_is_too_large() -> None:
    guard = BodyGuard(taken, max_bytes=1_000)
    endless = Sender(guard)
    task = endless.begin()
    for _ in range(3):
        await endless.says(400)
    await asyncio.wait_for(task, 1)
    assert endless.status == 413


@pytest.mark.parametrize(
    ("body", "is_taken"),
    [
        (b"[" * 65 + b"]" * 65, True),
        (b"[" * 66 + b"]" * 66, False),
        (b'{"a":[' * 32 + b"1" + b"]}" * 32, True),
        (b'{"a":[' * 33 + b"1" + b"]}" * 33, False),
        (b'{"a":["' + b"[" * 5_000 + b'"]}', True),
        (b'{"a":["' + b"][" * 5_000 + b'"]}', True),
        (b'{"a":[' + b"[]," * 9_000 + b"[]]}", True),
        (b'{"a":[' + b"[]," * 80_000 + b"[]]}", False),
        (b"[" * 100_000, False),
    ],
)
def test_depth_is_what_is_nested_and_not_what_is_written(body: bytes, is_taken: bool) -> None:
    if is_taken:
        check_json(body)
    else:
        with pytest.raises(Problem):
            check_json(body)
