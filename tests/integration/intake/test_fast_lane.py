"""The fast lane answers what the app answers: the same status, body and headers, whatever comes."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from chassis.fast_lane import FastLane
from fastapi import FastAPI
from intake_svc.api.routes import SUBMIT_PATH

JSON = {"Content-Type": "application/json"}


def odd_requests(intake: Any) -> dict[str, tuple[dict[str, str], bytes]]:
    own = JSON | intake.issuer.bearer("source_system", source="hongkou-110")
    call = json.dumps(intake.a_call()).encode()
    return {
        "no token": (JSON, call),
        "another scheme": (JSON | {"Authorization": "Basic AAAA"}, call),
        "bearer without a token": (JSON | {"Authorization": "Bearer"}, call),
        "no valid token": (JSON | {"Authorization": "Bearer x.y.z"}, call),
        "another role": (JSON | intake.issuer.bearer("mediator"), call),
        "another source": (JSON | intake.issuer.bearer("source_system", source="feed"), call),
        "no JSON": (own, b"{"),
        "nothing": (own, b""),
        "a list": (own, b"[]"),
        "deep": (own, b"[" * 200 + b"]" * 200),
        "another type": (own | {"Content-Type": "text/plain"}, call),
        "too large": (own, b'{"source": "' + b"a" * 300_000 + b'"}'),
        "a field that is wrong": (own, json.dumps(intake.a_call(reported_at="yesterday")).encode()),
        "a field that is missing": (own, json.dumps(intake.a_call(content=None)).encode()),
        "NUL": (own, json.dumps(intake.a_call(content="a\x00b")).encode()),
    }


async def answers_of(app: Any, headers: dict[str, str], body: bytes) -> tuple[int, Any, dict[str, str]]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://intake") as client:
        answer = await client.post(SUBMIT_PATH, content=body, headers=headers)
    told = answer.json()
    told.pop("instance", None)
    kept = {name: value for name, value in answer.headers.items() if name not in ("x-request-id", "content-length")}
    assert answer.headers["x-request-id"]
    return answer.status_code, told, kept


async def test_what_the_app_refuses_the_lane_refuses_in_the_same_words(intake: Any) -> None:
    lane = FastLane(intake.app, SUBMIT_PATH)
    for name, (headers, body) in odd_requests(intake).items():
        by_app, by_lane = [await answers_of(app, headers, body) for app in (intake.app, lane)]
        assert by_app == by_lane, name
        assert 400 <= by_lane[0] < 500, name


async def test_what_the_lane_takes_the_app_repeats_and_the_other_way_round(intake: Any) -> None:
    lane = FastLane(intake.app, SUBMIT_PATH)
    headers = JSON | intake.issuer.bearer("source_system", source="hongkou-110")
    for first, second in ((lane, intake.app), (intake.app, lane)):
        body = json.dumps(intake.a_call(colour="blue")).encode()
        new, again = await answers_of(first, headers, body), await answers_of(second, headers, body)
        assert (new[0], again[0]) == (202, 200)
        assert new[1] == again[1]
        assert new[2] == again[2]


async def test_everything_else_goes_to_the_app(intake: Any) -> None:
    lane = FastLane(intake.app, SUBMIT_PATH)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(lane), base_url="http://intake") as client:
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get(SUBMIT_PATH)).status_code == 401
        assert (await client.put(SUBMIT_PATH, json={})).status_code == 405


def test_a_lane_without_its_route_does_not_start() -> None:
    with pytest.raises(LookupError):
        FastLane(FastAPI(), SUBMIT_PATH)
