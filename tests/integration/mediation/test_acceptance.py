"""File numbers run without a gap however many accept at once, and nothing is accepted over a refusal or a block."""

import asyncio
from datetime import UTC, datetime, timedelta

from support.mediation_desk import Desk, block, lift

YEAR = (datetime.now(UTC) + timedelta(hours=8)).year


async def test_eight_acceptances_at_once_get_eight_numbers_in_a_row_and_refusals_use_up_none(desk: Desk) -> None:
    disputes = [await desk.dispute() for _ in range(8)]
    reluctant = [await desk.dispute() for _ in range(4)]
    for one in disputes:
        await one.consent(one.parties[0])
    for one in reluctant:
        await one.consent(one.parties[0], "refused")
    answers = await asyncio.gather(*(one.ask("accept") for one in [*disputes, *reluctant]))
    assert [answer.status_code for answer in answers] == [200] * 8 + [409] * 4
    numbers = sorted(answer.json()["file_no"] for answer in answers[:8])
    assert numbers == [f"（{YEAR}）虹曲人调字第{n:04d}号" for n in range(1, 9)]
    late = await reluctant[0].consent(reluctant[0].parties[0])
    assert late["state"] == "consent_pending"
    assert (await reluctant[0].do("accept"))["file_no"] == f"（{YEAR}）虹曲人调字第0009号"


async def test_each_committee_has_a_series_of_its_own(desk: Desk) -> None:
    ours, theirs = await desk.dispute(), await desk.dispute(committee="310109-YTW")
    assert (await ours.accepted())["file_no"] == f"（{YEAR}）虹曲人调字第0001号"
    assert (await theirs.accepted())["file_no"] == f"（{YEAR}）虹医人调字第0001号"


async def test_a_refusal_is_explained_with_its_article_and_what_is_allowed(desk: Desk) -> None:
    dispute = await desk.dispute()
    nobody = await dispute.refused("accept")
    assert (nobody["code"], nobody["basis"]) == ("consent_missing", "PML 17")
    await dispute.consent(dispute.parties[0])
    await dispute.consent(dispute.parties[1], "refused")
    refused = await dispute.refused("accept")
    assert (refused["code"], refused["concerns"]) == ("party_refuses", [str(dispute.parties[1])])
    assert refused["detail_zh"]
    assert refused["detail_en"]
    early = await dispute.refused("seal")
    assert (early["code"], early["allowed"]) == ("transition_refused", ["accept", "record_consent", "terminate"])


async def test_a_block_holds_a_case_until_it_is_lifted(desk: Desk) -> None:
    dispute = await desk.dispute()
    for party in dispute.parties:
        await dispute.consent(party)
    await dispute.tell(block())
    assert (await dispute.refused("accept"))["code"] == "halted"
    assert (await dispute.read())["blocks"] == ["X_DV"]
    assert (await dispute.clocks())["accept_or_decline/1"] == "paused"
    assert (await dispute.events())[-1] == "referral_halted"
    await dispute.tell(lift(2))
    assert (await dispute.clocks())["accept_or_decline/1"] == "running"
    assert (await dispute.do("accept"))["state"] == "accepted"


async def test_a_block_that_comes_before_the_hand_over_holds_the_case_too(desk: Desk) -> None:
    dispute = await desk.dispute()
    await dispute.tell(block("X_CRIMINAL"), block("X_DV"), lift(2, code="X_CRIMINAL"))
    await dispute.consent(dispute.parties[0])
    problem = await dispute.refused("accept")
    assert (problem["code"], problem["concerns"]) == ("halted", ["X_DV"])


async def test_a_command_is_done_once_per_key_and_only_on_the_version_seen(desk: Desk) -> None:
    dispute = await desk.dispute()
    body = {"party_id": str(dispute.parties[0]), "consent": "given", "how": "oral"}
    seen = await desk.get(dispute.path)
    assert seen.headers["ETag"] == '"1"'
    keyed = {"Idempotency-Key": "consent-1", "If-Match": '"1"'}
    first = await dispute.ask("consent", body, **keyed)
    again = await dispute.ask("consent", body, **keyed)
    assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
    assert again.content == first.content
    assert (await dispute.ask("consent", body, **{"If-Match": '"1"'})).status_code == 412
    assert (await dispute.read())["version"] == 2


async def test_background_events_do_not_spoil_an_open_form(desk: Desk) -> None:
    dispute = await desk.dispute()
    await dispute.tell(block(), lift(2))
    assert (await desk.get(dispute.path)).headers["ETag"] == '"1"'
