"""Who sees which case, and how lists are turned page by page."""

from typing import Any
from uuid import UUID

import pytest
from chassis.ids import new_id
from referral_schemas.triage import Category
from support.consumers import opened
from support.mediation_desk import Desk, Dispute, block


async def listed(desk: Desk, query: str = "", *roles: str, scope: str = "31") -> list[UUID]:
    found = await desk.get(f"/v1/cases?{query}", *roles, scope=scope)
    assert found.status_code == 200, found.text
    return [UUID(one["referral_id"]) for one in found.json()["items"]]


async def test_the_list_holds_the_cases_of_one_s_area_by_filters(desk: Desk) -> None:
    one, two, three = [await desk.dispute() for _ in range(3)]
    await one.accepted()
    await one.do("assign", {"mediator_codes": ["M-007"], "chosen_by": "parties"})
    await two.tell(block())
    ids = [each.referral_id for each in (one, two, three)]
    assert await listed(desk) == ids
    assert await listed(desk, scope="31/310109/310109009") == []
    assert await listed(desk, scope="31/310109/310109010") == ids
    assert await listed(desk, "state=assigned") == ids[:1]
    assert await listed(desk, "mediator=M-007") == ids[:1]
    assert await listed(desk, "committee_code=310109-YTW") == []
    assert await listed(desk, "halted=true") == ids[1:2]
    assert await listed(desk, "halted=false") == [ids[0], ids[2]]
    assert await listed(desk, "overdue=true") == []


async def test_pages_show_every_case_once(desk: Desk) -> None:
    disputes = [await desk.dispute() for _ in range(5)]
    seen: list[Any] = []
    after = ""
    while True:
        page = (await desk.get(f"/v1/cases?limit=2{after}", scope="31")).json()
        seen += [UUID(one["referral_id"]) for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == [one.referral_id for one in disputes]
    assert (await desk.get("/v1/cases?after=nonsense")).json()["code"] == "bad_cursor"


async def test_a_case_outside_one_s_area_is_neither_read_nor_changed(desk: Desk) -> None:
    dispute = await desk.dispute()
    elsewhere = desk.consumer.issuer.bearer("committee_head", scope_path="31/310109/310109009")
    assert (await desk.get(dispute.path, scope="31/310109/310109009")).json()["code"] == "out_of_scope"
    assert (await dispute.ask("accept", {}, **elsewhere)).status_code == 403
    assert (await desk.get(f"{dispute.path}/clocks", scope="31/310109/310109009")).status_code == 403


@pytest.mark.parametrize("command", ["accept", "assign", "seal", "file", "hold-invalid", "reopen", "extend"])
async def test_what_the_committee_decides_is_not_a_mediator_s(desk: Desk, command: str) -> None:
    dispute = await desk.dispute()
    mediator = desk.consumer.issuer.bearer("mediator", scope_path="31/310109/310109010")
    assert (await dispute.ask(command, {}, **mediator)).json()["code"] == "role_required"


async def test_what_is_not_there_is_said_to_be_so(desk: Desk) -> None:
    nothing, noted = Dispute(desk), Dispute(desk)
    await noted.tell(opened())
    assert (await desk.get(nothing.path)).json()["code"] == "referral_not_opened"
    assert (await desk.get(noted.path)).json()["code"] == "case_not_opened"
    assert (await noted.refused("accept", status=404))["code"] == "case_not_opened"
    assert (await desk.get(f"{noted.path}/clocks")).status_code == 404
    dispute = await desk.dispute()
    await dispute.effective()
    problem = await dispute.refused(f"obligations/{new_id()}/performed", status=409)
    assert problem["code"] == "transition_refused"


async def test_an_unknown_obligation_is_404(desk: Desk) -> None:
    dispute = await desk.dispute(category=Category.MEDICAL)
    await dispute.effective(7)
    problem = await dispute.refused(f"obligations/{new_id()}/performed", status=404)
    assert problem["code"] == "obligation_not_found"
