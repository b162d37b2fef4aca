"""The door of an API, while a request is not whole yet: how large a head may be, how long a head and a body may take.

A proxy in front may be stricter. Without one these limits keep slow and endless clients from costing others anything.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from heapq import nsmallest
from http import HTTPStatus
from random import uniform
from typing import Any, ClassVar

import structlog
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from chassis.bodies import MAX_BODY_BYTES
from chassis.ids import new_id
from chassis.problems import Problem, overloaded

CLOSE = {"Connection": "close"}
_log = structlog.get_logger()


@dataclass(frozen=True)
class Limits:
    head_bytes: int = 32 * 1024
    headers: int = 100
    head_seconds: float = 10
    body_seconds: float = 30
    answer_seconds: float = 30
    """How long an answer may wait for somebody to read it."""
    patience_seconds: float = 2
    """What a body, a reader and a pause between requests are given at least, also when there is no room for others."""
    in_line_seconds: float = 0.25
    """Who asks again before the answer has come, as no client needs to, waits so long for the next one: forty requests
    of one piece, of a hundred clients, would hold up everybody else."""
    unread_bytes: int = 1024 * 1024
    """What is still taken of a body after it has been refused, so that the client gets to read why."""
    small_body_bytes: int = 4096
    """Of a body that comes by and by the application hears only when it is whole or larger than this."""
    connections: int = 2048


class _Stage(Enum):
    QUIET = auto()  # the application answers, or nothing is asked
    HEAD = auto()
    BODY = auto()


class Doorway(HttpToolsProtocol):
    """One connection. Refusals are problems like all others; what is refused here is seen by no application."""

    limits: ClassVar[Limits] = Limits()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._served = self.app
        self._head_bytes = self._unread_bytes = 0
        self._stuck_since: float | None = None
        self._answering: RequestResponseCycle | None = None
        self._held_back: Any = None
        self._is_next_in_line = False
        self._turn: asyncio.TimerHandle | None = None
        self._begin(_Stage.HEAD)
        self._watch = self.loop.call_later(self.limits.head_seconds, self._look)
        self._is_one_too_many = len(self.connections) > self.limits.connections and not self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever still answers learns that nobody hears, also where later requests stand in line behind it."""
        self._watch.cancel()
        if self._turn is not None:
            self._turn.cancel()
        was_held_back, self._held_back = self._held_back is not None, None
        for cycle in (self._answering, *(queued for queued, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)
        if was_held_back:  # the two hold each other: a thousand a second are not to wait for the collector
            self.cycle = None  # type: ignore[assignment]  # as it is before the first request

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """An application that waits for the rest of a body is a task to be ended and a line in the log, for each of a
        thousand who will never send it: until there is enough of it, only the door has to do with it."""
        if cycle is self.cycle and self._stage is _Stage.BODY and app is self._served:
            self._held_back = app
        else:
            self._start(cycle, app)

    def _start(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        if self._is_next_in_line:
            wait = self.limits.in_line_seconds * uniform(0.5, 1.5)  # noqa: S311 - lest they all come together
            self._turn = self.loop.call_later(wait, super()._start_asgi_task, cycle, app)
        else:
            super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        if self._stage is _Stage.QUIET:
            self._since = self.loop.time()
        self._is_next_in_line = bool(self.pipeline)
        super().on_response_complete()
        self._is_next_in_line = False

    # ── what comes ──────────────────────────────────────────────────────────────────────────────────────────────

    def data_received(self, data: bytes) -> None:
        if self._stage is _Stage.QUIET:
            self._begin(_Stage.HEAD)
        self._chunk_bytes, before = len(data), self.cycle
        super().data_received(data)
        if self._held_back is not None and self._is_worth_hearing():
            self._let_through()
        if self._stage is not _Stage.HEAD or self.transport.is_closing():
            return
        self._head_bytes = self._head_bytes + len(data) if self.cycle is before else 0
        if self._head_bytes > self.limits.head_bytes or len(self.headers or ()) > self.limits.headers:
            self._refuse(head_too_large(self.limits))

    def on_headers_complete(self) -> None:
        self._begin(_Stage.BODY)
        if self._head_is_too_large():
            self.app = _refusing(head_too_large(self.limits))
        elif self._is_one_too_many:
            self.app = _refusing(overloaded())
        else:
            self.app = self._served
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self.cycle.response_complete:
            self._unread_bytes += len(body)
            if self._unread_bytes > self.limits.unread_bytes:
                self.transport.close()
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._stage = _Stage.QUIET
        super().on_message_complete()
        if self._held_back is not None:
            self._let_through()

    def _is_worth_hearing(self) -> bool:
        """Before it is whole: it is large, or will be refused by what it declares, or waits for a word to go on."""
        if len(self.cycle.body) > self.limits.small_body_bytes or self.cycle.waiting_for_100_continue:
            return True
        declared = dict(self.headers).get(b"content-length", b"0")
        return not declared.isdigit() or int(declared) > MAX_BODY_BYTES

    def _let_through(self) -> None:
        app, self._held_back = self._held_back, None
        self._start(self.cycle, app)

    def _begin(self, stage: _Stage) -> None:
        self._stage, self._since = stage, self.loop.time()

    def _head_is_too_large(self) -> bool:
        """Counted only where it may be so: an honest head comes in one small piece."""
        if len(self.headers) > self.limits.headers:
            return True
        if self._head_bytes + self._chunk_bytes <= self.limits.head_bytes:
            return False
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > self.limits.head_bytes

    # ── what does not come ──────────────────────────────────────────────────────────────────────────────────────

    def _look(self) -> None:
        now = self.loop.time()
        if self._stuck_since is not None and now - self._stuck_since >= self.limits.answer_seconds:
            _log.info("refused_at_the_door", code="answer_not_read")
            self.transport.abort()
            return
        due = self._due()
        if due is not None and now >= due:
            self._give_up()
        if not self.transport.is_closing():
            self._watch = self.loop.call_at(max(due or 0, now + self.limits.head_seconds / 4), self._look)

    def _due(self) -> float | None:
        """While an earlier request is being answered, the next one has time."""
        if self._stage is _Stage.BODY:
            return self._since + self.limits.body_seconds
        if self._stage is _Stage.HEAD and (self.cycle is None or self.cycle.response_complete):
            return self._since + self.limits.head_seconds
        return None

    def _give_up(self) -> None:
        if self._stage is _Stage.HEAD and self.headers is None:
            self.transport.close()  # it has not even begun to speak
        else:
            self._refuse(too_slow())

    def _make_room(self) -> bool:
        """Those whom we have waited for longest go, some at a time; who asks nothing, only where nobody else can.
        False: nobody could go.
        """
        by = self._since - self.limits.patience_seconds
        open_ones = [one for one in self._others() if not one.transport.is_closing()]
        waited_for = [(since, one) for one in open_ones if (since := one._waited_for_since(by)) is not None]
        idle = [(one._since, one) for one in open_ones if one._is_idle and one._since <= by] if not waited_for else []
        going = nsmallest(max(1, self.limits.connections // 20), waited_for or idle, key=lambda one: one[0])
        for _, one in going:
            one.transport.abort()
        return bool(going)

    def _waited_for_since(self, by: float) -> float | None:
        """For a head, or since `by` at the latest for a body or for reading what is answered."""
        if self._stuck_since is not None:
            return self._stuck_since if self._stuck_since <= by else None
        if self._due() is None:
            return None
        return self._since if self._stage is _Stage.HEAD or self._since <= by else None

    @property
    def _is_idle(self) -> bool:
        return self._stage is _Stage.QUIET and (self.cycle is None or self.cycle.response_complete)

    def _others(self) -> Iterator[Doorway]:
        yield from (one for one in self.connections if isinstance(one, Doorway) and one is not self)

    def pause_writing(self) -> None:
        self._stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stuck_since = None
        super().resume_writing()

    # ── what is said ────────────────────────────────────────────────────────────────────────────────────────────

    def send_400_response(self, msg: str) -> None:
        """The parser's own refusal: it says in English what it is, and we say it as we say everything."""
        self._refuse(Problem(400, "malformed_http", "不是有效的 HTTP 请求。", "This is no valid HTTP request."))

    def _refuse(self, problem: Problem) -> None:
        """And closes: what would follow could not be told from what went before."""
        if self.transport.is_closing():
            return
        _log.info("refused_at_the_door", code=problem.code)
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_spoken(problem))
        self.transport.close()


def head_too_large(limits: Limits) -> Problem:
    return Problem(
        431,
        "head_too_large",
        f"请求头超过 {limits.headers} 项或 {limits.head_bytes} 字节。",
        f"The head has more than {limits.headers} headers or {limits.head_bytes} bytes.",
        headers=CLOSE,
    )


def too_slow() -> Problem:
    return Problem(408, "too_slow", "请求未在时限内发送完毕。", "The request was not sent within its time.")


def allow_connections(limits: Limits = Doorway.limits) -> None:
    """As many open files as connections and a pool need, where the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.connections + 512
    if soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


def _refusing(problem: Problem) -> Any:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        _log.info("refused_at_the_door", code=problem.code)
        response = problem.response(str(new_id()))
        response.headers["connection"] = "close"
        await response(scope, receive, send)

    return answer


def _spoken(problem: Problem) -> bytes:
    response = problem.response(str(new_id()))
    response.headers["connection"] = "close"
    lines = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}".encode()]
    lines += [name + b": " + value for name, value in response.raw_headers]
    return b"\r\n".join([*lines, b"", bytes(response.body)])
