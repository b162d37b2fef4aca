"""Who may call what: read from the routes themselves, so that no list beside them can go out of date."""

from collections.abc import Iterator

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from chassis.auth import RoleRequired

_GUARDED = "/v1"
Rights = dict[tuple[str, str], frozenset[str]]


class Unguarded(Exception):
    """A route under /v1 asks nobody who he is: the service does not start."""


def rights_of(app: FastAPI | APIRouter) -> Rights:
    """(method, path as OpenAPI writes it) → the roles of which a caller needs one; empty: any valid token.

    Raises Unguarded for a route under /v1 that has neither `require` nor `command`.
    """
    rights: Rights = {}
    for route in iter_route_contexts(app.routes):  # those of included routers too, as they are served
        if not _is_guarded(route.path or ""):
            continue
        asked = list(_required(route.dependant)) if isinstance(route.original_route, APIRoute) else []
        if not asked:
            raise Unguarded(f"{route.path} needs `require` or `command`")
        roles = _all_of(asked)
        rights |= {(method, route.path_format or ""): roles for method in route.methods or ()}
    return rights


def _is_guarded(path: str) -> bool:
    return path == _GUARDED or path.startswith(f"{_GUARDED}/")


def _required(dependant: Dependant) -> Iterator[frozenset[str]]:
    if isinstance(dependant.call, RoleRequired):
        yield frozenset(dependant.call.roles)
    for inner in dependant.dependencies:
        yield from _required(inner)


def _all_of(asked: list[frozenset[str]]) -> frozenset[str]:
    """Where a route asks twice, both must be satisfied; one that accepts anybody adds nothing."""
    named = [roles for roles in asked if roles]
    if not named:
        return frozenset()
    common = frozenset.intersection(*named)
    if not common:
        raise Unguarded("two requirements of one route that nobody can satisfy with one role")
    return common
