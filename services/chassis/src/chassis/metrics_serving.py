"""The page of metrics, on a port of its own: what is asked there takes nothing from those who post calls.

Like everything that is not health it wants a token: of role `ops`, or of a machine (`service`).
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace

import structlog
import uvicorn
from fastapi.security.utils import get_authorization_scheme_param
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from chassis.auth import Verifier, caller_with
from chassis.doorway import Doorway
from chassis.edge import AtOnce, Edge
from chassis.metrics_counting import REGISTRY
from chassis.problems import Problem, request_id_of
from chassis.settings import ServiceSettings

PATH = "/metrics"
ROLES = ("ops", "service")
_MOST_AT_ONCE, _MOST_CONNECTIONS, _END_SECONDS = 4, 16, 2.0
_log = structlog.get_logger()

Refresh = Callable[[], Awaitable[None]]


async def _nothing() -> None: ...


class MetricsPage:
    """ASGI: `GET /metrics` and nothing else. `refresh` reads what is not counted but looked up."""

    def __init__(self, verifier: Verifier, refresh: Refresh = _nothing) -> None:
        self._state, self._refresh = SimpleNamespace(verifier=verifier), refresh

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            answer = await self._answer(request)
        except Problem as problem:
            answer = problem.response(request_id_of(scope))
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.url.path != PATH:
            raise Problem(404, "not_found", "没有这个资源。", "There is no such resource.")
        request.scope["route"] = SimpleNamespace(path=PATH)
        if request.method != "GET":
            raise Problem(405, "method_not_allowed", "此地址不支持该方法。", "This address does not take that method.")
        scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
        await caller_with(self._state, token if scheme.lower() == "bearer" and token else None, ROLES)
        await self._refresh()
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(REGISTRY), headers={"Content-Type": content_type})


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They belong to the process that this is a part of."""
        yield


@asynccontextmanager
async def metrics_served(settings: ServiceSettings, refresh: Refresh = _nothing) -> AsyncIterator[None]:
    """While the body runs, where the settings name a port. A port that is taken is an alarm and no end of the work."""
    if settings.metrics_port is None:
        yield
        return
    try:
        listening = socket.create_server((settings.http_host, settings.metrics_port))
    except OSError as error:
        _log.error("metrics_not_served", port=settings.metrics_port, error=type(error).__name__)
        yield
        return
    verifier = Verifier(settings.token_public_key, issuer=settings.token_issuer, audience=settings.token_audience)
    server = _Server(
        uvicorn.Config(
            Edge(AtOnce(MetricsPage(verifier, refresh), most=_MOST_AT_ONCE)), http=Doorway, ws="none",
            lifespan="off", access_log=False, log_config=None, server_header=False, proxy_headers=False,
            limit_concurrency=_MOST_CONNECTIONS, timeout_graceful_shutdown=1,
        )
    )  # fmt: skip
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.wait([serving], timeout=_END_SECONDS)
        listening.close()
