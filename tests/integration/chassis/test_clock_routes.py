"""`…/clocks`: everything that decided an instant is shown to those in whose area the referral is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
from chassis.app import create_app
from chassis.ids import new_id
from chassis.problems import Problem
from chassis.timers import clock_routes
from chassis.workdays import load_calendar
from support.timed import SCHEMA, timed
from support.tokens import Issuer

HERE, SOMEWHERE_ELSE = "31/310109/310109010", "31/310110"


async def test_each_clock_shows_its_rule_its_calendar_its_pauses_and_when_it_fires(
    database: str, tmp_path: Path
) -> None:
    issuer, known = Issuer(tmp_path), new_id()

    async def scope_of(_: asyncpg.Connection, referral_id: UUID) -> str | None:
        if referral_id != known:
            raise Problem(404, "referral_not_opened", "没有这个分流单。", "There is no such referral.")
        return HERE

    async with timed(database) as toy:
        start = datetime(2026, 12, 30, 2, tzinfo=UTC)
        async with toy.units.begin([known]) as work:
            work.start_clock(known, "limit", "2wd", rule="limits-2026.1", key="1", start=start)
            work.start_clock(known, "sign_for", "30min", rule="clocks-2026.1")
            work.keep()
            work.pause(known, "halted", clocks=["sign_for"])
            work.keep()
            work.start_clock(known, "first_contact", "2nh", rule="clocks-2026.1")
            work.keep()
            work.meet(known, "first_contact")
            stopped_at = work.now
        app = create_app(
            "玩具", "Toy", settings=issuer.settings(), checks={},
            routers=[clock_routes(toy.database, SCHEMA, ["office_clerk"], scope_of)],
        )  # fmt: skip
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://toy") as client:

            async def ask(referral_id: UUID, scope: str = HERE, role: str = "office_clerk") -> httpx.Response:
                headers = issuer.bearer(role, scope_path=scope)
                return await client.get(f"/v1/referrals/{referral_id}/clocks", headers=headers)

            answer = (await ask(known)).json()
            assert (await ask(known, SOMEWHERE_ELSE)).json()["code"] == "out_of_scope"
            assert (await ask(new_id())).json()["code"] == "referral_not_opened"
            assert (await ask(known, role="ops")).status_code == 403

    limit, sign_for, first_contact = (
        next(clock for clock in answer["clocks"] if clock["clock"] == name)
        for name in ("limit", "sign_for", "first_contact")
    )
    assert answer["clocks"][0] == limit  # the next to fire comes first
    assert (limit["rule"], limit["key"], limit["span"]) == ("limits-2026.1", "1", "2wd")
    assert limit["calendar"] == f"{load_calendar().version}/chinesecalendar+weekends"
    assert (limit["warning"], limit["fires_at"]) == ("weekends_only", "2027-01-01T16:00:00Z")
    assert (sign_for["state"], sign_for["fires_at"], sign_for["warning"]) == ("paused", None, None)
    (pause,) = sign_for["pauses"]
    assert (pause["reason"], pause["until"]) == ("halted", None)
    assert datetime.fromisoformat(pause["since"]) == stopped_at
    assert (first_contact["state"], first_contact["fires_at"]) == ("met", None)
    assert datetime.fromisoformat(first_contact["ended_at"]) == stopped_at
