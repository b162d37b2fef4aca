from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from chassis.access import Unguarded, rights_of
from chassis.app import create_app
from chassis.auth import Caller, require
from chassis.commands import Asked, command
from fastapi import APIRouter, Depends, FastAPI
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from support.tokens import Issuer

Clerk = Annotated[Caller, Depends(require("clerk", "chief"))]


def own_area(by: Clerk) -> Caller:
    """As services do it: a dependency of their own around `require`."""
    return by


def guarded() -> APIRouter:
    router = APIRouter(prefix="/v1")
    inner = APIRouter(prefix="/inner")

    @router.get("/things/{name:path}")
    async def read(name: str, by: Clerk) -> None: ...

    @router.post("/things")
    async def write(asked: Annotated[Asked, Depends(command("clerk"))]) -> None: ...

    @router.get("/anybody")
    async def anybody(by: Annotated[Caller, Depends(require())]) -> None: ...

    @inner.delete("/deep")
    async def deep(by: Annotated[Caller, Depends(own_area)]) -> None: ...

    @inner.get("/twice", dependencies=[Depends(require("chief", "ops"))])
    async def twice(by: Clerk) -> None: ...

    router.include_router(inner)
    return router


def an_app(tmp_path: Path, *routers: APIRouter) -> FastAPI:
    return create_app("门", "Gate", settings=Issuer(tmp_path).settings(), routers=routers, checks={})


def test_the_rights_of_every_route_are_read_from_the_routes(tmp_path: Path) -> None:
    both = frozenset({"clerk", "chief"})
    assert rights_of(an_app(tmp_path, guarded())) == {
        ("GET", "/v1/things/{name}"): both,
        ("POST", "/v1/things"): frozenset({"clerk"}),
        ("GET", "/v1/anybody"): frozenset(),
        ("DELETE", "/v1/inner/deep"): both,
        ("GET", "/v1/inner/twice"): frozenset({"chief"}),
    }


async def test_they_are_what_the_routes_do(tmp_path: Path) -> None:
    """Each route with each role: let in if and only if the rights say so."""
    issuer = Issuer(tmp_path)
    app = create_app("门", "Gate", settings=issuer.settings(), routers=[guarded()], checks={})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gate") as client:
        for (method, path), roles in rights_of(app).items():
            place = path.replace("{name}", "a/b")
            assert (await client.request(method, place)).status_code == 401
            for role in ("clerk", "chief", "ops", "visitor"):
                answer = await client.request(method, place, headers=issuer.bearer(role) | {"If-Match": "*"})
                assert (answer.status_code != 403) == (not roles or role in roles), (method, path, role)


def _bare(router: APIRouter) -> None:
    @router.get("/v1/open")
    async def read() -> None: ...


def _other_dependency(router: APIRouter) -> None:
    @router.post("/v1/open")
    async def write(_: Annotated[int, Depends(lambda: 1)]) -> None: ...


def _nested(router: APIRouter) -> None:
    inner = APIRouter(prefix="/v1/deep")
    _bare_inner = APIRouter()

    @_bare_inner.get("/open")
    async def read() -> None: ...

    inner.include_router(_bare_inner)
    router.include_router(inner)


def _mounted(router: APIRouter) -> None:
    router.routes.append(Mount("/v1/files", routes=[]))


def _plain(router: APIRouter) -> None:
    router.routes.append(Route("/v1", lambda _: PlainTextResponse("")))


def _socket(router: APIRouter) -> None:
    @router.websocket("/v1/socket")
    async def talk(websocket: Any) -> None: ...


@pytest.mark.parametrize("plant", [_bare, _other_dependency, _nested, _mounted, _plain, _socket])
def test_a_route_under_v1_that_asks_nobody_stops_the_start(tmp_path: Path, plant: Callable[[APIRouter], None]) -> None:
    router = APIRouter()
    plant(router)
    with pytest.raises(Unguarded, match="/v1"):
        an_app(tmp_path, guarded(), router)


def test_a_route_that_nobody_could_enter_stops_the_start(tmp_path: Path) -> None:
    router = APIRouter()

    @router.get("/v1/never", dependencies=[Depends(require("ops"))])
    async def never(by: Clerk) -> None: ...

    with pytest.raises(Unguarded):
        an_app(tmp_path, router)


def test_outside_v1_nobody_need_ask(tmp_path: Path) -> None:
    assert rights_of(an_app(tmp_path)) == {}
