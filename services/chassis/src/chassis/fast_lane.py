"""One hot operation led past the framework's layers: same edge, same guard of bodies, same caller, same function.

The framework's layers are a third of what such a request costs. The operation stays a route of the app, with its
documents and rights; the lane only calls the route's own function more directly.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.security.utils import get_authorization_scheme_param
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.app import MAX_AT_ONCE
from chassis.auth import RoleRequired, caller_with
from chassis.bodies import BodyGuard
from chassis.edge import AtOnce, Edge
from chassis.restore_guard import Refusing, RestoreGuard

Endpoint = Callable[..., Awaitable[Response]]


class FastLane:
    """ASGI around `app` for one POST `path` whose function takes `request` and, by `require`, `by`; gives a Response.

    Raises LookupError when the app has no such route: it would silently not be fast.
    """

    def __init__(self, app: FastAPI, path: str, *, max_at_once: int = MAX_AT_ONCE) -> None:
        self._app, self._path = app, path
        self._route = _route_of(app, path)
        self._endpoint: Endpoint = self._route.endpoint
        self._roles = _roles_of(self._route)
        guard: RestoreGuard | None = getattr(app.state, "guard", None)
        inner: ASGIApp = self._serve if guard is None else Refusing(self._serve, guard=guard)
        self._lane: ASGIApp = Edge(BodyGuard(AtOnce(inner, most=max_at_once)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == self._path and scope["method"] == "POST":
            scope["app"], scope["route"] = self._app, self._route
            await self._lane(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except Exception as error:  # what the app would translate; anything else is the edge's
            translate = self._translation(error)
            if translate is None:
                raise
            answer = await translate(request, error)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        scheme, token = get_authorization_scheme_param(request.headers.get("Authorization"))
        given = token if scheme.lower() == "bearer" and token else None
        return await self._endpoint(request, await caller_with(self._app.state, given, self._roles))

    def _translation(self, error: Exception) -> Any:
        handlers = self._app.exception_handlers
        return next((handlers[kind] for kind in type(error).__mro__ if kind in handlers), None)


def _route_of(app: FastAPI, path: str) -> APIRoute:
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and context.path == path and "POST" in (route.methods or ()):
            return route
    raise LookupError(f"POST {path} is no route of this app")


def _roles_of(route: APIRoute) -> tuple[str, ...]:
    required = [one.call for one in route.dependant.dependencies if isinstance(one.call, RoleRequired)]
    if len(required) != 1 or len(route.dependant.dependencies) != 1:
        raise LookupError(f"{route.path} needs more than its caller: it cannot be led past the framework")
    return required[0].roles
