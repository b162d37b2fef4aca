"""The outermost layer of an API: a request id, the access log, no 500 without a log; and what may run at once."""

import re
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.ids import new_id
from chassis.metrics_counting import request_ended
from chassis.problem_handlers import problem_of
from chassis.problems import overloaded, request_id_of

_GIVEN_ID = re.compile(rb"[A-Za-z0-9-]{8,64}")
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_QUIET = frozenset({"/livez", "/readyz", "/metrics"})
_log = structlog.get_logger()


class Edge:
    """Pure ASGI, around everything else. What the app raises becomes a problem here, if no answer has begun."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        structlog.contextvars.bind_contextvars(**exchange.ids)
        try:
            await self._app(scope, receive, exchange.send)
        except Exception as error:  # the work behind it was rolled back where it was begun
            problem = problem_of(error)
            if exchange.status == 0:
                await problem.response(exchange.request_id)(scope, receive, exchange.send)
        finally:
            exchange.log()
            structlog.contextvars.unbind_contextvars(*exchange.ids)


class AtOnce:
    """Pure ASGI, inside the guard of bodies: a request runs once it is whole, so that slow senders take no place."""

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app, self._most = app, most
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._running >= self._most:
            await overloaded().response(request_id_of(scope))(scope, receive, send)
            return
        self._running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1


class _Exchange:
    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._began = time.perf_counter()
        self.status = 0
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        self.request_id = given.decode() if _GIVEN_ID.fullmatch(given) else str(new_id())
        self.ids = {"request_id": self.request_id}
        if trace := _TRACEPARENT.fullmatch(headers.get(b"traceparent", b"")):
            self.ids["trace_id"] = trace[1].decode()
        scope.setdefault("state", {})["request_id"] = self.request_id

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self.request_id.encode())]
        await self._send(message)

    def log(self) -> None:
        """The template of the route, never the path, the query or a body: those may hold personal data."""
        template = getattr(self._scope.get("route"), "path", "none")
        speak = _log.debug if template in _QUIET else _log.info
        elapsed = time.perf_counter() - self._began
        request_ended(self._scope["method"], template, self.status, elapsed)
        speak("request", method=self._scope["method"], route=template, status=self.status, ms=round(elapsed * 1000, 2))
