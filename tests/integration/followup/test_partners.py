"""Partners are told each step once under a growing number, and the present state: nobody's name, no narrow cell."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from chassis.ids import new_id
from followup_svc.domain.partner import Coarsening
from followup_svc.store.work import STATUS_SQL
from referral_schemas import mediation, triage
from referral_schemas.partners import PartnerReferral, ReferralStatus
from support.consumers import AT, classified, dispatched, linked, opened
from support.watching import Desk, blocked, effective, ended, graded, signed

CASE = mediation.CaseAccepted(file_no="1", accepted_at=AT, clocks=())


async def test_every_step_is_told_once_and_the_state_is_the_last_one(desk: Desk) -> None:
    referral = await desk.dispatched()
    await desk.state(referral, signed(), CASE, effective())
    notices = await _notices(desk, referral)
    assert [row["type"].split(".")[3] for row in notices] == ["opened", "dispatched", "signed", "accepted", "agreed"]
    versions = [row["version"] for row in notices]
    assert versions == sorted(set(versions))
    status = await _status(desk, referral)
    assert (status.state, status.version, status.office_code) == ("agreed", versions[-1], "310109010-SFS")
    for row in notices:
        body = PartnerReferral.parse(_json(row["body"]))
        assert (body.version, body.state) == (row["version"], row["type"].split(".")[3])
        assert row["headers"]["ce_version"] == str(row["version"])
        assert not row["headers"].keys() & {"ce_streamseq", "ce_after", "ce_causationid"}


async def test_what_has_no_word_for_partners_tells_nothing_but_a_grade_changes_the_state(desk: Desk) -> None:
    referral = await desk.dispatched()
    before = await _status(desk, referral)
    await desk.state(referral, blocked(), linked(calls=2))
    assert (await _status(desk, referral)).version == before.version
    await desk.state(referral, graded("orange"))
    after = await _status(desk, referral)
    assert (after.grade, after.version, after.state) == ("orange", before.version + 1, "dispatched")
    assert len(await _notices(desk, referral)) == 2


async def test_back_to_the_police_is_told_as_returned(desk: Desk) -> None:
    referral = await desk.dispatched()
    await desk.state(referral, ended(triage.End.BACK_TO_POLICE))
    assert (await _status(desk, referral)).state == "returned"


async def test_a_state_goes_through_the_outbox_without_a_body(desk: Desk) -> None:
    """The relay reads it when it sends; what is queued is only whose."""
    referral = await desk.dispatched()
    rows = await desk.consumer.rows(
        "SELECT event_id FROM followup.outbox WHERE key = $1 AND topic = 'referral-status.v1'", str(referral)
    )
    assert rows
    assert {row["event_id"] for row in rows} == {None}


async def test_a_medical_dispute_is_told_with_its_district_and_no_office(desk: Desk) -> None:
    referral = new_id()
    await desk.state(referral, opened(), classified(triage.Category.MEDICAL), dispatched())
    status = await _status(desk, referral)
    assert (status.area_code, status.office_code) == ("310109", None)


def test_a_small_area_is_told_as_its_district() -> None:
    rules = Coarsening("test", frozenset({"310109010"}), frozenset())
    assert rules.placed(None, "310109010-SFS", "family") == ("310109", None)
    assert rules.placed("310109010011", "310109009-SFS", "family") == ("310109010", "310109009-SFS")
    assert rules.placed(None, None, None) == (None, None)


async def _notices(desk: Desk, referral: UUID) -> list[dict[str, Any]]:
    return await desk.consumer.rows(
        "SELECT type, version, headers, body FROM followup.notice WHERE referral_id = $1 ORDER BY id", referral
    )


async def _status(desk: Desk, referral: UUID) -> ReferralStatus:
    (row,) = await desk.consumer.rows(STATUS_SQL, [str(referral)])
    assert row["type"] == ReferralStatus.TYPE
    status = ReferralStatus.parse(_json(row["body"]))
    assert status.version == row["version"]
    return status


def _json(body: Any) -> bytes:
    return orjson.dumps(body)
