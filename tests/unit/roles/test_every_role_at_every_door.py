"""Role × endpoint over all four services, as they are served: who is let in is who the rights name, and nobody else.

Nothing listens where their databases should be: a caller who is let in is answered 503 or told what is wrong with
the request; one who is not is told so before anything is asked.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

import httpx
import pytest
from chassis.access import Rights, rights_of
from fastapi import FastAPI
from structlog.testing import capture_logs
from support.tokens import Issuer
from unit.roles.who import WHO

SERVICES = ("intake", "triage", "mediation", "followup")
# CONTRACTS §6
ROLES = frozenset(
    (
        "source_system", "police_officer", "screener", "dispatcher", "office_clerk", "committee_head", "mediator",
        "visitor", "bureau_supervisor", "city_supervisor", "partner", "ops", "auditor", "security_admin", "service",
    )
)  # fmt: skip
REPAIR = {
    "/v1/ops/heads", "/v1/ops/heads/sums", "/v1/ops/heads/slices", "/v1/ops/heads/buckets", "/v1/ops/events",
    "/v1/ops/resend", "/v1/ops/urgent", "/v1/ops/known", "/v1/ops/positions",
}  # fmt: skip
FOR_BOTH = {"/v1/ops/restore/events"}  # consumers of a restored service read what is lost and what has another number
ANY_ID = "0199aa00-0000-7000-8000-000000000000"


class Doors:
    """One service's API and what it says of itself."""

    def __init__(self, service: str, folder: Path) -> None:
        self.service, self.issuer = service, Issuer(folder)
        make_api: Callable[[Any], FastAPI] = import_module(f"{service}_svc.main").make_api
        kind = get_type_hints(make_api)["settings"]
        variables = self.issuer.environment("", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
        self.app = make_api(kind.model_validate({name.lower(): value for name, value in variables.items()}))
        self.rights: Rights = rights_of(self.app)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://door")

    async def knock(self, method: str, path: str, **bearer: str) -> httpx.Response:
        place = re.sub(r"\{[^}]*\}", ANY_ID, path)
        headers = {"If-Match": "*"} | bearer
        return await self.client.request(method, place, json={} if method == "POST" else None, headers=headers)


@pytest.fixture(params=SERVICES)
async def doors(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Doors]:
    made = Doors(request.param, tmp_path)
    with capture_logs():  # every refused connection is a line
        async with made.client:
            yield made


async def test_each_role_is_let_in_where_it_is_named_and_nowhere_else(doors: Doors) -> None:
    assert len(doors.rights) > 8
    for (method, path), named in doors.rights.items():
        for role in sorted(ROLES | {"mayor"}):
            answer = await doors.knock(method, path, **doors.issuer.bearer(role, source="hongkou-110"))
            refused = answer.status_code == 403 and answer.json()["code"] == "role_required"
            assert refused == (role not in named), f"{role}: {method} {path} → {answer.status_code}"
            assert answer.status_code != 401
            assert answer.status_code < 500 or answer.status_code == 503, f"{role}: {method} {path}: {answer.text}"


async def test_without_a_good_token_no_door_opens(doors: Doors) -> None:
    late = doors.issuer.bearer("ops", exp=1)
    for method, path in doors.rights:
        for bearer in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic b3BzOm9wcw=="}, late):
            answer = await doors.knock(method, path, **bearer)
            assert answer.status_code == 401, f"{method} {path} with {bearer}"


def test_only_roles_that_exist_are_named_and_no_door_is_open_to_all(doors: Doors) -> None:
    for (method, path), named in doors.rights.items():
        assert named, f"{method} {path} takes any token"
        assert named <= ROLES, f"{method} {path}: {named - ROLES}"


def test_who_only_looks_can_change_nothing(doors: Doors) -> None:
    changing = {key: named for key, named in doors.rights.items() if key[0] != "GET" and "/audit/verify" not in key[1]}
    for (method, path), named in changing.items():
        assert named.isdisjoint({"auditor", "partner"}), f"{method} {path}"
        if not path.startswith("/v1/ops/"):
            assert "ops" not in named, f"{method} {path}: operators tend the machine, not the disputes"


def test_who_may_change_what_is_what_was_written_by_hand(doors: Doors) -> None:
    own = {path: named for (method, path), named in doors.rights.items() if method != "GET" and "/ops/" not in path}
    assert own == {path: frozenset(roles.split()) for path, roles in WHO[doors.service].items()}


def test_the_doors_of_the_machine_are_for_the_machine_and_those_who_tend_it(doors: Doors) -> None:
    for (method, path), named in doors.rights.items():
        if path in REPAIR:
            assert named == {"service"}, f"{method} {path}"
        elif path in FOR_BOTH:
            assert named == {"service", "ops", "auditor"}, f"{method} {path}"
        elif path.startswith("/v1/ops/api-keys"):
            assert named == {"security_admin"}, f"{method} {path}"
        elif path.startswith("/v1/ops/audit"):
            assert named == {"auditor"}, f"{method} {path}"
        elif path.startswith("/v1/ops/"):
            assert named <= {"ops", "auditor"}, f"{method} {path}"
        else:
            assert "security_admin" not in named, f"{method} {path}"
