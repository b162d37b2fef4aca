"""Every role at every door: who is let in is typed here by hand, all others are told which role it takes."""

from __future__ import annotations

from typing import Any

import pytest
from chassis.access import rights_of

READERS = {
    "source_system", "police_officer", "screener", "dispatcher", "bureau_supervisor", "city_supervisor", "ops",
    "auditor", "service",
}  # fmt: skip
ROLES = READERS | {"office_clerk", "committee_head", "mediator", "visitor", "partner", "security_admin"}
CALL = "/v1/calls/{source}/{call_no}"
RIGHTS = {
    ("POST", "/v1/calls"): {"source_system"},
    ("GET", "/v1/calls"): READERS,
    ("GET", CALL): READERS,
    ("GET", f"{CALL}/content"): {"police_officer", "screener"},
    ("GET", f"{CALL}/feedback"): READERS,
    ("GET", f"{CALL}/clocks"): READERS,
    ("POST", f"{CALL}/screen"): {"screener", "police_officer"},
    ("POST", f"{CALL}/blocks"): {"police_officer"},
    ("POST", f"{CALL}/blocks/{{code}}/lift"): {"police_officer", "screener"},
    ("POST", f"{CALL}/return-decision"): {"police_officer"},
    ("POST", f"{CALL}/withdraw"): {"source_system", "police_officer"},
    ("POST", f"{CALL}/feedback/{{milestone}}/acknowledge"): {"source_system"},
    ("POST", f"{CALL}/feedback/{{milestone}}/waive"): {"bureau_supervisor", "city_supervisor"},
    ("GET", "/v1/texts/{text_id}"): {"police_officer", "screener", "bureau_supervisor", "city_supervisor"},
}


def test_the_table_by_hand_names_every_door_but_those_of_operators(intake: Any) -> None:
    doors = {door: set(roles) for door, roles in rights_of(intake.app).items() if not door[1].startswith("/v1/ops/")}
    assert doors == RIGHTS


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_a_role_opens_its_own_doors_and_no_other(intake: Any, role: str) -> None:
    call, _ = await intake.posted()
    filled = {"source": call["source"], "call_no": call["call_no"], "code": "X_DV", "milestone": "signed"}
    filled["text_id"] = "01997b3c-6a0f-7d52-8e1b-3c5a7d9e1f02"
    headers = intake.issuer.bearer(role, source=call["source"]) | {"If-Match": "*"}
    for (method, path), roles in RIGHTS.items():
        body: dict[str, Any] = {"json": {}} if method == "POST" else {}
        answer = await intake.client.request(method, path.format(**filled), headers=headers, **body)
        is_refused = answer.status_code == 403 and answer.json()["code"] == "role_required"
        assert is_refused == (role not in roles), (method, path, answer.text)


async def test_without_a_token_no_door_opens(intake: Any) -> None:
    for method, path in RIGHTS:
        assert (await intake.client.request(method, path)).status_code == 401, path
