"""Puts an API together: problems, health, authentication, offline documentation, access log."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Protocol

import structlog
from fastapi import APIRouter, FastAPI
from fastapi_offline import FastAPIOffline

from chassis.access import Rights, rights_of
from chassis.api_keys import ApiKeys
from chassis.api_keys_routes import api_key_routes
from chassis.auth import Verifier
from chassis.bodies import MAX_BODY_BYTES, BodyGuard
from chassis.docs_pages import docs_pages
from chassis.edge import AtOnce, Edge
from chassis.health import Check, health_routes
from chassis.metrics_serving import metrics_served
from chassis.openapi import complete
from chassis.openapi_said import say_once
from chassis.problem_handlers import Refusals, add_problem_handlers
from chassis.restore_guard import Refusing, RestoreGuard
from chassis.settings import ServiceSettings

MAX_AT_ONCE = 512
_log = structlog.get_logger()


class Lifespan(Protocol):
    def __call__(self, app: FastAPI, /) -> AbstractAsyncContextManager[None]: ...


def create_app(
    title_zh: str,
    title_en: str,
    *,
    settings: ServiceSettings,
    routers: Sequence[APIRouter],
    checks: Mapping[str, Check],
    lifespan: Lifespan | None = None,
    description_zh: str = "",
    description_en: str = "",
    version: str = "0.1.0",
    max_body_bytes: int = MAX_BODY_BYTES,
    max_at_once: int = MAX_AT_ONCE,
    refusals: Refusals | None = None,
    api_keys: ApiKeys | None = None,
    guard: RestoreGuard | None = None,
) -> FastAPI:
    """The API of one service. `checks` decide readiness, `refusals` say how the domain's refusals are answered,
    `api_keys` let systems in by keys and bring the pages that give and revoke them, `guard` keeps everybody out
    while the database is a restored one that nobody has adopted.

    Everything routed under /v1 brings its own `require` or `command`: raises Unguarded where one does not.
    """
    app: FastAPI = FastAPIOffline(
        docs_url=None,
        redoc_url=None,
        title=f"{title_zh} {title_en}",
        description="\n\n".join(text for text in (description_zh, description_en) if text),
        version=version,
        lifespan=_beside_metrics(settings, lifespan),
        redirect_slashes=False,  # to wherever the client says that we live
    )
    app.state.verifier = Verifier(
        settings.token_public_key, issuer=settings.token_issuer, audience=settings.token_audience
    )
    app.state.api_keys, app.state.guard = api_keys, guard
    if guard is not None:
        checks = {**checks, "restore": guard.check}
    key_routers = [] if api_keys is None else [api_key_routes(api_keys, settings.keyring)]
    for router in (health_routes(checks), docs_pages(app), *routers, *key_routers):
        app.include_router(router)
    rights = rights_of(app)
    add_problem_handlers(app, refusals)
    if guard is not None:
        app.add_middleware(Refusing, guard=guard)
    app.add_middleware(AtOnce, most=max_at_once)
    app.add_middleware(BodyGuard, max_bytes=max_body_bytes)
    app.add_middleware(Edge)  # added last: outermost
    _complete_openapi(app, rights)
    say_once(app)
    return app


def _beside_metrics(settings: ServiceSettings, lifespan: Lifespan | None) -> Lifespan:
    @asynccontextmanager
    async def both(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with metrics_served(settings), lifespan(app) if lifespan else nullcontext():
                yield
        except Exception as error:  # ends the process; what carries it on to there would tell it as a text
            _log.error("api_failed", exc_info=error)
            raise

    return both


def _complete_openapi(app: FastAPI, rights: Rights) -> None:
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = complete(generate(), rights)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way of extending it
