"""After a closing: a person reopens, or a fact that came late does so by rule and raises an alarm."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from chassis.ids import new_id
from referral_schemas import intake, mediation
from referral_schemas.agreements import FoundBy
from referral_schemas.envelope import PublicEvent
from referral_schemas.intake import LinkKind
from structlog.testing import capture_logs
from support.consumers import AT, linked
from support.watching import Desk, delivered, effective, ended

BUREAU = "bureau_supervisor"
REOPEN = {"target": "mediation", "reason": "agreement_not_kept", "note": "对方仍未履行。"}


async def closed(desk: Desk) -> UUID:
    referral = await desk.ready()
    assert (await desk.close(referral)).status_code == 200
    return referral


async def test_a_person_with_the_right_reopens_what_is_closed_and_nothing_else(desk: Desk) -> None:
    referral = await desk.ready()
    path = f"/v1/watches/{referral}/reopen"
    assert (await desk.post(path, REOPEN, BUREAU)).json()["allowed"] == ["close"]
    await desk.close(referral)
    assert (await desk.post(path, REOPEN, "visitor")).status_code == 403
    assert (await desk.post(path, REOPEN | {"reason": "whim"}, BUREAU)).json()["code"] == "reason_not_listed"
    answer = await desk.post(path, REOPEN, BUREAU)
    assert (answer.json()["state"], answer.json()["cycle"], answer.json()["outcome"]) == ("watching", 2, None)
    assert await _reopenings(desk, referral) == [(2, "mediation", "agreement_not_kept")]


async def test_the_next_round_has_a_plan_and_a_gate_of_its_own(desk: Desk) -> None:
    referral = await closed(desk)
    await desk.post(f"/v1/watches/{referral}/reopen", REOPEN, BUREAU)
    assert [one["code"] for one in (await desk.close(referral)).json()["unmet"]] == ["outcome_unknown"]
    (fact,) = await desk.state(referral, effective())
    await desk.state(referral, delivered(fact))
    assert [one["code"] for one in (await desk.close(referral)).json()["unmet"]] == ["visit_open"]
    await desk.make_visits(referral)
    assert (await desk.close(referral)).json()["outcome"] == "agreed"
    states = [row["type"].split(".")[3] for row in await _notices(desk, referral)]
    assert states == ["opened", "dispatched", "ended", "closed", "reopened", "agreed", "closed"]


def repeat() -> intake.CallLinked:
    return linked(calls=2).model_copy(update={"kind": LinkKind.REPEAT})


LATE: dict[str, tuple[PublicEvent, str, str, str]] = {
    "repeat": (repeat(), "triage", "late_repeat", "watching"),
    "breach": (
        mediation.ObligationBreached(obligation_ids=(new_id(),), found_by=FoundBy.PARTY),
        "mediation", "late_obligation_breached", "watching",
    ),
    "agreement": (effective(), "mediation", "late_agreement_effective", "anchored"),
    "ended": (ended(hop=2), "triage", "late_referral_ended", "anchored"),
    "terminated": (
        mediation.CaseTerminated(reason="no_agreement", remedies_informed_at=AT),
        "mediation", "late_case_terminated", "anchored",
    ),
    "reopened": (
        mediation.CaseReopened(reason="held_invalid", cycle=2), "mediation", "late_case_reopened", "watching",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LATE)
async def test_a_late_fact_reopens_by_rule_and_raises_an_alarm(desk: Desk, name: str) -> None:
    event, target, reason, state = LATE[name]
    referral = await closed(desk)
    with capture_logs() as logs:
        await desk.state(referral, event)
    seen = await desk.watch(referral)
    assert (seen["state"], seen["cycle"]) == (state, 2)
    assert await _reopenings(desk, referral) == [(2, target, reason)]
    assert [log["log_level"] for log in logs if log["event"] == "closed_referral_reopened"] == ["error"]
    assert await desk.consumer.rows("SELECT 1 FROM followup.parked WHERE referral_id = $1", referral) == []


async def test_the_police_may_refer_again_without_an_alarm(desk: Desk) -> None:
    referral = await closed(desk)
    with capture_logs() as logs:
        await desk.state(referral, intake.ReferredAgain(hop=2))
    assert await _reopenings(desk, referral) == [(2, "triage", "referred_again")]
    assert not [log for log in logs if log["event"] == "closed_referral_reopened"]


async def test_a_duplicate_call_reopens_nothing(desk: Desk) -> None:
    referral = await closed(desk)
    await desk.state(referral, linked(calls=2))
    assert (await desk.watch(referral))["state"] == "closed"


async def test_feedback_on_the_closing_itself_reopens_nothing_and_bars_nothing(desk: Desk) -> None:
    referral = await closed(desk)
    rows = await desk.consumer.rows(
        "SELECT fact_id FROM followup.milestone WHERE referral_id = $1 AND milestone = 'closed'", referral
    )
    await desk.state(referral, delivered(rows[0]["fact_id"], "closed", awaits=True))
    assert (await desk.watch(referral))["state"] == "closed"


async def _reopenings(desk: Desk, referral: UUID) -> list[tuple[int, str, str]]:
    rows = await desk.consumer.rows(
        "SELECT body FROM followup.event_log WHERE referral_id = $1 AND type LIKE '%referral_reopened%' ORDER BY seq",
        referral,
    )
    return [(row["body"]["cycle"], row["body"]["target"], row["body"]["reason"]) for row in rows]


async def _notices(desk: Desk, referral: UUID) -> list[dict[str, Any]]:
    return await desk.consumer.rows(
        "SELECT type, version FROM followup.notice WHERE referral_id = $1 ORDER BY version", referral
    )
