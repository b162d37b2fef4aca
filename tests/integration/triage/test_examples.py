"""Every body that the documents show is sent as it stands, to a referral that waits for it."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from integration.triage.people import Desk, a_dispatched_one, one_under_review
from support.consumers import Consumer
from triage_svc.main import make_api

PARTIES = [{"role": "applicant"}, {"role": "respondent"}]
RETURN = {"reason": "wrong_area", "addressee": "district", "note": "不在本辖区"}
# command → who sends it, and what an office has done before
COMMANDS: dict[str, tuple[str, list[tuple[str, dict[str, Any]]]]] = {
    "sign": ("office_clerk", []),
    "contact": ("office_clerk", [("sign", {})]),
    "request-return": ("office_clerk", [("sign", {})]),
    "return-decision": ("dispatcher", [("sign", {}), ("request-return", RETURN)]),
    "hand-over": ("office_clerk", [("sign", {}), ("contact", {"channel": "phone", "parties": PARTIES})]),
    "no-consent": ("office_clerk", [("sign", {}), ("contact", {"channel": "phone", "parties": PARTIES})]),
    "self-resolved": ("office_clerk", [("sign", {}), ("contact", {"channel": "phone", "parties": PARTIES})]),
    "grade": ("dispatcher", []),
}
FROM_REVIEW = ("dispatch", "send-back", "send-to-other-body")


@pytest.fixture
async def app(triage: Consumer) -> FastAPI:
    return make_api(triage.settings)


@pytest.fixture
async def desk(triage: Consumer, app: FastAPI) -> AsyncIterator[Desk]:
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://triage") as client,
    ):
        yield Desk(client, triage)


def example(app: FastAPI, command: str) -> dict[str, Any]:
    document = app.openapi()
    body = document["paths"][f"/v1/referrals/{{referral_id}}/{command}"]["post"]["requestBody"]
    name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    shown: dict[str, Any] = document["components"]["schemas"][name]["examples"][0]
    return shown


async def test_every_command_takes_the_body_that_its_page_shows(desk: Desk, app: FastAPI) -> None:
    commands = {path.rpartition("/")[2] for path, item in app.openapi()["paths"].items() if "post" in item}
    ours = {command for command in commands if f"/v1/referrals/{{referral_id}}/{command}" in app.openapi()["paths"]}
    assert ours == {*COMMANDS, *FROM_REVIEW}
    for command in sorted(ours):
        role, before = COMMANDS.get(command, ("dispatcher", []))
        referral: UUID = await (one_under_review if command in FROM_REVIEW else a_dispatched_one)(desk.triage)
        for earlier, body in before:
            await desk.done(referral, earlier, body)
        answer = await desk.post(referral, command, example(app, command), role)
        assert answer.status_code == 200, (command, answer.text)
        assert answer.headers["ETag"] == f'"{answer.json()["version"]}"'
