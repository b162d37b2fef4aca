"""The closing gate over HTTP and in the database, as the serving role: each condition, and both of its sides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from chassis.ids import new_id
from followup_svc.store.closing_gate import REFUSED
from referral_schemas.triage import End
from support.consumers import classified, opened
from support.watching import (
    Desk,
    a_visit,
    blocked,
    delivered,
    effective,
    ended,
    graded,
    lifted,
    performed,
    signed,
)

CLOSED = "cn.liandong.followup.referral_closed.v1"
CLOSE = "UPDATE followup.watch SET state = 'closed', closed_at = now() WHERE referral_id = $1"
Spoil = Callable[[Desk, UUID], Awaitable[None]]


async def test_a_referral_whose_gate_is_passed_is_closed_once_and_everybody_is_told(desk: Desk) -> None:
    referral = await desk.ready()
    answer = await desk.close(referral)
    assert (answer.status_code, answer.json()["state"], answer.json()["outcome"]) == (200, "closed", "self_resolved")
    (event,) = await desk.consumer.rows(
        "SELECT body FROM followup.event_log WHERE referral_id = $1 AND type = $2", referral, CLOSED
    )
    assert event["body"]["positions"] == {"intake": 2, "triage": 3, "mediation": 0}
    checks = await desk.consumer.rows(
        "SELECT producer, head FROM followup.gate_check WHERE referral_id = $1 ORDER BY producer", referral
    )
    assert checks == [
        {"producer": "intake", "head": 2}, {"producer": "mediation", "head": 0}, {"producer": "triage", "head": 3},
    ]  # fmt: skip
    notices = await desk.consumer.rows(
        "SELECT type, version FROM followup.notice WHERE referral_id = $1 ORDER BY version", referral
    )
    assert [row["type"].split(".")[3] for row in notices] == ["opened", "dispatched", "ended", "closed"]
    again = await desk.close(referral)
    assert (again.status_code, again.json()["code"], again.json()["allowed"]) == (409, "transition_refused", ["reopen"])


async def test_a_refused_closing_lists_every_condition_that_is_not_met(desk: Desk) -> None:
    referral = await desk.dispatched(grade="red")
    await desk.state(referral, signed(), blocked())
    answer = await desk.close(referral)
    assert (answer.status_code, answer.json()["code"]) == (409, "closing_refused")
    unmet = {one["code"]: one for one in answer.json()["unmet"]}
    assert sorted(unmet) == ["grade_too_high", "halted", "milestone_untold", "outcome_unknown"]
    assert all(one["zh"] and one["en"] and one["basis"] for one in unmet.values())
    shown = (await desk.watch(referral))["obstacles"]
    assert [one["code"] for one in shown] == list(unmet)


async def _open_visit(desk: Desk, referral: UUID) -> None:
    await desk.consumer.rows("UPDATE followup.visit SET state = 'due' WHERE referral_id = $1 RETURNING 1", referral)


async def _breach(desk: Desk, referral: UUID) -> None:
    await _put_obligation(desk, referral, "breached", None)


async def _overdue(desk: Desk, referral: UUID) -> None:
    await _put_obligation(desk, referral, "open", date(2026, 1, 2))


async def _put_obligation(desk: Desk, referral: UUID, state: str, due: date | None) -> None:
    await desk.consumer.rows(
        """INSERT INTO followup.obligation (obligation_id, referral_id, cycle, kind, due_on, due_at, state)
           VALUES ($1, $2, 1, 'payment', $3, ($3::date + 1)::timestamptz, $4) RETURNING 1""",
        new_id(), referral, due, state,
    )  # fmt: skip


async def _raise_grade(desk: Desk, referral: UUID) -> None:
    await desk.consumer.rows(
        """UPDATE followup.noted SET grade = 'orange', grades = '[["2026-01-01T00:00:00+00:00","orange"]]'
           WHERE referral_id = $1 RETURNING 1""",
        referral,
    )


async def _propose_grade(desk: Desk, referral: UUID) -> None:
    await desk.consumer.rows(
        "UPDATE followup.watch SET proposed_grade = 'red' WHERE referral_id = $1 RETURNING 1", referral
    )


async def _halt(desk: Desk, referral: UUID) -> None:
    await desk.consumer.rows(
        """INSERT INTO followup.halt (referral_id, producer, seq, at) VALUES ($1, 'intake', 9, now()) RETURNING 1""",
        referral,
    )


async def _await_milestone(desk: Desk, referral: UUID) -> None:
    await desk.consumer.rows("UPDATE followup.milestone SET awaits = true WHERE referral_id = $1 RETURNING 1", referral)


async def _forget_outcome(desk: Desk, referral: UUID) -> None:
    await desk.consumer.rows("UPDATE followup.watch SET outcome = NULL WHERE referral_id = $1 RETURNING 1", referral)


async def _fail_event(desk: Desk, referral: UUID) -> None:
    await _park(desk, referral, "failed")


async def _wait_event(desk: Desk, referral: UUID) -> None:
    await _park(desk, referral, "waiting")


async def _park(desk: Desk, referral: UUID, reason: str) -> None:
    await desk.consumer.rows(
        """INSERT INTO followup.parked (consumer, producer, referral_id, seq, event_id, type, reason, detail, needs,
               headers, body) VALUES ('acting', 'triage', $1, 9, $2, 'x', $3, '', 'triage:8', '{}', '') RETURNING 1""",
        referral, new_id(), reason,
    )  # fmt: skip


async def _lack(desk: Desk, referral: UUID) -> None:
    await desk.consumer.rows(
        """INSERT INTO followup.lacking (consumer, producer, referral_id, upto, state)
           VALUES ('acting', 'mediation', $1, 1, 'real') RETURNING 1""",
        referral,
    )


async def _distrust(desk: Desk, referral: UUID) -> None:
    await desk.consumer.rows(
        """INSERT INTO followup.comparison (consumer, producer, distrusted) VALUES ('acting', 'triage', 'restored')
           RETURNING 1"""
    )


async def _be_silent(desk: Desk, referral: UUID) -> None:
    desk.producers.silent.add("mediation")


async def _be_ahead(desk: Desk, referral: UUID) -> None:
    desk.producers.heads["mediation", referral] = (1, new_id())


async def _be_another(desk: Desk, referral: UUID) -> None:
    desk.producers.heads["triage", referral] = (desk.producers.heads["triage", referral][0], new_id())


async def _be_old(desk: Desk, referral: UUID) -> None:
    desk.producers.age = timedelta(minutes=5, seconds=1)


RULES: dict[str, tuple[Spoil, str]] = {
    "visit": (_open_visit, "visit_open"),
    "breach": (_breach, "obligation_overdue"),
    "overdue": (_overdue, "obligation_overdue"),
    "grade": (_raise_grade, "grade_too_high"),
    "proposed": (_propose_grade, "grade_too_high"),
    "halt": (_halt, "halted"),
    "milestone": (_await_milestone, "milestone_untold"),
    "outcome": (_forget_outcome, "outcome_unknown"),
    "failed": (_fail_event, "event_held_up"),
}
WAITS: dict[str, tuple[Spoil, str]] = {
    "waiting": (_wait_event, "event_waiting"),
    "missing": (_lack, "event_missing"),
    "distrusted": (_distrust, "producer_distrusted"),
    "silent": (_be_silent, "producer_silent"),
    "ahead": (_be_ahead, "position_behind"),
    "another": (_be_another, "position_behind"),
    "old": (_be_old, "producer_silent"),
}


@pytest.mark.parametrize("name", RULES)
async def test_one_rule_not_met_refuses_and_the_database_refuses_it_too(desk: Desk, name: str) -> None:
    spoil, code = RULES[name]
    referral = await desk.ready()
    await spoil(desk, referral)
    answer = await desk.close(referral)
    assert (answer.status_code, [one["code"] for one in answer.json()["unmet"]]) == (409, [code])
    assert await _force(desk, referral) == [code]
    assert (await desk.watch(referral))["state"] == "anchored"


@pytest.mark.parametrize("name", WAITS)
async def test_what_time_cures_is_waited_for_and_the_database_refuses_meanwhile(desk: Desk, name: str) -> None:
    spoil, code = WAITS[name]
    referral = await desk.ready()
    await spoil(desk, referral)
    answer = await desk.close(referral)
    assert (answer.status_code, [one["code"] for one in answer.json()["waits_for"]]) == (202, [code])
    seen = await desk.watch(referral)
    assert (seen["state"], seen["closing"]["state"]) == ("anchored", "waiting")
    assert await _force(desk, referral) == [code]


async def test_without_a_spoiler_the_database_lets_the_same_statement_pass(desk: Desk) -> None:
    """The other side of every condition: what `_force` tries is refused for its condition alone."""
    assert await _force(desk, await desk.ready()) == []


async def _force(desk: Desk, referral: UUID) -> list[str]:
    """As code with the gate forgotten would: as the serving role, everything in one transaction."""
    asked = await desk.producers.ask(desk.consumer, referral)
    check = """INSERT INTO followup.gate_check VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (referral_id, producer) DO UPDATE SET head = $3, event_id = $4, asked_at = $5"""
    checks = [(check, referral, one.producer, one.head, one.event_id, one.asked_at) for one in asked]
    return await _in_one_transaction(desk, *checks, (CLOSE, referral))


async def _in_one_transaction(desk: Desk, *statements: tuple[Any, ...]) -> list[str]:
    """What the database has against committing it."""
    try:
        async with desk.consumer.database.transaction() as connection:
            for statement, *arguments in statements:
                await connection.execute(statement, *arguments)
    except asyncpg.PostgresError as error:
        if error.sqlstate != REFUSED:
            raise
        return str(error.as_dict()["detail"]).split(",")
    return []


@pytest.mark.parametrize(
    "attempt",
    [
        "ALTER TABLE followup.watch DISABLE TRIGGER watch_closes",
        "ALTER TABLE followup.watch DISABLE TRIGGER ALL",
        "DROP TRIGGER watch_closes ON followup.watch",
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION followup.judge_closing() RETURNS trigger "
        "LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE OR REPLACE FUNCTION followup.closing_faults(uuid, integer, text, text) RETURNS text[] "
        "LANGUAGE sql AS $$ SELECT '{}'::text[] $$",
        "TRUNCATE followup.visit",
        "ALTER TABLE followup.watch OWNER TO followup_app",
        "ALTER TABLE followup.visit RENAME TO visits",
    ],
)
async def test_the_serving_role_cannot_switch_the_gate_off(desk: Desk, attempt: str) -> None:
    async with desk.consumer.database.connection() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(attempt)


@pytest.mark.parametrize("timing", ["SET CONSTRAINTS ALL IMMEDIATE", "SET CONSTRAINTS ALL DEFERRED"])
async def test_the_gate_stands_whenever_it_is_made_to_look(desk: Desk, timing: str) -> None:
    referral = await desk.self_resolved()
    assert "visit_open" in await _in_one_transaction(desk, (timing,), (CLOSE, referral))


async def test_tables_of_the_same_name_do_not_deceive_the_gate(desk: Desk) -> None:
    referral = await desk.self_resolved()
    deceit = ("CREATE TEMP TABLE visit (LIKE followup.visit) ON COMMIT DROP",)
    path = ("SET LOCAL search_path = pg_temp, followup",)
    assert "visit_open" in await _in_one_transaction(desk, deceit, path, (CLOSE, referral))


async def test_a_watch_cannot_begin_closed(desk: Desk) -> None:
    begun = """INSERT INTO followup.watch (referral_id, state, cycle, opened_at, hop)
        VALUES ($1, 'closed', 1, now(), 1)"""
    assert "outcome_unknown" in await _in_one_transaction(desk, (begun, new_id()))


async def test_a_closing_that_waits_is_done_by_the_worker_when_the_producer_answers(desk: Desk) -> None:
    referral = await desk.ready()
    desk.producers.silent.add("triage")
    first = await desk.close(referral)
    assert first.status_code == 202
    await desk.closings.try_one(referral)
    waiting = (await desk.watch(referral))["closing"]
    assert (waiting["state"], waiting["tries"]) == ("waiting", 2)
    desk.producers.silent.clear()
    await _hurry(desk)
    await desk.closings.try_waiting()
    seen = await desk.watch(referral)
    assert (seen["state"], seen["closing"]["state"]) == ("closed", "done")
    causes = await desk.consumer.rows(
        """SELECT a.action FROM followup.event_log e JOIN followup.audit a ON a.id = e.causation_id
           WHERE e.referral_id = $1 AND e.type = $2""",
        referral,
        CLOSED,
    )
    assert causes == [{"action": "close_referral"}], "it names who asked"
    assert await desk.closings.try_waiting() == 0, "nothing is left to try"


async def test_what_arrives_while_a_closing_waits_is_looked_at(desk: Desk) -> None:
    referral = await desk.ready()
    desk.producers.silent.add("triage")
    await desk.close(referral)
    await desk.state(referral, blocked())
    desk.producers.silent.clear()
    await _hurry(desk)
    await desk.closings.try_waiting()
    seen = await desk.watch(referral)
    assert (seen["state"], seen["closing"]["state"]) == ("anchored", "refused")
    assert [one["code"] for one in seen["closing"]["waits_for"]] == ["halted"]
    await desk.state(referral, lifted(3))
    assert (await desk.close(referral)).status_code == 200


async def _hurry(desk: Desk) -> None:
    await desk.consumer.rows("UPDATE followup.closing_request SET next_try_at = now() RETURNING 1")


async def test_a_position_behind_is_waited_for_and_reached(desk: Desk) -> None:
    """The worst case: the fact that would forbid the closing is on its way."""
    referral = await desk.ready()
    await desk.state(referral, graded("red"), apply=False)
    answer = await desk.close(referral)
    assert (answer.status_code, answer.json()["waits_for"][0]["code"]) == (202, "position_behind")


async def test_an_outcome_that_contradicts_what_is_known_is_refused(desk: Desk) -> None:
    referral = await desk.ready()
    answer = await desk.post(f"/v1/watches/{referral}/close", {"outcome": "agreed"})
    assert (answer.status_code, answer.json()["code"]) == (409, "outcome_contradicts")
    answer = await desk.post(f"/v1/watches/{referral}/close", {"outcome": "self_resolved"})
    assert answer.status_code == 200


async def test_the_auditor_finds_nothing_where_the_gate_was_passed(desk: Desk) -> None:
    referral = await desk.ready()
    await desk.close(referral)
    answer = await desk.get("/v1/ops/closings/audit", role="auditor")
    assert str(referral) not in {one["referral_id"] for one in answer.json()["violations"]}


async def test_the_auditor_finds_a_closing_that_went_past_the_gate(desk: Desk, shared_url: str) -> None:
    """A superuser disables the trigger, as nobody else can: the planted violation."""
    referral = await desk.self_resolved("red")
    await desk.state(referral, blocked(), signed())
    admin = await asyncpg.connect(shared_url)
    try:
        await admin.execute("ALTER TABLE followup.watch DISABLE TRIGGER USER")
        await admin.execute(
            "UPDATE followup.watch SET state = 'closed', closed_at = now() WHERE referral_id = $1", referral
        )
        await admin.execute("ALTER TABLE followup.watch ENABLE TRIGGER USER")
    finally:
        await admin.close()
    answer = await desk.get("/v1/ops/closings/audit", role="ops")
    found = {one["code"] for one in answer.json()["violations"] if one["referral_id"] == str(referral)}
    assert found >= {"closing_not_stated", "visit_open", "halted", "milestone_untold", "grade_too_high",
                     "heads_not_asked"}  # fmt: skip


async def test_an_agreement_with_promises_closes_after_proof(desk: Desk) -> None:
    referral, promise = await desk.dispatched(), new_id()
    (fact,) = await desk.state(referral, effective([(promise, date(2026, 2, 6))]))
    await desk.state(referral, delivered(fact))
    await desk.make_visits(referral)
    refused = await desk.close(referral)
    assert [one["code"] for one in refused.json()["unmet"]] == ["obligation_overdue"]
    await desk.state(referral, performed(promise))
    assert (await desk.close(referral)).json()["outcome"] == "agreed"


async def test_both_ends_of_a_visit_are_needed(desk: Desk) -> None:
    """One of two made is not enough."""
    referral = await desk.self_resolved()
    await desk.fire(referral)
    visits = (await desk.watch(referral))["visits"]
    assert [visit["state"] for visit in visits] == ["due", "due"]
    await desk.post(f"/v1/visits/{visits[0]['visit_id']}/record", a_visit())
    assert [one["code"] for one in (await desk.close(referral)).json()["unmet"]] == ["visit_open"]
    await desk.post(f"/v1/visits/{visits[1]['visit_id']}/waive", {"reason": "moved_away"}, "bureau_supervisor")
    assert (await desk.close(referral)).status_code == 200


async def test_an_end_before_any_office_is_watched_too(desk: Desk) -> None:
    referral = new_id()
    await desk.state(referral, opened(), classified(), ended(End.TO_OTHER_BODY, hop=0))
    found = (await desk.get(f"/v1/watches/{referral}", scope="31", role="city_supervisor")).json()
    assert (found["state"], found["outcome"], len(found["visits"])) == ("anchored", "to_other_body", 1)
