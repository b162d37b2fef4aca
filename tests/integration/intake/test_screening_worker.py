"""The linking worker with real commits: every call ends in one state, and its facts stand in the right stream."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chassis.database_errors import DatabaseUnavailable


async def states(intake: Any) -> dict[str, str]:
    return {str(row["call_id"]): row["state"] for row in await intake.rows("SELECT call_id, state FROM intake.call")}


async def test_a_plain_call_opens_the_referral_reserved_for_it(intake: Any) -> None:
    body = await intake.accepted()
    await intake.screen_all()
    row = await intake.call_row(body["call_id"])
    assert (row["state"], row["opened_at"] is not None, row["linked_to"]) == ("referred", True, None)
    ((fact, opened),) = await intake.events(body["referral_id"])
    assert fact == "referral_opened"
    assert (opened["call_id"], opened["tracking_code"]) == (body["call_id"], body["tracking_code"])
    assert opened["place"]["sealed"] is None
    (party,) = await intake.rows("SELECT party_id, call_id FROM intake.party")
    assert [one["party_id"] for one in opened["parties"]] == [str(party["party_id"])]
    assert len(await intake.rows("SELECT 1 FROM intake.outbox")) == 1


@pytest.mark.parametrize(
    ("change", "state", "block"),
    [
        ({"content": "邻居拿着菜刀在楼道里追人"}, "retained_by_police", "X_SELF_HARM"),
        ({"has_weapon": "1"}, "retained_by_police", "X_SELF_HARM"),
        ({"injured_note": "一人额头出血"}, "awaiting_screener", "X_PUBLIC_SECURITY"),
        ({"category": "770077"}, "awaiting_screener", None),
        ({"confidential": "1"}, "awaiting_screener", None),
    ],
)
async def test_what_the_rules_hold_publishes_nothing(
    intake: Any, change: dict[str, str], state: str, block: str | None
) -> None:
    call = intake.a_call(**change)
    body = (await intake.post(call)).json()
    await intake.screen_all()
    view = (await intake.get(call)).json()
    assert view["state"] == state
    assert block in [reason["block"] for reason in view["screening"]["reasons"]]
    assert await intake.events(body["referral_id"]) == []
    assert await intake.rows("SELECT 1 FROM intake.outbox") == []


async def test_a_second_run_finds_nothing(intake: Any) -> None:
    await intake.accepted()
    assert await intake.screen() == 1
    before = await intake.rows("SELECT * FROM intake.event_log")
    assert await intake.screen() == 0
    assert await intake.rows("SELECT * FROM intake.event_log") == before


async def test_the_same_caller_at_the_same_place_within_the_hour_is_a_duplicate(intake: Any) -> None:
    first = intake.a_call()
    again = first | {"call_no": first["call_no"] + "-2", "caller_phone": "+86 138-0013-8000", "content": "还在漏水。"}
    opening = (await intake.post(first)).json()
    await intake.screen_all()
    joining = (await intake.post(again | {"reported_at": "2026-03-02 10:00:00"})).json()
    await intake.screen_all()
    row = await intake.call_row(joining["call_id"])
    assert (row["state"], str(row["linked_to"]), row["link_kind"]) == ("linked", opening["referral_id"], "duplicate")
    assert [fact for fact, _ in await intake.events(joining["referral_id"])] == []
    linked = (await intake.events(opening["referral_id"]))[1]
    assert linked[0] == "call_linked"
    assert linked[1]["call_id"] == joining["call_id"]
    assert linked[1]["counters"] == {"calls": 2, "duplicates": 1, "repeats": 0}


async def test_one_second_beyond_the_hour_opens_a_referral_of_its_own(intake: Any) -> None:
    first = intake.a_call()
    await intake.post(first)
    await intake.post(first | {"call_no": "later-" + first["call_no"][:50], "reported_at": "2026-03-02 10:00:01"})
    await intake.screen_all()
    assert sorted((await states(intake)).values()) == ["referred", "referred"]


async def test_calls_of_one_key_in_one_batch_link_to_the_first(intake: Any) -> None:
    first = intake.a_call()
    bodies = [(await intake.post(first | {"call_no": f"{first['call_no'][:40]}-{n}"})).json() for n in range(4)]
    assert await intake.screen() == 4
    rows = [await intake.call_row(body["call_id"]) for body in bodies]
    assert [row["state"] for row in rows] == ["referred", "linked", "linked", "linked"]
    facts = await intake.events(bodies[0]["referral_id"])
    assert [fact for fact, _ in facts] == ["referral_opened", *["call_linked"] * 3]
    assert [body["counters"]["calls"] for _, body in facts[1:]] == [2, 3, 4]


@pytest.mark.parametrize("change", [{"caller_name": "匿名", "caller_phone": None}, {"incident_address": None}])
async def test_without_a_caller_or_a_place_nothing_links(intake: Any, change: dict[str, Any]) -> None:
    first = {name: value for name, value in (intake.a_call() | change).items() if value is not None}
    for n in range(2):
        await intake.post(first | {"call_no": f"{first['call_no'][:40]}-{n}"})
    await intake.screen_all()
    assert sorted((await states(intake)).values()) == ["referred", "referred"]


@pytest.mark.parametrize("state", ["awaiting_screener", "retained_by_police", "recalled", "returned"])
async def test_a_match_that_people_decide_makes_the_next_call_wait_too(intake: Any, state: str) -> None:
    first = intake.a_call()
    opening = (await intake.post(first)).json()
    await intake.screen_all()
    await intake.admin.execute("UPDATE intake.call SET state = $2 WHERE call_id = $1", opening["call_id"], state)
    second = first | {"call_no": first["call_no"][:40] + "-2"}
    body = (await intake.post(second)).json()
    await intake.screen_all()
    view = (await intake.get(second)).json()
    assert view["state"] == "awaiting_screener"
    assert [reason["rule"] for reason in view["screening"]["reasons"]] == ["match_undecided"]
    assert await intake.events(body["referral_id"]) == []


async def test_a_version_that_comes_before_the_screening_is_the_one_screened(intake: Any) -> None:
    call = intake.a_call()
    body = (await intake.post(call)).json()
    await intake.post(call | {"content": "对方扬言要砍人", "updated_at": "2026-03-02 09:30:00"})
    await intake.screen_all()
    assert (await intake.call_row(body["call_id"]))["state"] == "retained_by_police"


async def test_two_workers_at_once_decide_each_call_once(intake: Any) -> None:
    first = intake.a_call()
    for n in range(30):
        await intake.post(first | {"call_no": f"{first['call_no'][:40]}-{n}"})
        await intake.accepted()
    await asyncio.gather(*(intake.screen_all() for _ in range(4)))
    counts = await intake.rows("SELECT state, count(*) FROM intake.call GROUP BY state ORDER BY state")
    assert [tuple(row) for row in counts] == [("linked", 29), ("referred", 31)]
    twice = await intake.rows(
        "SELECT 1 FROM intake.event_log GROUP BY referral_id, type, causation_id HAVING count(*) > 1"
    )
    assert twice == []
    gaps = await intake.rows(
        """SELECT 1 FROM intake.event_log e JOIN intake.stream s USING (referral_id)
           GROUP BY referral_id, head HAVING count(*) <> head OR max(seq) <> head"""
    )
    assert gaps == []


async def test_posts_of_known_calls_and_screening_do_not_stop_one_another(intake: Any) -> None:
    calls = [intake.a_call() for _ in range(20)]
    for call in calls:
        await intake.post(call)

    async def correct(call: dict[str, Any], n: int) -> int:
        answer = await intake.post(call | {"content": f"改{n}", "updated_at": f"2026-03-02 10:{n:02d}:00"})
        return int(answer.status_code)

    corrections = [correct(call, n) for n in range(3) for call in calls]
    answers = await asyncio.gather(*corrections, intake.screen_all(), intake.screen_all())
    assert set(answers[:-2]) <= {200, 202}
    await intake.screen_all()
    assert set((await states(intake)).values()) == {"referred"}


async def test_a_body_that_cannot_be_opened_goes_to_a_screener_and_holds_up_nobody(intake: Any) -> None:
    broken, fine = await intake.accepted(), await intake.accepted()
    await intake.admin.execute(
        """UPDATE intake.vault SET sealed = set_byte(sealed, 30, get_byte(sealed, 30) # 1) WHERE version_id =
           (SELECT version_id FROM intake.call WHERE call_id = $1)""",
        broken["call_id"],
    )
    await intake.screen_all()
    found = await states(intake)
    assert (found[broken["call_id"]], found[fine["call_id"]]) == ("awaiting_screener", "referred")


async def test_a_call_whose_facts_the_database_refuses_goes_to_a_screener(intake: Any) -> None:
    await intake.admin.execute(
        """ALTER TABLE intake.event_log ADD CONSTRAINT planted CHECK (body->>'call_no' <> 'refuse-me') NOT VALID"""
    )
    refused = await intake.accepted(call_no="refuse-me")
    fine = [await intake.accepted() for _ in range(3)]
    await intake.screen_all()
    found = await states(intake)
    assert found[refused["call_id"]] == "awaiting_screener"
    await intake.admin.execute("ALTER TABLE intake.event_log DROP CONSTRAINT planted")
    assert {found[body["call_id"]] for body in fine} == {"referred"}


async def test_a_worker_stopped_before_its_commit_leaves_the_call_waiting_and_the_next_run_takes_it(
    intake: Any, armed: Callable[[str, str], Path]
) -> None:
    body = await intake.accepted()
    met = armed("screen.before_commit", "raise")
    with pytest.raises(Exception, match=r"screen\.before_commit"):
        await intake.screen()
    assert met.exists()
    assert (await intake.call_row(body["call_id"]))["state"] == "received"
    assert await intake.events(body["referral_id"]) == []
    await intake.screen_all()
    assert len(await intake.events(body["referral_id"])) == 1


async def test_a_post_whose_commit_nobody_heard_of_is_found_by_the_retry(
    intake: Any, armed: Callable[[str, str], Path]
) -> None:
    call = intake.a_call()
    met = armed("submit.after_commit", "raise")
    lost = await intake.post(call)
    assert met.exists()
    assert lost.status_code == 500
    again = await intake.post(call)
    assert (again.status_code, len(await intake.rows("SELECT 1 FROM intake.call"))) == (200, 1)


async def test_a_dead_backend_answers_503_with_retry_after_and_nothing_is_half_done(intake: Any) -> None:
    await intake.accepted()
    await intake.admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'intake-api'"
    )
    call = intake.a_call()
    answers = [await intake.post(call) for _ in range(3)]
    assert {answer.status_code for answer in answers} <= {200, 202, 503}
    assert all(answer.headers.get("Retry-After") for answer in answers if answer.status_code == 503)
    assert answers[-1].status_code in {200, 202}


async def test_the_ledger_counts_every_accepted_call_once(intake: Any) -> None:
    first = intake.a_call()
    for n in range(3):
        await intake.post(first | {"call_no": f"{first['call_no'][:40]}-{n}"})
    await intake.accepted(has_danger="1")
    await intake.screen_all()
    await intake.accepted()
    answer = await intake.client.get("/v1/ops/ledger", headers=intake.issuer.bearer("ops"))
    assert answer.json()["counts"] == {
        "accepted": 5,
        "freed": 0,
        "halted": 0,
        "by_state": {"linked": 2, "received": 1, "referred": 1, "retained_by_police": 1},
        "opened": 1,
        "received": 1,
        "unopened_by_state": {"linked": 2, "received": 1, "referred": 0, "retained_by_police": 1},
    }


async def test_a_lost_database_is_an_outage_to_the_worker(intake: Any) -> None:
    await intake.accepted()
    await intake.screen_all()
    await intake.admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'intake-worker'"
    )
    with contextlib.suppress(DatabaseUnavailable):
        await intake.screen()
    await intake.accepted()
    await intake.screen_all()
    assert set((await states(intake)).values()) == {"referred"}
