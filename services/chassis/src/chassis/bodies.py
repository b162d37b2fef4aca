"""Looks at a body before anything parses it: size, type, and the JSON that would only break something further in."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.malformed import malformed_json
from chassis.problems import Problem, overloaded, request_id_of

MAX_BODY_BYTES = 256 * 1024
MAX_HELD_BYTES = 32 * 1024 * 1024
_MAX_DEPTH = 64
_MAX_CONTAINERS = 10_000
_ALIKE = bytes.maketrans(b"{}", b"[]")
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))
_LONG_NUMBER = re.compile(rb"[0-9]{19}")
_INT64 = range(-(2**63), 2**63)
AnyBytes = TypeVar("AnyBytes", bytes, bytearray)


class BodyGuard:
    """Pure ASGI. Buffers the body (small by limit) and hands it on in one piece, or answers 413, 415 or 422 itself."""

    def __init__(self, app: ASGIApp, *, max_bytes: int = MAX_BODY_BYTES, max_held_bytes: int = MAX_HELD_BYTES) -> None:
        self._app, self._max_bytes = app, max_bytes
        self._unfinished = _Unfinished(max_held_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            _check_address(scope)
            body = await self._read(scope, receive)
            if body is None:
                return  # the client went away before it had said all: there is nobody to answer
            if body:
                _check_type(scope)
                check_json(body)
        except Problem as problem:
            await problem.response(request_id_of(scope))(scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._max_bytes:
            raise _too_large(self._max_bytes)
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            whole: bytes = message.get("body", b"")
            return self._within(whole)
        with self._unfinished.one() as body:
            while message["type"] == "http.request":
                self._within(body.add(message.get("body", b"")))
                if not message.get("more_body", False):
                    return bytes(body.held)
                message = await body.next(receive)
        return None

    def _within(self, body: AnyBytes) -> AnyBytes:
        if len(body) > self._max_bytes:
            raise _too_large(self._max_bytes)
        return body


class _Unfinished:
    """What is held of bodies that are not whole. Where it is too much, those that began first give way."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes, self._held_bytes = most_bytes, 0
        self._bodies: dict[_Body, None] = {}

    @contextmanager
    def one(self) -> Iterator[_Body]:
        body = _Body(self)
        self._bodies[body] = None
        try:
            yield body
        finally:
            del self._bodies[body]
            self._held_bytes -= len(body.held)

    def grew(self, size: int) -> None:
        self._held_bytes += size
        excess = self._held_bytes - self._most_bytes
        for body in self._bodies:
            if excess <= 0:
                return
            excess -= len(body.held)
            body.give_way()


class _Body:
    def __init__(self, unfinished: _Unfinished) -> None:
        self._unfinished, self._gives_way = unfinished, False
        self._waiting: asyncio.Timeout | None = None
        self.held = bytearray()

    def add(self, chunk: bytes) -> bytearray:
        self.held += chunk
        self._unfinished.grew(len(chunk))
        return self.held

    def give_way(self) -> None:
        self._gives_way = True
        if self._waiting is not None:
            self._waiting.reschedule(asyncio.get_running_loop().time())

    async def next(self, receive: Receive) -> Message:
        """Raises a 503 problem when others need the room."""
        if self._gives_way:
            raise overloaded()
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await receive()
        except TimeoutError:
            raise overloaded() from None
        finally:
            self._waiting = None


def check_json(body: bytes) -> None:
    """Raises a 422 problem for what is no JSON, and for JSON that no table or topic of ours could hold."""
    if body.count(b"[") + body.count(b"{") > _MAX_CONTAINERS:
        raise malformed_json("数组与对象过多。", f"More than {_MAX_CONTAINERS} arrays and objects.")
    try:
        document = orjson.loads(body)  # refuses bad UTF-8, lone surrogates, NaN and more than 1024 levels
    except orjson.JSONDecodeError:
        raise malformed_json("请求体不是有效的 UTF-8 JSON。", "The body is not valid JSON in UTF-8.") from None
    if _may_be_deep(body) and _depth(document) > _MAX_DEPTH:
        raise malformed_json(f"嵌套超过 {_MAX_DEPTH} 层。", f"Nested deeper than {_MAX_DEPTH} levels.")
    if rb"\u0000" in body and any("\x00" in text for text in _texts(document)):
        raise malformed_json("文本含有 NUL 字符。", "A text holds a NUL character.")
    if _LONG_NUMBER.search(body):
        _check_integers(body)


def _check_integers(body: bytes) -> None:
    """Beyond 64 bits Python still reads them, and everything behind it does not."""
    try:
        json.loads(body, parse_int=_int64)
    except ValueError:
        raise malformed_json("整数超出 64 位范围。", "An integer does not fit in 64 bits.") from None


def _int64(digits: str) -> int:
    value = int(digits)
    if value not in _INT64:
        raise ValueError("too large")
    return value


def _may_be_deep(body: bytes) -> bool:
    """At the speed of C, since anybody may send it: brackets alone, innermost pairs taken out level by level. Those in
    texts count too, so that it may be said of what is not.
    """
    brackets = body.translate(_ALIKE, _OTHERS)
    for _ in range(_MAX_DEPTH):
        if not brackets:
            return False
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def _depth(document: Any) -> int:
    depth, level = 0, [document]
    while level:
        level = [child for node in level for child in _children(node)]
        depth += 1
    return depth - 1


def _texts(document: Any) -> Iterator[str]:
    level = [document]
    while level:
        node = level.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict):
            yield from node
        level.extend(_children(node))


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _check_address(scope: Scope) -> None:
    if "\x00" in scope["path"] or b"%00" in scope.get("query_string", b""):
        raise Problem(422, "malformed_request", "地址含有 NUL 字符。", "The address holds a NUL character.")


def _check_type(scope: Scope) -> None:
    media_type = dict(scope["headers"]).get(b"content-type", b"").split(b";")[0].strip().lower()
    if media_type != b"application/json" and not media_type.endswith(b"+json"):
        raise Problem(415, "not_json", "请求体应为 application/json。", "The body must be application/json.")


def _too_large(limit: int) -> Problem:
    return Problem(
        413, "too_large", f"请求体超过 {limit} 字节。", f"The body has more than {limit} bytes.", limit_bytes=limit
    )


def _replayed(body: bytes, receive: Receive) -> Receive:
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay
